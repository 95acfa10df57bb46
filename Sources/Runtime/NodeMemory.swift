import Programs
import Tensors

/// The numbers of a rank's values: one buffer for each that the program names, grown as windows ask.
struct NodeMemory: ~Copyable {
  private var buffers: [OwnedFloats] = []
  private var places: [ValuePlace] = []

  /// A `FloatBuffer` that an array can hold.
  private final class OwnedFloats {
    let buffer: FloatBuffer
    init(count: Int) { buffer = FloatBuffer(count: count) }
  }

  init() {}

  /// Takes over a window's table of values. What lies in a buffer stays when the buffer grows.
  mutating func prepare(_ places: [ValuePlace]) {
    self.places = places
    var sizes: [Int] = []
    for place in places {
      let buffer = Int(place.buffer)
      while sizes.count <= buffer { sizes.append(0) }
      sizes[buffer] = max(sizes[buffer], place.offset + place.elements)
    }
    for (index, size) in sizes.enumerated() {
      if index == buffers.count {
        buffers.append(OwnedFloats(count: size))
      } else if buffers[index].buffer.count < size {
        let grown = OwnedFloats(count: size)
        let old = buffers[index].buffer.floats
        grown.buffer.floats.baseAddress!.update(from: old.baseAddress!, count: old.count)
        buffers[index] = grown
      }
    }
  }

  /// The numbers of one value, or of several that lie side by side in one buffer.
  func floats(_ values: Values) -> UnsafeMutableBufferPointer<Float> {
    guard values.count > 0 else { return UnsafeMutableBufferPointer(start: nil, count: 0) }
    let first = places[values.indices.lowerBound]
    let last = places[values.indices.upperBound - 1]
    precondition(first.buffer == last.buffer, "values \(values) lie in two buffers")
    return UnsafeMutableBufferPointer(
      rebasing: buffers[Int(first.buffer)].buffer.floats[
        first.offset..<last.offset + last.elements])
  }

  /// The same numbers as tokens.
  func tokens(_ values: Values) -> UnsafeMutableBufferPointer<Int32> {
    let floats = floats(values)
    return UnsafeMutableRawBufferPointer(floats).assumingMemoryBound(to: Int32.self)
  }

  /// Tokens from the beginning of a value on, in its own piece of a buffer and those behind it.
  func tokens(from value: Int, count: Int) -> [Int32] {
    let place = places[value]
    let buffer = buffers[Int(place.buffer)].buffer.floats[place.offset..<place.offset + count]
    return buffer.map { Int32(bitPattern: $0.bitPattern) }
  }

  /// The same numbers as bytes of a payload.
  func bytes(_ values: Values) -> UnsafeMutableRawBufferPointer {
    UnsafeMutableRawBufferPointer(floats(values))
  }
}
