import Models
import Tensors
import TestSupport
import Testing

@testable import ModelFiles

@Suite struct ModelFileTests {
  /// Writes the small model as safetensors, its tensors dealt to `shards` files.
  private func writeSafetensors(
    _ folder: borrowing TemporaryFolder, shards: Int = 1, biases: Bool = false,
    dtype: String = "F32"
  ) {
    var writers = [SafetensorsWriter](repeating: SafetensorsWriter(), count: shards)
    var map: [String] = []
    for (index, (name, shape)) in SmallModels.tensors(biases: biases).enumerated() {
      let count = shape.reduce(1, *)
      // A number that says which tensor and element it is.
      let values = (0..<count).map { Float(index) + Float($0) / 8192 }
      if dtype == "F32" {
        writers[index % shards].add(name, shape: shape, float32: values)
      } else {
        let bytes = values.flatMap { value in
          littleEndianBytes(
            dtype == "F16"
              ? Float16(value).bitPattern : UInt16(truncatingIfNeeded: value.bitPattern >> 16))
        }
        writers[index % shards].add(name, dtype: dtype, shape: shape, bytes: bytes)
      }
      map.append("\"\(name)\": \"\(file(index % shards, of: shards))\"")
    }
    for (index, writer) in writers.enumerated() {
      folder.write(writer.bytes(), to: file(index, of: shards))
    }
    if shards > 1 {
      folder.write(
        "{\"metadata\": {\"total_size\": 1}, \"weight_map\": {\(map.joined(separator: ","))}}",
        to: "model.safetensors.index.json")
    }
  }

  private func file(_ index: Int, of shards: Int) -> String {
    shards == 1 ? "model.safetensors" : "model-0000\(index + 1)-of-0000\(shards).safetensors"
  }

  @Test("a GGUF file is opened whatever it is called", arguments: ["m.gguf", "blob-1234"])
  func gguf(name: String) throws {
    let folder = TemporaryFolder()
    let bytes = SmallModels.standard.bytes()
    let model = try ModelFile.open(folder.write(bytes, to: name))
    #expect(model.shape.layers == 2)
    #expect(model.totalBytes == bytes.count)
    #expect(try model.tokenizer() == nil)
    try model.verifyTensors()
    let weights = try #require(model.weights)
    let down = try weights.matrix(.layer(1, .down), shape: (64, 96), rows: 0..<64, columns: 30..<60)
    #expect(down.leading == 30 && down.columns == 30 && down.storedColumns == 64)
  }

  @Test("safetensors are the same model in one file or in several", arguments: [1, 2, 3])
  func safetensors(shards: Int) throws {
    let folder = TemporaryFolder()
    writeSafetensors(folder, shards: shards)
    folder.write(SmallModels.configuration(), to: "config.json")
    let model = try ModelFile.open(folder.path)
    var expected = SmallModels.shape
    expected.name = String(folder.path.split(separator: "/").last!)
    #expect(model.shape == expected)
    try model.verifyTensors()
    let weights = try #require(model.weights)
    let names = SmallModels.tensors().map(\.name)
    let place = Float(try #require(names.firstIndex(of: "model.layers.1.mlp.down_proj.weight")))
    let matrix = try weights.matrix(
      .layer(1, .down), shape: (64, 96), rows: 2..<4, columns: 5..<8)
    let elements: [Int] = [197, 198, 199, 293, 294, 295]
    let numbers: [Float] = elements.map { place + Float($0) / 8192 }
    #expect(matrix.floats == numbers)
    let norm = Float(try #require(names.firstIndex(of: "model.norm.weight")))
    let vector = try weights.vector(.finalNorm, count: 64, range: 3..<5)
    #expect(vector == [norm + 3 / 8192, norm + 4 / 8192])
  }

  @Test("16-bit safetensors, and Qwen2's biases", arguments: ["F16", "BF16"])
  func halves(dtype: String) throws {
    let folder = TemporaryFolder()
    writeSafetensors(folder, biases: true, dtype: dtype)
    folder.write(SmallModels.configuration(architecture: "Qwen2ForCausalLM"), to: "config.json")
    let model = try ModelFile.open(folder.path)
    try model.verifyTensors()
    let weights = try #require(model.weights)
    let matrix = try weights.matrix(.head, shape: (40, 64), rows: 0..<40, columns: 0..<64)
    #expect(matrix.type == (dtype == "F16" ? .float16 : .bfloat16))
    let names = SmallModels.tensors(biases: true).map(\.name)
    let place = Float(try #require(names.firstIndex(of: "model.layers.0.self_attn.q_proj.bias")))
    #expect(try weights.vector(.layer(0, .queryBias), count: 64, range: 0..<1) == [place])
  }

  @Test("one safetensors file, with config.json beside it")
  func singleFile() throws {
    let folder = TemporaryFolder()
    writeSafetensors(folder)
    let path = "\(folder.path)/model.safetensors"
    let error = #expect(throws: ModelFileError.self) { try ModelFile.open(path) }
    #expect(error?.file == "\(folder.path)/config.json")
    folder.write(SmallModels.configuration(), to: "config.json")
    #expect(try ModelFile.open(path).shape.name == "model")
  }

  @Test("a bare config.json is a shape without weights")
  func bare() throws {
    let folder = TemporaryFolder()
    let path = folder.write(SmallModels.configuration(), to: "config.json")
    let model = try ModelFile.open(path)
    #expect(model.weights == nil)
    #expect(model.totalBytes == 0)
    #expect(model.shape.width == 64)
    #expect(try model.tokenizer() == nil)
    let named = try ModelFile.open(folder.write(SmallModels.configuration(), to: "tiny.json"))
    #expect(named.shape.name == "tiny")
  }

  @Test("a tied model ignores a head that is stored, and needs none")
  func tied() throws {
    let folder = TemporaryFolder()
    writeSafetensors(folder)
    folder.write(SmallModels.configuration(["tie_word_embeddings": "true"]), to: "config.json")
    let model = try ModelFile.open(folder.path)
    #expect(model.shape.tiedHead)
    try model.verifyTensors()
    #expect(throws: ModelFileError.self) {
      try model.weights!.matrix(.head, shape: (40, 64), rows: 0..<1, columns: 0..<64)
    }
  }

  @Test("a tensor that would be left out is an error")
  func extra() throws {
    let folder = TemporaryFolder()
    writeSafetensors(folder, biases: true)
    folder.write(SmallModels.configuration(), to: "config.json")
    let error = #expect(throws: ModelFileError.self) { try ModelFile.open(folder.path) }
    #expect(error?.kind == .unsupported)
    #expect(error?.subject == "tensor 'model.layers.0.self_attn.q_proj.bias'")
  }

  @Test("what is no model says what would be one")
  func notModels() throws {
    let folder = TemporaryFolder()
    func failure(_ path: String) -> ModelFileError? {
      #expect(throws: ModelFileError.self) { try ModelFile.open(path) }
    }
    #expect(failure("\(folder.path)/none.gguf")?.kind == .cannotRead)
    #expect(failure(folder.path)?.kind == .notAModel)
    #expect(failure(folder.write("hello", to: "notes.txt"))?.kind == .notAModel)
    #expect(failure(folder.write("hello", to: "x.gguf"))?.kind == .notAModel)
    #expect(failure(folder.write("hello world", to: "x.safetensors"))?.kind == .notAModel)
    #expect(failure(folder.write("hello", to: "x.json"))?.kind == .malformed)
    folder.write(SmallModels.configuration(), to: "config.json")
    #expect(failure(folder.path)?.kind == .missing)
  }

  @Test("an index that names what is not there, or outside its folder, is an error")
  func index() throws {
    let folder = TemporaryFolder()
    writeSafetensors(folder, shards: 2)
    folder.write(SmallModels.configuration(), to: "config.json")
    func failure(_ map: String) -> ModelFileError? {
      folder.write("{\"weight_map\": \(map)}", to: "model.safetensors.index.json")
      return #expect(throws: ModelFileError.self) { try ModelFile.open(folder.path) }
    }
    let first = file(0, of: 2)
    #expect(failure("{}")?.kind == .missing)
    #expect(failure("[]")?.kind == .malformed)
    #expect(failure("{\"a\": \"none.safetensors\"}")?.kind == .cannotRead)
    #expect(failure("{\"a\": \"../\(first)\"}")?.kind == .malformed)
    #expect(failure("{\"a\": \"..\"}")?.kind == .malformed)
    #expect(failure("{\"a\": \"\"}")?.kind == .malformed)
    let missing = failure("{\"a\": \"\(first)\"}")
    #expect(missing?.kind == .missing)
    #expect(missing?.subject == "tensor 'a'")
  }

  @Test("the fingerprint follows headers and sizes, not the weights or the path")
  func fingerprint() throws {
    let folder = TemporaryFolder()
    func fingerprint(_ writer: GGUFWriter, _ name: String) throws -> String {
      try ModelFile.open(folder.write(writer.bytes(), to: name)).fingerprint
    }
    let base = try fingerprint(SmallModels.standard, "a.gguf")
    #expect(base.count == 16)
    #expect(try fingerprint(SmallModels.standard, "b.gguf") == base)
    #expect(try fingerprint(SmallModels.gguf(seed: 2), "c.gguf") == base)
    var changed = SmallModels.standard
    changed.metadata[1].value = .string("other")
    #expect(try fingerprint(changed, "d.gguf") != base)
    #expect(try fingerprint(SmallModels.gguf(type: GGMLTypeCode.q4_1), "e.gguf") != base)
  }
}
