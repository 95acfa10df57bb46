/// Where a socket binds or connects: `tcp://127.0.0.1:5555`, `ipc:///tmp/node-0`, `inproc://abort`.
///
/// It is not parsed here: libzmq does that, and an endpoint it does not take is an
/// ``ZeroMQError/Code/invalidArgument`` that names it.
public struct Endpoint: RawRepresentable, Hashable, Sendable {
  /// The text as libzmq takes it.
  public let rawValue: String

  /// An endpoint by its text.
  public init(rawValue: String) { self.rawValue = rawValue }

  /// Over TCP. `port` 0 binds to any free port, which `bind` then returns.
  ///
  /// `host` is a name, an IPv4 address, an IPv6 address without brackets (the socket then needs
  /// ``SocketOptions/ipv6``), an interface, or `*` for all interfaces.
  public static func tcp(host: String, port: UInt16) -> Self {
    Self(rawValue: host.contains(":") ? "tcp://[\(host)]:\(port)" : "tcp://\(host):\(port)")
  }

  /// Over a Unix domain socket. The operating system bounds the path, to 107 bytes on Linux.
  public static func ipc(path: String) -> Self { Self(rawValue: "ipc://\(path)") }

  /// Between sockets of one context, without a copy.
  public static func inproc(_ name: String) -> Self { Self(rawValue: "inproc://\(name)") }

  /// Whether processes of other hosts may reach it: it is TCP, and not on a loopback address.
  public var isReachedByOthers: Bool {
    guard rawValue.hasPrefix("tcp://") else { return false }
    let host = rawValue.dropFirst("tcp://".count).prefix { $0 != ";" }
    return !["127.", "localhost:", "lo:", "[::1]:"].contains { host.hasPrefix($0) }
  }

  /// The port of a TCP endpoint; `nil` for other transports, and where the port is `*`.
  public var port: UInt16? {
    guard rawValue.hasPrefix("tcp://"), let colon = rawValue.lastIndex(of: ":") else { return nil }
    return UInt16(rawValue[rawValue.index(after: colon)...])
  }
}

extension Endpoint: ExpressibleByStringLiteral, CustomStringConvertible {
  /// An endpoint by its text.
  public init(stringLiteral value: String) { self.init(rawValue: value) }

  /// The text as libzmq takes it.
  public var description: String { rawValue }
}
