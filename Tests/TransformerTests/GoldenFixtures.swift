import FoundationEssentials
import ModelFiles
import Testing

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// A model of `Tests/Golden/models` in one of its formats; `Tests/Golden/make_models.py` makes them.
struct GoldenModel: Sendable, CustomTestStringConvertible {
  /// The folder.
  let name: String
  /// The file in it; `nil` opens the folder, as safetensors with `config.json`.
  let file: String?

  init(_ name: String, _ file: String? = nil) {
    self.name = name
    self.file = file
  }

  var testDescription: String { file.map { "\(name)/\($0)" } ?? name }
  var folder: String { "\(Golden.folder)/models/\(name)" }
  var path: String { file.map { "\(folder)/\($0)" } ?? folder }

  func open() throws -> ModelFile {
    let model = try ModelFile.open(path)
    try model.verifyTensors()
    return model
  }

  func reference() throws -> Reference { try Golden.decode("models/\(name)/reference.json") }

  func layout() throws -> [PlacedTensor] { try Golden.decode("models/\(name)/layout.json") }

  /// What Transformers computes from the same weights.
  struct Reference: Decodable {
    let prompt: [Int32]
    /// The tokens after the prompt.
    let greedy: [Int32]
    /// Logits after each token of the prompt, [tokens, vocabulary].
    let logits: Base64Floats
  }

  /// Where a tensor lies, as the formats' own libraries read it.
  struct PlacedTensor: Decodable {
    let name: String
    let file: String
    /// Of its first byte, in the file.
    let offset: Int
    /// [rows, columns] or [elements].
    let shape: [Int]
    let blockElements: Int
    let blockBytes: Int
  }
}

/// float32 values, little-endian, in base 64: exact, and a third of their size in decimals.
struct Base64Floats: Decodable {
  let values: [Float]

  init(from decoder: any Decoder) throws {
    let bytes = try Base64Bytes(from: decoder).bytes
    values = bytes.withUnsafeBytes { bytes in
      (0..<bytes.count / 4).map {
        let bits = bytes.loadUnaligned(fromByteOffset: 4 * $0, as: UInt32.self)
        return Float(bitPattern: UInt32(littleEndian: bits))
      }
    }
  }
}

/// Bytes in base 64.
struct Base64Bytes: Decodable {
  let bytes: [UInt8]

  init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    bytes = Array(try container.decode(Data.self))
  }
}

enum Golden {
  /// `Tests/Golden`.
  static let folder = URL(filePath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().appending(path: "Golden").path()

  static func bytes(_ path: String) throws -> [UInt8] {
    Array(try Data(contentsOf: URL(filePath: path)))
  }

  /// A JSON file of the folder.
  static func decode<Value: Decodable>(_ name: String) throws -> Value {
    try JSONDecoder().decode(
      Value.self, from: Data(contentsOf: URL(filePath: "\(folder)/\(name)")))
  }
}

/// The largest difference between two rows; infinite where either is not a number.
func worstDifference(_ one: some Sequence<Float>, _ other: some Sequence<Float>) -> Float {
  var worst: Float = 0
  for (left, right) in zip(one, other) {
    let difference = abs(left - right)
    worst = difference.isNaN ? .infinity : max(worst, difference)
  }
  return worst
}

/// Whether rows are the same bit for bit.
func sameBits(_ one: [Float], _ other: [Float]) -> Bool {
  one.withUnsafeBytes { one in
    other.withUnsafeBytes { other in
      one.count == other.count && memcmp(one.baseAddress!, other.baseAddress!, one.count) == 0
    }
  }
}
