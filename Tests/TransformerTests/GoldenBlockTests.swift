import Tensors
import Testing

@Suite("Quantised blocks expand as gguf-py expands them")
struct GoldenBlockTests {
  /// The types, and what ggml calls them.
  static let types: [(ElementType, String)] = [
    (.q4_0, "Q4_0"), (.q4_1, "Q4_1"), (.q8_0, "Q8_0"), (.q4_K, "Q4_K"), (.q5_K, "Q5_K"),
    (.q6_K, "Q6_K"),
  ]

  @Test("every weight of 1024, within a rounding", arguments: types)
  func blocks(type: ElementType, name: String) throws {
    let bytes = try GoldenFiles.bytes("models/blocks/\(name).blocks")
    let expected = try GoldenFiles.floats("models/blocks/\(name).f32")
    #expect(expected.count == 1024 && bytes.count == type.bytes(elements: 1024))
    let matrix = Matrix(type: type, rows: 1, columns: 1024, storage: Storage(copying: bytes))
    var floats = [Float](repeating: .nan, count: 1024)
    floats.withUnsafeMutableBufferPointer { matrix.expand(row: 0, into: $0) }
    // A scale times a number plus a minimum is rounded once here, twice there.
    let largest = expected.reduce(0) { max($0, abs($1)) }
    #expect(floats.largestDifference(to: expected) <= largest * 0x1p-23)
  }
}

extension Storage {
  /// Bytes of its own.
  init(copying bytes: [UInt8]) {
    final class Owner {
      let memory: UnsafeMutableRawBufferPointer
      init(_ bytes: [UInt8]) {
        memory = .allocate(byteCount: bytes.count, alignment: 64)
        memory.copyBytes(from: bytes)
      }
      deinit { memory.deallocate() }
    }
    let owner = Owner(bytes)
    self.init(bytes: UnsafeRawBufferPointer(owner.memory), owner: owner)
  }
}
