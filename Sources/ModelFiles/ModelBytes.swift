import Models
import Tensors

/// The readers of model files over bytes in memory: the same that `ModelFile` has over maps, for fuzzing.
package struct ModelBytes {
  private let file: FileBytes

  /// A copy of `bytes`, which errors call `memory`.
  package init(_ bytes: [UInt8]) {
    let owned = OwnedBytes(count: bytes.count)
    owned.bytes.copyBytes(from: bytes)
    file = FileBytes(path: "memory", storage: owned.storage[0..<bytes.count])
  }

  /// A GGUF file.
  package func gguf() throws(ModelFileError) -> GGUFModel { try GGUFModel(file) }

  /// A safetensors file that is all of a model of `shape`.
  package func safetensors(shape: ModelShape) throws(ModelFileError) -> SafetensorsModel {
    try SafetensorsModel(path: file.path, shape: shape, files: [SafetensorsFile(file)])
  }

  /// A `config.json`.
  package func configuration() throws(ModelFileError) -> ModelShape {
    try ModelFile.shape(file, name: "memory").0
  }

  /// A GGUF file's tokenizer, or else a `tokenizer.json`.
  package func tokenizer() throws(ModelFileError) -> Tokenizer {
    if file.storage.bytes.starts(with: "GGUF".utf8) { return try Tokenizer(GGUFFile(file)) }
    let json = try JSON.decode(TokenizerJSON.self, file: file)
    do { return try Tokenizer(json, endOfText: [], endOfTextName: nil) } catch {
      throw error.inFile(file.path)
    }
  }
}
