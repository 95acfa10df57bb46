import Runtime
import ZeroMQ

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Where other nodes reach this one, and where it binds for that.
public struct HostAddress: Hashable, Sendable {
  /// An IPv4 address or a name that others can resolve.
  public var advertised: String
  /// An address of this host's, or `0.0.0.0` for all of them.
  public var bound: String
  /// Ports to take data connections at, one a peer; `nil` is any free one.
  public var ports: ClosedRange<UInt16>?

  /// Takes each field as it is.
  public init(advertised: String, bound: String, ports: ClosedRange<UInt16>? = nil) {
    self.advertised = advertised
    self.bound = bound
    self.ports = ports
  }

  /// Chooses what was not asked for.
  ///
  /// Without a wish, others reach this host at the address from which it reaches the coordinator: loopback for
  /// a coordinator of this host, the address on the common network for another. Where that is no address of this
  /// host's own, as for a name that leads through a translation of addresses, it binds to all.
  ///
  /// - Parameters:
  ///   - advertised: An address, a name, or an interface such as `eth0`.
  ///   - bound: An address or an interface of this host's.
  ///   - coordinator: Where the coordinator is.
  ///
  /// Throws `NodeFailure` for an interface or a name that there is not.
  public init(
    advertised: String?, bound: String?, ports: ClosedRange<UInt16>?, coordinator: Endpoint
  ) throws(NodeFailure) {
    let interfaces = Self.interfaces
    self.ports = ports
    if let advertised {
      self.advertised = interfaces.first { $0.name == advertised }?.address ?? advertised
    } else {
      self.advertised = try Self.local(towards: coordinator)
    }
    if let bound {
      self.bound = interfaces.first { $0.name == bound }?.address ?? bound
      guard self.bound == "0.0.0.0" || interfaces.contains(where: { $0.address == self.bound })
      else {
        throw NodeFailure(
          reason: "'\(bound)' is neither an interface nor an address of this host, which has "
            + interfaces.map { "\($0.name) (\($0.address))" }.joined(separator: ", "), isOwn: true)
      }
    } else {
      let own = Self.resolve(self.advertised)
      guard let own else {
        throw NodeFailure(
          reason:
            "'\(self.advertised)' is neither an interface of this host nor a name that it can "
            + "resolve", isOwn: true)
      }
      self.bound = interfaces.contains { $0.address == own } ? own : "0.0.0.0"
    }
  }

  /// Interfaces with an IPv4 address.
  static var interfaces: [(name: String, address: String)] {
    var first: UnsafeMutablePointer<ifaddrs>?
    guard getifaddrs(&first) == 0 else { return [] }
    defer { freeifaddrs(first) }
    var found: [(String, String)] = []
    var next = first
    while let interface = next?.pointee {
      if let address = interface.ifa_addr, address.pointee.sa_family == UInt16(AF_INET) {
        let text = address.withMemoryRebound(to: sockaddr_in.self, capacity: 1) {
          Self.text($0.pointee.sin_addr)
        }
        found.append((String(cString: interface.ifa_name), text))
      }
      next = interface.ifa_next
    }
    return found
  }

  /// The IPv4 address of a name; `nil` when there is none.
  static func resolve(_ name: String, port: String? = nil) -> String? {
    var hints = addrinfo()
    hints.ai_family = AF_INET
    hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    var list: UnsafeMutablePointer<addrinfo>?
    guard getaddrinfo(name, port, &hints, &list) == 0, let list else { return nil }
    defer { freeaddrinfo(list) }
    return list.pointee.ai_addr.withMemoryRebound(to: sockaddr_in.self, capacity: 1) {
      text($0.pointee.sin_addr)
    }
  }

  /// The address of a name that is known to exist, since the node is connected to it by that name: container engines
  /// answer nothing for a moment when a container comes or goes.
  private static func resolve(patiently name: String) -> String? {
    for attempt in 0..<mostLookups {
      if attempt > 0 { usleep(500_000) }
      if let address = resolve(name) { return address }
    }
    return nil
  }

  /// Half a second apart: longer than an engine takes to start over its name server.
  private static let mostLookups = 10

  /// This host's address on the way to the coordinator. Asks the routing table; nothing is sent.
  private static func local(towards coordinator: Endpoint) throws(NodeFailure) -> String {
    guard let port = coordinator.port else { return "127.0.0.1" }
    let text = coordinator.rawValue.dropFirst("tcp://".count).dropLast("\(port)".count + 1)
    guard let host = resolve(patiently: String(text)) else {
      throw NodeFailure(
        reason: "the coordinator's name '\(text)' cannot be resolved", isOwn: true)
    }
    let probe = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
    defer { close(probe) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    inet_pton(AF_INET, host, &address.sin_addr)
    let size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let isRouted = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(probe, $0, size) == 0 }
    }
    guard probe >= 0, isRouted else {
      throw NodeFailure(
        reason: "there is no way from this host to the coordinator at \(host): "
          + String(cString: strerror(errno)), isOwn: true)
    }
    var own = sockaddr_in()
    var length = size
    _ = withUnsafeMutablePointer(to: &own) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(probe, $0, &length) }
    }
    return Self.text(own.sin_addr)
  }

  private static func text(_ address: in_addr) -> String {
    var address = address
    var text = [CChar](repeating: 0, count: Int(INET_ADDRSTRLEN))
    inet_ntop(AF_INET, &address, &text, socklen_t(text.count))
    return String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
  }
}
