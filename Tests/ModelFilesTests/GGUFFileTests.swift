import Tensors
import TestSupport
import Testing

@testable import ModelFiles

@Suite struct GGUFFileTests {
  /// A file with every type of value and three tensors, the last of which fills its alignment.
  static let sample: GGUFWriter = {
    var writer = GGUFWriter(metadata: [
      ("a.uint8", .uint8(200)), ("a.int8", .int8(-100)), ("a.uint16", .uint16(60_000)),
      ("a.int16", .int16(-30_000)), ("a.uint32", .uint32(4_000_000_000)),
      ("a.int32", .int32(-2_000_000_000)), ("a.float32", .float32(1.5)), ("a.bool", .bool(true)),
      ("a.string", .string("héllo")), ("a.uint64", .uint64(.max)), ("a.int64", .int64(.min)),
      ("a.float64", .float64(-0.1)), ("a.empty", .array([])),
      ("a.strings", .array([.string("one"), .string(""), .string("drei")])),
      ("a.integers", .array([.int16(-1), .int16(2)])),
      ("a.nested", .array([.array([.uint8(1), .uint8(2)]), .array([.string("x")])])),
    ])
    writer.add("first", rows: 2, columns: 3, float32: [1, 2, 3, 4, 5, 6])
    writer.add("second", float32: [7])
    writer.add(
      "third", rows: 2, columns: 32, type: GGMLTypeCode.q8_0,
      bytes: [UInt8](repeating: 3, count: 68))
    writer.add("fourth", float32: [Float](repeating: 8, count: 8))
    return writer
  }()

  @Test("every type of metadata value is read")
  func values() throws {
    try withFile(Self.sample.bytes()) { file in
      let gguf = try GGUFFile(file)
      #expect(try gguf.integer("a.uint8") == 200)
      #expect(try gguf.integer("a.int8") == -100)
      #expect(try gguf.integer("a.uint16") == 60_000)
      #expect(try gguf.integer("a.int16") == -30_000)
      #expect(try gguf.integer("a.uint32") == 4_000_000_000)
      #expect(try gguf.integer("a.int32") == -2_000_000_000)
      #expect(try gguf.integer("a.int64") == .min)
      #expect(try gguf.number("a.float32") == 1.5)
      #expect(try gguf.number("a.float64") == -0.1)
      #expect(try gguf.number("a.uint8") == 200)
      #expect(try gguf.bool("a.bool") == true)
      #expect(try gguf.string("a.string") == "héllo")
      let strings = try #require(try gguf.stringRanges("a.strings"))
      #expect(
        strings.map { String(decoding: file.storage.bytes[$0], as: UTF8.self) }
          == ["one", "", "drei"])
      #expect(try gguf.integers("a.integers") == [-1, 2])
      #expect(try gguf.integers("a.empty") == [])
      #expect(try gguf.integer("absent") == nil)
      guard case .unsigned(.max) = gguf.metadata["a.uint64"] else {
        Issue.record("a.uint64 is \(String(describing: gguf.metadata["a.uint64"]))")
        return
      }
    }
  }

  @Test("a value of another type than asked for is an error that names the key")
  func wrongValues() throws {
    try withFile(Self.sample.bytes()) { file in
      #expect(throws: ModelFileError.self) { try GGUFFile(file).integer("a.string") }
      #expect(throws: ModelFileError.self) { try GGUFFile(file).integer("a.uint64") }
      #expect(throws: ModelFileError.self) { try GGUFFile(file).number("a.bool") }
      #expect(throws: ModelFileError.self) { try GGUFFile(file).bool("a.uint8") }
      #expect(throws: ModelFileError.self) { try GGUFFile(file).string("a.uint8") }
      #expect(throws: ModelFileError.self) { try GGUFFile(file).stringRanges("a.integers") }
      #expect(throws: ModelFileError.self) { try GGUFFile(file).integers("a.string") }
      let error = #expect(throws: ModelFileError.self) {
        try GGUFFile(file).integers("a.strings")
      }
      #expect(error?.subject == "key 'a.strings'")
    }
  }

  @Test("tensors are found where the writer put them", arguments: [1, 8, 32, 4096])
  func tensors(alignment: Int) throws {
    var writer = Self.sample
    writer.alignment = alignment
    writer.metadata.append(("general.alignment", .uint32(UInt32(alignment))))
    try withFile(writer.bytes()) { file in
      let gguf = try GGUFFile(file)
      #expect(gguf.tensors.map(\.name) == ["first", "second", "third", "fourth"])
      #expect(gguf.tensors[0].dimensions == [3, 2])
      for (tensor, written) in zip(gguf.tensors, writer.tensors) {
        #expect(tensor.range.lowerBound % alignment == 0)
        #expect(Array(file.storage.bytes[tensor.range]) == written.bytes)
      }
    }
  }

  @Test("a file cut short at any byte is an error")
  func truncation() {
    let bytes = Self.sample.bytes()
    #expect(error(of: bytes) { (file) throws(ModelFileError) in try GGUFFile(file) } == nil)
    for count in 0..<bytes.count {
      let error = error(of: Array(bytes[..<count])) { (file) throws(ModelFileError) in
        try GGUFFile(file)
      }
      #expect(error != nil, "\(count) of \(bytes.count) bytes")
    }
  }

  @Test("a changed byte in the header is read or refused, never followed out of the file")
  func mutations() throws {
    var generator = SeededGenerator(seed: 7)
    let bytes = SmallModels.standard.bytes()
    let header = try withFile(bytes) { try GGUFFile($0).headerBytes }
    var refused = 0
    for _ in 0..<1_500 {
      var changed = bytes
      for _ in 0..<Int.random(in: 1...2, using: &generator) {
        let index = Int.random(in: 0..<header, using: &generator)
        let values: [UInt8] = [
          0, 1, 0x7F, 0x80, 0xFF, changed[index] ^ 1, .random(in: 0...255, using: &generator),
        ]
        changed[index] = values.randomElement(using: &generator)!
      }
      let error = error(of: changed) { (file) throws(ModelFileError) in
        let model = try GGUFModel(file)
        try model.verifyTensors()
        // What passed lies inside the file.
        for tensor in model.file.tensors {
          _ = file.storage.bytes[tensor.range.lowerBound]
          _ = file.storage.bytes[tensor.range.upperBound - 1]
        }
        return model
      }
      if error != nil { refused += 1 }
    }
    #expect(refused > 750)
  }

  @Test("a wrong magic, an old version and a big-endian file are told apart")
  func magic() {
    func open(_ change: (inout GGUFWriter) -> Void) -> ModelFileError? {
      var writer = Self.sample
      change(&writer)
      return error(of: writer.bytes()) { (file) throws(ModelFileError) in try GGUFFile(file) }
    }
    #expect(open { $0.magic = Array("GGML".utf8) }?.kind == .notAModel)
    for version: UInt32 in [0, 1, 2, 4] {
      let error = open { $0.version = version }
      #expect(error?.kind == .unsupported)
      #expect(error?.offset == 4)
      #expect(error?.detail.contains("version \(version)") == true)
    }
    #expect(open { $0.version = UInt32(3).byteSwapped }?.detail.contains("big-endian") == true)
  }

  /// A change to the sample, and what the error must name.
  struct Defect: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let kind: ModelFileError.Kind
    let subject: String?
    let change: @Sendable (inout GGUFWriter) -> Void
  }

  static let defects: [Defect] = [
    Defect(
      testDescription: "unknown tensor type", kind: .unsupported, subject: "tensor 'second'"
    ) { $0.tensors[1].type = 99 },
    Defect(
      testDescription: "a removed tensor type", kind: .unsupported, subject: "tensor 'second'"
    ) { $0.tensors[1].type = 4 },
    Defect(testDescription: "no dimensions", kind: .malformed, subject: "tensor 'first'") {
      $0.tensors[0].dimensions = []
    },
    Defect(testDescription: "five dimensions", kind: .malformed, subject: "tensor 'first'") {
      $0.tensors[0].dimensions = [1, 1, 1, 1, 1]
    },
    Defect(testDescription: "a dimension of zero", kind: .malformed, subject: "tensor 'first'") {
      $0.tensors[0].dimensions = [3, 0]
    },
    Defect(
      testDescription: "dimensions whose product overflows", kind: .malformed,
      subject: "tensor 'first'"
    ) { $0.tensors[0].dimensions = [1 << 33, 1 << 33] },
    Defect(
      testDescription: "a dimension above 63 bits", kind: .malformed, subject: "tensor 'first'"
    ) { $0.tensors[0].dimensions = [.max, 2] },
    Defect(
      testDescription: "bytes that overflow", kind: .truncated, subject: "tensor 'first'"
    ) { $0.tensors[0].dimensions = [1 << 62] },
    Defect(
      testDescription: "more data than the file", kind: .truncated, subject: "tensor 'first'"
    ) { $0.tensors[0].dimensions = [3, 1 << 40] },
    Defect(
      testDescription: "a row that is no whole block", kind: .malformed, subject: "tensor 'third'"
    ) { $0.tensors[2].dimensions = [33, 2] },
    Defect(
      testDescription: "an offset that is not aligned", kind: .malformed, subject: "tensor 'second'"
    ) {
      $0.tensors[1].offset = 33
    },
    Defect(
      testDescription: "an offset behind the file", kind: .truncated, subject: "tensor 'second'"
    ) { $0.tensors[1].offset = 1 << 20 },
    Defect(
      testDescription: "an offset that overflows", kind: .truncated, subject: "tensor 'second'"
    ) { $0.tensors[1].offset = .max - 31 },
    Defect(testDescription: "tensors that overlap", kind: .malformed, subject: "tensor 'second'") {
      $0.tensors[1].offset = 0
    },
    Defect(testDescription: "a tensor name twice", kind: .malformed, subject: "tensor 'first'") {
      $0.tensors[1].name = "first"
    },
    Defect(testDescription: "a long tensor name", kind: .malformed, subject: "tensor number 0") {
      $0.tensors[0].name = String(repeating: "x", count: 257)
    },
    Defect(testDescription: "a key twice", kind: .malformed, subject: "key 'a.bool'") {
      $0.metadata.append(("a.bool", .bool(true)))
    },
    Defect(
      testDescription: "a long key", kind: .malformed, subject: "metadata key number 0"
    ) { $0.metadata[0].key = String(repeating: "k", count: 65_536) },
    Defect(
      testDescription: "arrays nested too deep", kind: .unsupported, subject: "key 'deep'"
    ) {
      let array = GGUFWriter.Value.array([.array([.array([.array([.array([.uint8(0)])])])])])
      $0.metadata.append(("deep", array))
    },
    Defect(
      testDescription: "an alignment of 0", kind: .malformed, subject: "key 'general.alignment'"
    ) { $0.metadata.append(("general.alignment", .uint32(0))) },
    Defect(
      testDescription: "an alignment of 24", kind: .malformed, subject: "key 'general.alignment'"
    ) { $0.metadata.append(("general.alignment", .uint32(24))) },
    Defect(
      testDescription: "an alignment in words", kind: .malformed,
      subject: "key 'general.alignment'"
    ) { $0.metadata.append(("general.alignment", .string("32"))) },
  ]

  @Test("a defect is an error that names its tensor or key", arguments: defects)
  func defect(_ defect: Defect) {
    var writer = Self.sample
    defect.change(&writer)
    let error = error(of: writer.bytes(), path: "a.gguf") { (file) throws(ModelFileError) in
      try GGUFFile(file)
    }
    #expect(error?.kind == defect.kind, "\(String(describing: error))")
    #expect(error?.subject == defect.subject)
    #expect(error?.file == "a.gguf")
    #expect(error?.offset != nil || defect.subject == "key 'general.alignment'")
  }

  @Test("counts that no file of this size can hold are refused before anything is allocated")
  func counts() {
    let bytes = Self.sample.bytes()
    for (place, what) in [(8, "tensors"), (16, "keys")] {
      for count: UInt64 in [1_000, 1 << 40, .max] {
        var changed = bytes
        changed.replaceSubrange(place..<place + 8, with: littleEndianBytes(count))
        let error = error(of: changed) { (file) throws(ModelFileError) in try GGUFFile(file) }
        #expect(error?.kind == .truncated)
        #expect(error?.offset == place)
        #expect(error?.detail.contains(what) == true)
      }
    }
  }

  @Test("unknown value types, bools that are neither and text that is not UTF-8 are refused")
  func badValues() {
    func open(_ value: GGUFWriter.Value, change: (inout [UInt8]) -> Void) -> ModelFileError? {
      var bytes = GGUFWriter(metadata: [("key", value)]).bytes()
      change(&bytes)
      return error(of: bytes) { (file) throws(ModelFileError) in try GGUFFile(file) }
    }
    // Magic, version, counts, key length: 32 bytes; the key: 3; its type: 4.
    #expect(open(.bool(true)) { $0[35] = 13 }?.kind == .malformed)
    #expect(open(.bool(true)) { $0[39] = 2 }?.kind == .malformed)
    #expect(open(.string("abcd")) { $0[48] = 0xFF }?.kind == .malformed)
    #expect(open(.string("abcd")) { $0[32] = 0xFF }?.kind == .malformed)
    #expect(open(.string("abcd")) { $0[46] = 0xFF }?.kind == .truncated)
    #expect(open(.array([.uint8(1)])) { $0[39] = 77 }?.kind == .malformed)
    #expect(open(.array([.uint8(1)])) { $0[50] = 0x7F }?.kind == .truncated)
  }
}
