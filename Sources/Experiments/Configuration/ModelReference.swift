import ModelFiles
import Models

/// Where a model comes from.
public enum ModelReference: Hashable, Sendable {
  /// The shape of a preset, without weights.
  case preset(String)
  /// Seeded weights in the shape of a preset, or in the embedded small one.
  case synthetic(String)
  /// A file or folder on this host.
  case file(String)

  /// Reads what was written: something with a slash or with the suffix of a model file is a path.
  init(_ written: String, at place: Place) {
    let suffixes = [".gguf", ".safetensors", ".json"]
    if written.contains("/") || suffixes.contains(where: { written.hasSuffix($0) }) {
      // A path in a file is relative to the file, so that an experiment can travel with its model.
      let isRelative = !written.hasPrefix("/")
      self = .file(isRelative ? (place.folder.map { "\($0)/\(written)" } ?? written) : written)
    } else if written.hasPrefix(Self.syntheticPrefix) {
      self = .synthetic(String(written.dropFirst(Self.syntheticPrefix.count)))
    } else {
      self = .preset(written)
    }
  }

  /// As an experiment file writes it.
  public var written: String {
    switch self {
    case .preset(let name): name
    case .synthetic(let name): Self.syntheticPrefix + name
    case .file(let path): path.contains("/") ? path : "./\(path)"
    }
  }

  /// The path, where it is a file.
  public var path: String? {
    guard case .file(let path) = self else { return nil }
    return path
  }

  static let syntheticPrefix = "synthetic-"
}

/// What an experiment needs to know of a model file.
public struct ModelFacts: Sendable {
  /// What the model computes.
  public var shape: ModelShape
  /// Whether it has weights.
  public var hasWeights: Bool
  /// Makes tokens of text; gives `nil` when the model has no tokenizer.
  public var encode: @Sendable (String) throws -> [Int]?

  /// Facts of a model.
  public init(
    shape: ModelShape, hasWeights: Bool, encode: @escaping @Sendable (String) throws -> [Int]?
  ) {
    self.shape = shape
    self.hasWeights = hasWeights
    self.encode = encode
  }

  /// Opens a file or folder: reads headers only, and the tokenizer when text is to be encoded.
  ///
  /// Throws `ModelFileError`.
  public static func open(_ path: String) throws -> ModelFacts {
    let file = try ModelFile.open(path)
    return ModelFacts(shape: file.shape, hasWeights: file.weights != nil) { text in
      try file.tokenizer()?.encode(text)
    }
  }
}
