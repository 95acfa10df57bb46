/// The bytes of every token, and the token of given bytes.
///
/// A hundred thousand short byte strings: they lie one after the other, and are found by open
/// addressing, so that building the table allocates three arrays and not one a token.
struct TokenTable: Sendable {
  private var bytes: [UInt8] = []
  /// Where each token starts, and the end.
  private var starts: [Int] = [0]
  /// Tokens by the hash of their bytes; −1 is free. A power of two, at most half full.
  private var slots: [Int32]

  /// A table for up to `capacity` tokens.
  init(capacity: Int) {
    var size = 16
    while size < 2 * capacity { size *= 2 }
    slots = [Int32](repeating: -1, count: size)
    starts.reserveCapacity(capacity + 1)
  }

  /// Number of tokens.
  var count: Int { starts.count - 1 }

  /// The bytes of a token.
  subscript(token: Int) -> ArraySlice<UInt8> { bytes[starts[token]..<starts[token + 1]] }

  /// Adds the next token; `findable` says whether `token(of:)` should give it.
  ///
  /// Of several findable tokens with the same bytes the first is found.
  mutating func append(_ token: some Collection<UInt8>, findable: Bool) {
    precondition(2 * (count + 1) <= slots.count, "table for \(slots.count / 2) tokens is full")
    let index = count
    bytes.append(contentsOf: token)
    starts.append(bytes.count)
    guard findable else { return }
    let slot = slot(of: self[index])
    if slots[slot] < 0 { slots[slot] = Int32(index) }
  }

  /// The token that has these bytes.
  func token(of bytes: ArraySlice<UInt8>) -> Int? {
    let found = slots[slot(of: bytes)]
    return found < 0 ? nil : Int(found)
  }

  /// The slot that holds these bytes, or the free one where they would go.
  private func slot(of key: ArraySlice<UInt8>) -> Int {
    // FNV-1a, 64 bit.
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for byte in key { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
    let mask = slots.count - 1
    var slot = Int(truncatingIfNeeded: hash ^ (hash >> 32)) & mask
    while slots[slot] >= 0, self[Int(slots[slot])] != key { slot = (slot + 1) & mask }
    return slot
  }
}
