/// The name under which a ``Router`` knows a peer.
///
/// 1 to 255 bytes. A peer may choose its own; for one that does not, the router makes up five bytes of
/// which the first is zero, which is why a chosen name may not begin so.
public struct RoutingID: Hashable, Sendable {
  /// The name itself.
  public let bytes: [UInt8]

  /// The name a peer chooses for itself, or one under which it is known.
  ///
  /// - Precondition: 1 to 255 bytes.
  public init(_ bytes: [UInt8]) {
    precondition(1...255 ~= bytes.count, "a routing id of \(bytes.count) bytes; it has 1 to 255")
    self.bytes = bytes
  }
}

extension RoutingID: ExpressibleByStringLiteral, CustomStringConvertible {
  /// The text's UTF-8 bytes.
  public init(stringLiteral value: String) { self.init(Array(value.utf8)) }

  /// The text where it is printable ASCII, else hexadecimal digits.
  public var description: String {
    if bytes.allSatisfy({ 0x20..<0x7F ~= $0 }) { return String(decoding: bytes, as: UTF8.self) }
    return "0x"
      + bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  }
}
