"""Stands between nodes and a coordinator, and makes the nodes speak of another protocol version.

other-version.py LISTEN COORDINATOR: a frame of control begins with mark (4 bytes), version (2), kind (1); a hello goes
on with the version again (Sources/Runtime/Control/Encoding+Control.swift). Both versions of a first frame become 1.
"""

import struct
import sys

import zmq


def main():
    context = zmq.Context()
    nodes = context.socket(zmq.ROUTER)
    nodes.bind(sys.argv[1])
    coordinators = {}
    poller = zmq.Poller()
    poller.register(nodes, zmq.POLLIN)
    while True:
        for socket, _ in poller.poll():
            if socket is nodes:
                identity, frame = nodes.recv_multipart()
                if identity not in coordinators:
                    coordinators[identity] = context.socket(zmq.DEALER)
                    coordinators[identity].connect(sys.argv[2])
                    poller.register(coordinators[identity], zmq.POLLIN)
                    assert frame[4:6] == frame[7:9], "not a hello"
                    old = struct.pack("<H", 1)
                    frame = frame[:4] + old + frame[6:7] + old + frame[9:]
                coordinators[identity].send(frame)
            else:
                (identity,) = [name for name, own in coordinators.items() if own is socket]
                nodes.send_multipart([identity, socket.recv()])


main()
