import Models
import Tensors

/// A model on disk, in any format that is read: its shape, its weights, its tokenizer.
///
/// `open` recognises a `.gguf` file, a `.safetensors` file with `config.json` beside it, a folder with
/// `config.json` and safetensors files, and a bare `config.json`, which has a shape and no weights. Opening
/// reads headers only; weights are touched when they are asked for, and the tokenizer is loaded by who
/// needs text, never by a node.
public struct ModelFile: Sendable {
  /// The path, as it was given.
  public let path: String
  /// What the model computes.
  public let shape: ModelShape
  /// Where its weights come from; `nil` for a bare `config.json`.
  public var weights: (any WeightSource & Sendable)? {
    switch contents {
    case .gguf(let model): model
    case .safetensors(let model, _): model
    case .shapeOnly: nil
    }
  }
  /// Bytes of the files that hold the weights; 0 for a bare `config.json`.
  public let totalBytes: Int
  /// Tells models apart, so that a node can see that it opened the coordinator's: 16 hexadecimal digits.
  ///
  /// FNV-1a, 64 bit, over each file's header (metadata, tensor names, types, shapes, offsets) and size, and
  /// over `config.json`. It is made without reading a weight, so two trainings of one architecture in
  /// safetensors files of one size have the same. Not a defence against anyone.
  public let fingerprint: String

  private let contents: Contents

  private enum Contents {
    case gguf(GGUFModel)
    /// With the configuration's end-of-text tokens.
    case safetensors(SafetensorsModel, endOfText: [Int])
    case shapeOnly(endOfText: [Int])
  }

  /// Opens a model.
  ///
  /// Throws `ModelFileError` with the file, and where it applies the tensor or key, the offset, and what
  /// was expected.
  public static func open(_ path: String) throws(ModelFileError) -> ModelFile {
    if MappedFile.isFolder(path) { return try openFolder(path) }
    if path.hasSuffix(".json") { return try openConfiguration(path) }
    let file = try FileBytes(mapping: path)
    if path.hasSuffix(".gguf") || file.storage.bytes.starts(with: "GGUF".utf8) {
      return try ModelFile(path: path, gguf: file)
    }
    if path.hasSuffix(".safetensors") {
      let folder = PathName.folder(path)
      return try ModelFile(
        path: path, folder: folder, name: PathName.stem(path), files: [SafetensorsFile(file)])
    }
    throw ModelFileError(
      .notAModel, file: path,
      "expected a .gguf file, a .safetensors file with config.json beside it, a folder with "
        + "config.json and safetensors files, or a config.json")
  }

  private static func openFolder(_ path: String) throws(ModelFileError) -> ModelFile {
    let folder = path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
    guard MappedFile.exists("\(folder)/config.json") else {
      throw ModelFileError(
        .notAModel, file: path,
        "the folder has no config.json; for a GGUF model give the .gguf file itself")
    }
    let index = "\(folder)/model.safetensors.index.json"
    let single = "\(folder)/model.safetensors"
    let files: [SafetensorsFile]
    if MappedFile.exists(single) {
      files = [try SafetensorsFile(FileBytes(mapping: single))]
    } else if MappedFile.exists(index) {
      files = try SafetensorsIndex.open(index, folder: folder)
    } else {
      throw ModelFileError(
        .missing, file: path,
        "the folder has neither model.safetensors nor model.safetensors.index.json; for the shape "
          + "alone give its config.json")
    }
    return try ModelFile(path: path, folder: folder, name: PathName.last(folder), files: files)
  }

  private static func openConfiguration(_ path: String) throws(ModelFileError) -> ModelFile {
    let folder = PathName.last(PathName.folder(path))
    let name = PathName.last(path) == "config.json" && folder != "." ? folder : PathName.stem(path)
    let file = try FileBytes(mapping: path)
    let (shape, configuration) = try Self.shape(file, name: name)
    var hash = FingerprintHash()
    hash.add(file, headerBytes: file.count)
    return ModelFile(
      path: path, shape: shape, totalBytes: 0, fingerprint: hash.text,
      contents: .shapeOnly(endOfText: configuration.endOfText?.tokens ?? []))
  }

  private init(path: String, gguf file: FileBytes) throws(ModelFileError) {
    let model = try GGUFModel(file)
    var hash = FingerprintHash()
    hash.add(file, headerBytes: model.file.headerBytes)
    self.init(
      path: path, shape: model.shape, totalBytes: model.totalBytes, fingerprint: hash.text,
      contents: .gguf(model))
  }

  private init(
    path: String, folder: String, name: String, files: [SafetensorsFile]
  ) throws(ModelFileError) {
    let file = try FileBytes(mapping: "\(folder)/config.json")
    let (shape, configuration) = try Self.shape(file, name: name)
    let model = try SafetensorsModel(path: path, shape: shape, files: files)
    var hash = FingerprintHash()
    hash.add(file, headerBytes: file.count)
    for file in files { hash.add(file.file, headerBytes: file.headerBytes) }
    self.init(
      path: path, shape: shape, totalBytes: model.totalBytes, fingerprint: hash.text,
      contents: .safetensors(model, endOfText: configuration.endOfText?.tokens ?? []))
  }

  private init(
    path: String, shape: ModelShape, totalBytes: Int, fingerprint: String, contents: Contents
  ) {
    self.path = path
    self.shape = shape
    self.totalBytes = totalBytes
    self.fingerprint = fingerprint
    self.contents = contents
  }

  static func shape(
    _ file: FileBytes, name: String
  ) throws(ModelFileError) -> (ModelShape, ModelConfiguration) {
    let configuration = try JSON.decode(ModelConfiguration.self, file: file)
    let shape: ModelShape
    do { shape = try configuration.shape(name: name) } catch { throw error.inFile(file.path) }
    guard shape.isCountable else {
      throw ModelFileError(
        .malformed, file: file.path, "its sizes together make more weights than can be counted")
    }
    return (shape, configuration)
  }

  /// Checks that every tensor of the model is there, in its shape and in a usable format.
  ///
  /// Throws `ModelFileError` with the first that is not. Reads headers only.
  public func verifyTensors() throws(ModelFileError) {
    switch contents {
    case .gguf(let model): try model.verifyTensors()
    case .safetensors(let model, _): try model.verifyTensors()
    case .shapeOnly: break
    }
  }

  /// Loads the tokenizer; `nil` when there is none beside the model.
  ///
  /// Some megabytes and a tenth of a second for a large vocabulary; keep what it gives. Throws
  /// `ModelFileError` when there is one that cannot be used.
  public func tokenizer() throws(ModelFileError) -> Tokenizer? {
    switch contents {
    case .gguf(let model):
      guard model.file.metadata["tokenizer.ggml.model"] != nil else { return nil }
      defer { model.file.file.release(0..<model.file.headerBytes) }
      return try Tokenizer(model.file)
    case .safetensors(_, let endOfText), .shapeOnly(let endOfText):
      let folder = MappedFile.isFolder(path) ? path : PathName.folder(path)
      return try TokenizerFolder(path: folder).tokenizer(endOfText: endOfText)
    }
  }
}

/// FNV-1a, 64 bit, of headers and sizes.
private struct FingerprintHash {
  private var state: UInt64 = 0xCBF2_9CE4_8422_2325

  var text: String {
    let digits = String(state, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }

  /// Adds a file's size and its first bytes, and gives the pages back.
  mutating func add(_ file: FileBytes, headerBytes: Int) {
    withUnsafeBytes(of: UInt64(file.count).littleEndian) { add($0) }
    add(UnsafeRawBufferPointer(rebasing: file.storage.bytes[..<headerBytes]))
    file.release(0..<headerBytes)
  }

  private mutating func add(_ bytes: UnsafeRawBufferPointer) {
    for byte in bytes { state = (state ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
  }
}
