/// FNV-1a's step, 64 bits at a time: tells apart results that should be the same bytes. Not for security.
public struct Digest: Hashable, Sendable {
  /// The digest so far.
  public private(set) var value: UInt64

  /// Of no bytes, or one that came from elsewhere.
  public init(value: UInt64 = 0xCBF2_9CE4_8422_2325) { self.value = value }

  /// Adds bytes, eight at a time as words of the least significant byte first, the rest one by one.
  public mutating func add(_ bytes: UnsafeRawBufferPointer) {
    let words = bytes.count / 8
    for index in 0..<words {
      let word = bytes.loadUnaligned(fromByteOffset: index * 8, as: UInt64.self)
      add(word: UInt64(littleEndian: word))
    }
    for byte in bytes[(words * 8)...] { add(word: UInt64(byte)) }
  }

  @inline(__always)
  private mutating func add(word: UInt64) { value = (value ^ word) &* 0x100_0000_01B3 }

  /// Adds an integer, the same on every host.
  public mutating func add(_ number: Int64) {
    add(word: UInt64(bitPattern: number))
  }
}
