import CSodium

/// A hash by which pieces of weights are told apart and found whole: BLAKE2b of 256 bits (RFC 7693).
///
/// It resists an adversary, so that a cache named by it holds what it says whoever filled it.
public struct ContentHash: Hashable, Sendable, CustomStringConvertible {
  /// Bytes of a hash.
  public static let byteCount = 32

  /// The hash itself.
  public let bytes: [UInt8]

  /// The hash of some bytes.
  public init(of content: UnsafeRawBufferPointer) {
    bytes = [UInt8](unsafeUninitializedCapacity: Self.byteCount) { hash, count in
      let status = crypto_generichash(
        hash.baseAddress!, Self.byteCount, content.baseAddress?.assumingMemoryBound(to: UInt8.self),
        UInt64(content.count), nil, 0)
      precondition(status == 0, "BLAKE2b of \(content.count) bytes")
      count = Self.byteCount
    }
  }

  /// A hash that somebody has made.
  ///
  /// - Precondition: it has `byteCount` bytes.
  init(bytes: [UInt8]) {
    precondition(bytes.count == Self.byteCount)
    self.bytes = bytes
  }

  /// 64 hexadecimal digits.
  public var description: String {
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  }
}
