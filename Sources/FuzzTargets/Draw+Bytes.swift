extension Draw {
  /// Longest input that is made: larger ones only repeat what smaller ones do.
  static let longestInput = 1 << 16

  /// Spoils bytes once or a few times, those before `start` seldom, so that most inputs get past their header.
  mutating func spoil(_ bytes: inout [UInt8], from start: Int) {
    let start = chance(92) ? min(start, bytes.count) : 0
    for _ in 0..<1 + (chance(30) ? below(4) : 0) { spoilOnce(&bytes, from: start) }
    if bytes.count > Self.longestInput { bytes.removeLast(bytes.count - Self.longestInput) }
  }

  private mutating func spoilOnce(_ bytes: inout [UInt8], from start: Int) {
    guard start < bytes.count else {
      bytes += self.bytes(1 + below(16))
      return
    }
    let place = start + below(bytes.count - start)
    switch below(9) {
    case 0: bytes[place] ^= 1 << UInt8(below(8))
    case 1: bytes[place] = byte()
    case 2, 3, 4: put(edge(), size: pick([1, 2, 4, 8]), at: place, in: &bytes)
    case 5: bytes.removeLast(bytes.count - place)
    case 6: bytes.insert(contentsOf: self.bytes(1 + below(12)), at: place)
    case 7:
      bytes.removeSubrange(place..<min(bytes.count, place + 1 + below(16)))
    default:
      let end = min(bytes.count, place + 1 + below(40))
      bytes.insert(contentsOf: bytes[place..<end], at: start + below(bytes.count - start))
    }
  }

  /// Writes the low bytes of a number over what is there, as far as there are bytes.
  mutating func put(_ value: UInt64, size: Int, at place: Int, in bytes: inout [UInt8]) {
    for index in 0..<max(0, min(size, bytes.count - place)) {
      bytes[place + index] = UInt8(truncatingIfNeeded: value >> UInt64(8 * index))
    }
  }
}
