/// FNV-1a, 64 bits: tells apart results that should be the same bytes. Not for security.
public struct Digest: Hashable, Sendable {
  public private(set) var value: UInt64

  /// Of no bytes, or one that came from elsewhere.
  public init(value: UInt64 = 0xCBF2_9CE4_8422_2325) { self.value = value }

  /// Adds bytes.
  public mutating func add(_ bytes: UnsafeRawBufferPointer) {
    for byte in bytes { value = (value ^ UInt64(byte)) &* 0x100_0000_01B3 }
  }

  /// Adds an integer, least significant byte first on every host.
  public mutating func add(_ number: Int64) {
    withUnsafeBytes(of: number.littleEndian) { add($0) }
  }
}
