import Models
import Tensors
import TestSupport
import Testing

@testable import ModelFiles

@Suite struct SafetensorsTests {
  static let sample: [UInt8] = {
    var writer = SafetensorsWriter(metadata: [("format", "pt"), ("a \"key\"\n", "wörth\\")])
    writer.add("one", shape: [2, 3], float32: [1, 2, 3, 4, 5, 6])
    writer.add("half", dtype: "F16", shape: [3], bytes: [1, 2, 3, 4, 5, 6])
    writer.add("brain", dtype: "BF16", shape: [1, 1], bytes: [0x80, 0x3F])
    writer.add("scalar", shape: [], float32: [9])
    writer.add("none", shape: [0, 4], float32: [])
    return writer.bytes()
  }()

  private func refusal(_ bytes: [UInt8]) -> ModelFileError? {
    error(of: bytes) { (file) throws(ModelFileError) in try SafetensorsFile(file) }
  }

  /// A file with this header and `data` bytes behind it.
  private func file(_ header: String, data: Int) -> [UInt8] {
    littleEndianBytes(UInt64(header.utf8.count)) + Array(header.utf8)
      + [UInt8](repeating: 0, count: data)
  }

  @Test("what the writer writes, the reader reads")
  func roundTrip() throws {
    try withFile(Self.sample) { file in
      let read = try SafetensorsFile(file)
      #expect(read.headerBytes % 8 == 0)
      #expect(read.tensors.map(\.name) == ["one", "half", "brain", "scalar", "none"])
      let tensors = Dictionary(uniqueKeysWithValues: read.tensors.map { ($0.name, $0) })
      #expect(tensors["one"]!.dimensions == [2, 3])
      #expect(tensors["scalar"]!.dimensions == [])
      #expect(tensors["brain"]!.type == .bfloat16)
      let matrix = try tensors["one"]!.matrix(shape: (2, 3), rows: 1..<2, columns: 0..<3)
      #expect(matrix.floats == [4, 5, 6])
      #expect(Array(file.storage.bytes[tensors["half"]!.range]) == [1, 2, 3, 4, 5, 6])
    }
  }

  @Test("a file cut short or lengthened at any byte is an error")
  func truncation() {
    #expect(refusal(Self.sample) == nil)
    for count in 0..<Self.sample.count {
      #expect(refusal(Array(Self.sample[..<count])) != nil, "\(count) bytes")
    }
    #expect(refusal(Self.sample + [0])?.kind == .malformed)
  }

  @Test("a changed byte in the header is read or refused, never followed out of the file")
  func mutations() throws {
    var generator = SeededGenerator(seed: 11)
    let header = try withFile(Self.sample) { try SafetensorsFile($0).headerBytes }
    var refused = 0
    for _ in 0..<2_000 {
      var changed = Self.sample
      let index = Int.random(in: 0..<header, using: &generator)
      changed[index] =
        [
          UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "0"),
          .random(in: 0...255, using: &generator),
        ]
        .randomElement(using: &generator)!
      let error = error(of: changed) { (file) throws(ModelFileError) in
        for tensor in try SafetensorsFile(file).tensors where !tensor.range.isEmpty {
          _ = file.storage.bytes[tensor.range.upperBound - 1]
        }
      }
      if error != nil { refused += 1 }
    }
    #expect(refused > 1_000)
  }

  struct Defect: Sendable, CustomTestStringConvertible {
    let header: String
    let kind: ModelFileError.Kind
    let subject: String?
    var testDescription: String { header }

    init(_ header: String, _ kind: ModelFileError.Kind, _ subject: String? = "tensor 'a'") {
      self.header = header
      self.kind = kind
      self.subject = subject
    }
  }

  static let defects = [
    Defect("[]", .notAModel, nil),
    Defect("", .notAModel, nil),
    Defect("{", .malformed, nil),
    Defect(#"{"a": 1}"#, .malformed, nil),
    Defect(#"{"a": {"dtype": "F32", "shape": [2]}}"#, .malformed, nil),
    Defect(#"{"a": {"dtype": "F32", "shape": [2.5], "data_offsets": [0, 8]}}"#, .malformed, nil),
    Defect(#"{"a": {"dtype": "F32", "shape": [1e99], "data_offsets": [0, 8]}}"#, .malformed, nil),
    Defect(#"{"__metadata__": {"a": 1}}"#, .malformed, nil),
    Defect(#"{"a": {"dtype": "F31", "shape": [2], "data_offsets": [0, 8]}}"#, .unsupported),
    Defect(#"{"a": {"dtype": "F32", "shape": [-2], "data_offsets": [0, 8]}}"#, .malformed),
    Defect(#"{"a": {"dtype": "F32", "shape": [3], "data_offsets": [0, 8]}}"#, .malformed),
    Defect(
      #"{"a": {"dtype": "F32", "shape": [4611686018427387904, 16], "data_offsets": [0, 8]}}"#,
      .malformed),
    Defect(#"{"a": {"dtype": "F32", "shape": [2], "data_offsets": [0]}}"#, .malformed),
    Defect(#"{"a": {"dtype": "F32", "shape": [2], "data_offsets": [8, 0]}}"#, .malformed),
    Defect(#"{"a": {"dtype": "F32", "shape": [2], "data_offsets": [-8, 0]}}"#, .malformed),
    Defect(#"{"a": {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]}}"#, .truncated),
    Defect(
      #"{"a": {"dtype": "F32", "shape": [0], "data_offsets": [0, 9223372036854775807]}}"#,
      .truncated),
    Defect(#"{"a": {"dtype": "F32", "shape": [1], "data_offsets": [4, 8]}}"#, .malformed),
    Defect(
      #"{"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}"#, .malformed, nil),
    Defect(
      #"{"b": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}, "#
        + #""a": {"dtype": "F32", "shape": [1], "data_offsets": [4, 8]}}"#, .malformed),
    Defect(#"{"a": {"dtype": "F4", "shape": [1], "data_offsets": [0, 0]}}"#, .malformed),
  ]

  @Test("a defect is an error of its kind that names the tensor", arguments: defects)
  func defect(_ defect: Defect) {
    let error = refusal(file(defect.header, data: 8))
    #expect(error?.kind == defect.kind, "\(String(describing: error))")
    #expect(error?.subject == defect.subject)
  }

  @Test("a header longer than the format allows is refused by its length")
  func longHeader() {
    for length: UInt64 in [100_000_001, 1 << 63, .max] {
      let error = refusal(littleEndianBytes(length) + Array("{}".utf8))
      #expect(error?.kind == .notAModel)
      #expect(error?.offset == 0)
    }
    #expect(refusal(littleEndianBytes(UInt64(100_000_000)) + Array("{}".utf8))?.kind == .truncated)
  }

  @Test("a dtype that cannot be computed with is an error of its tensor alone")
  func unusable() throws {
    let header =
      #"{"a": {"dtype": "I64", "shape": [1], "data_offsets": [0, 8]}, "#
      + #""b": {"dtype": "F32", "shape": [2], "data_offsets": [8, 16]}}"#
    try withFile(file(header, data: 16)) { file in
      let tensors = try SafetensorsFile(file).tensors
      #expect(tensors.map(\.typeName) == ["I64", "F32"])
      let error = #expect(throws: ModelFileError.self) {
        try tensors[0].vector(count: 1, range: 0..<1)
      }
      #expect(error?.kind == .unsupported)
      #expect(error?.subject == "tensor 'a'")
      #expect(try tensors[1].vector(count: 2, range: 0..<2) == [0, 0])
    }
  }

  @Test("the writer writes a file, and says why when it cannot")
  func write() throws {
    let folder = TemporaryFolder()
    let path = folder.write("old contents that are longer than what follows", to: "logits")
    var writer = SafetensorsWriter()
    writer.add("single", shape: [1, 2], float32: [0.5, -1])
    try writer.write(to: path)
    let file = try SafetensorsFile(FileBytes(mapping: path))
    #expect(file.tensors.map(\.dimensions) == [[1, 2]])
    let error = #expect(throws: ModelFileError.self) {
      try writer.write(to: path + "/x.safetensors")
    }
    #expect(error?.kind == .cannotWrite)
  }
}
