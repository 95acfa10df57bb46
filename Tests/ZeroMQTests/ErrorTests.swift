import Testing
import ZeroMQ

@Suite("An error says what failed, where, and what would be right") struct ErrorTests {
  /// The error that binding a pull to `endpoint` gives.
  private func bindError(_ endpoint: Endpoint) throws -> ZeroMQError {
    var pull = try Socket<Pull>(in: Context())
    do throws(ZeroMQError) {
      try pull.bind(endpoint)
    } catch {
      return error
    }
    struct Bound: Error {}
    throw Bound()
  }

  @Test("a port in use")
  func addressInUse() throws {
    let context = try Context()
    var first = try Socket<Pull>(in: context)
    let endpoint = try first.bind("tcp://127.0.0.1:*")
    let error = try bindError(endpoint)
    #expect(error.code == .addressInUse)
    #expect(error.endpoint == endpoint)
    #expect(error.call == "zmq_bind")
    #expect(
      error.description
        == "zmq_bind on \(endpoint): Address already in use (errno 98); "
        + "bind to port 0 for any free port, or stop the process that holds this one")
  }

  @Test(
    "an endpoint that cannot be",
    arguments: [
      ("no scheme", ZeroMQError.Code.invalidArgument), ("tcp://", .invalidArgument),
      ("tcp://127.0.0.1:port", .invalidArgument), ("carrier-pigeon://x", .protocolNotSupported),
      ("tcp://192.0.2.1:0", .addressNotAvailable), ("ipc:///nowhere/at/all", .notFound),
    ])
  func endpoints(endpoint: String, code: ZeroMQError.Code) throws {
    let error = try bindError(Endpoint(rawValue: endpoint))
    #expect(error.code == code)
    #expect(error.description.hasPrefix("zmq_bind on \(endpoint): "))
  }

  @Test("a receive that failed names the endpoint of its socket")
  func receive() throws {
    var pull = try Socket<Pull>(in: Context())
    try pull.bind("inproc://named")
    let error = #expect(throws: ZeroMQError.self) { _ = try pull.receive(.dontWait) }
    #expect(
      error?.description
        == "zmq_msg_recv on inproc://named: Resource temporarily unavailable (errno 11)")
  }

  @Test("an option that is refused is named with its value")
  func option() throws {
    let error = #expect(throws: ZeroMQError.self) {
      _ = try Socket<Pull>(
        in: Context(),
        options: SocketOptions {
          $0.heartbeat = .init(interval: .seconds(1), timeToLive: .seconds(7000))
        })
    }
    #expect(error?.code == .invalidArgument)
    #expect(error?.call == "zmq_setsockopt(ZMQ_HEARTBEAT_TTL = 7000000)")
  }

  @Test("endpoints are written as libzmq reads them")
  func endpoints() {
    #expect(Endpoint.tcp(host: "::1", port: 5) == "tcp://[::1]:5")
    #expect(Endpoint.tcp(host: "node-1", port: 5555).port == 5555)
    #expect(Endpoint.ipc(path: "/tmp/x:5").port == nil)
    #expect(Endpoint("tcp://*:*").port == nil)
  }
}
