import Models

/// From GGUF metadata to the shape of a model.
extension GGUFFile {
  /// Architectures that the forward pass computes. Mistral's files call themselves `llama`.
  static let architectures = ["llama", "qwen2"]

  /// The shape that the metadata describes, `general.architecture` `llama` or `qwen2`.
  ///
  /// Two facts are not in the metadata but in which tensors there are: the head is tied when there is no
  /// `output.weight`, and llama's Q, K and V have biases when there is a `blk.0.attn_q.bias`.
  ///
  /// Throws `ModelFileError` for another architecture, a missing key, sizes that contradict each other,
  /// and every key of the architecture that is not known, since it may change the numbers.
  func shape() throws(ModelFileError) -> ModelShape {
    guard let architecture = try string("general.architecture") else {
      throw missing("general.architecture")
    }
    guard Self.architectures.contains(architecture) else {
      throw unsupported(
        "general.architecture",
        "architecture '\(architecture)'; known are \(Self.architectures.joined(separator: ", "))")
    }
    if let parts = try integer("split.count"), parts > 1 {
      throw unsupported(
        "split.count", "the model is in \(parts) files; merge them first (llama-gguf-split --merge)"
      )
    }
    let keys = ShapeKeys(file: self, prefix: architecture)
    try keys.checkAllKnown()
    let width = try keys.count("embedding_length")
    let queryHeads = try keys.heads("attention.head_count")
    guard let queryHeads else { throw missing("\(architecture).attention.head_count") }
    let keyValueHeads = try keys.heads("attention.head_count_kv") ?? queryHeads
    guard queryHeads % keyValueHeads == 0 else {
      throw malformed(
        "\(architecture).attention.head_count_kv",
        "\(queryHeads) query heads are not a multiple of \(keyValueHeads) KV heads")
    }
    let headSize = try keys.headSize(width: width, queryHeads: queryHeads)
    guard let epsilon = try number("\(architecture).attention.layer_norm_rms_epsilon") else {
      throw missing("\(architecture).attention.layer_norm_rms_epsilon")
    }
    guard epsilon >= 0, Float(epsilon).isFinite else {
      throw malformed(
        "\(architecture).attention.layer_norm_rms_epsilon", "\(epsilon) is negative or infinite")
    }
    let names = Set(tensors.map(\.name))
    let shape = ModelShape(
      name: try string("general.name") ?? PathName.stem(file.path),
      layers: try keys.count("block_count"), width: width, queryHeads: queryHeads,
      keyValueHeads: keyValueHeads, headSize: headSize,
      feedForwardWidth: try keys.count("feed_forward_length"),
      vocabulary: try vocabulary(architecture), contextLength: try keys.count("context_length"),
      tiedHead: !names.contains("output.weight"), normEpsilon: Float(epsilon),
      rotary: try rotary(keys, headSize: headSize),
      attentionBias: architecture == "qwen2" || names.contains("blk.0.attn_q.bias"),
      slidingWindow: try keys.window())
    guard shape.isCountable else {
      throw ModelFileError(
        .malformed, file: file.path, "its sizes together make more weights than can be counted")
    }
    return shape
  }

  /// Rows of the embedding; they may be padded beyond the tokenizer's tokens.
  private func vocabulary(_ architecture: String) throws(ModelFileError) -> Int {
    let stated = try integer("\(architecture).vocab_size")
    if let embedding = tensors.first(where: { $0.name == "token_embd.weight" }) {
      guard embedding.dimensions.count == 2 else {
        throw ModelFileError(
          .wrongShape, file: file.path, subject: "tensor 'token_embd.weight'",
          offset: embedding.range.lowerBound,
          "the file has \(embedding.dimensions.count) dimensions, the model needs 2")
      }
      let rows = embedding.dimensions[1]
      guard stated == nil || stated == rows else {
        throw malformed(
          "\(architecture).vocab_size",
          "\(stated!) tokens, but tensor 'token_embd.weight' has \(rows) rows")
      }
      return rows
    }
    if stated != nil { return try ShapeKeys(file: self, prefix: architecture).count("vocab_size") }
    if case .array(let tokens) = metadata["tokenizer.ggml.tokens"], tokens.count > 0 {
      return tokens.count
    }
    throw missing("\(architecture).vocab_size")
  }

  private func rotary(_ keys: ShapeKeys, headSize: Int) throws(ModelFileError) -> RotaryEmbedding {
    let base = try number("\(keys.prefix).rope.freq_base") ?? 10_000
    guard base > 0, Float(base).isFinite else {
      throw malformed("\(keys.prefix).rope.freq_base", "\(base) is not positive")
    }
    var scaling = try keys.ropeScaling()
    if let factors = try ropeFactors(headSize: headSize) {
      guard scaling == .none else {
        throw unsupported(
          "\(keys.prefix).rope.scaling.type", "linear scaling besides a tensor 'rope_freqs.weight'")
      }
      scaling = .factors(factors)
    }
    return RotaryEmbedding(
      base: Float(base), scaling: scaling,
      pairing: keys.prefix == "llama" ? .interleaved : .halves)
  }

  /// Llama 3.1's scaling, which llama.cpp's converter writes as one divisor a pair.
  private func ropeFactors(headSize: Int) throws(ModelFileError) -> [Float]? {
    guard let tensor = tensors.first(where: { $0.name == "rope_freqs.weight" }) else { return nil }
    let factors = try StoredTensor(tensor, file: file).vector(
      count: headSize / 2, range: 0..<headSize / 2)
    guard factors.allSatisfy({ $0 > 0 && $0.isFinite }) else {
      throw ModelFileError(
        .malformed, file: file.path, subject: "tensor 'rope_freqs.weight'",
        offset: tensor.range.lowerBound, "a factor is not positive")
    }
    return factors
  }

  fileprivate func missing(_ key: String) -> ModelFileError {
    ModelFileError(.missing, file: file.path, subject: "key '\(key)'", "the model needs it")
  }

  fileprivate func malformed(_ key: String, _ detail: String) -> ModelFileError {
    ModelFileError(.malformed, file: file.path, subject: "key '\(key)'", detail)
  }

  fileprivate func unsupported(_ key: String, _ detail: String) -> ModelFileError {
    ModelFileError(.unsupported, file: file.path, subject: "key '\(key)'", detail)
  }
}

/// The keys of one architecture: `llama.block_count` and so on.
private struct ShapeKeys {
  let file: GGUFFile
  let prefix: String

  /// Keys that are read, and keys that do not change the numbers.
  private static let known: Set<String> = [
    "block_count", "context_length", "embedding_length", "feed_forward_length", "vocab_size",
    "attention.head_count", "attention.head_count_kv", "attention.layer_norm_rms_epsilon",
    "attention.key_length", "attention.value_length", "attention.sliding_window",
    "rope.dimension_count", "rope.freq_base", "rope.scaling.type", "rope.scaling.factor",
    "rope.scale_linear", "expert_count", "expert_used_count",
    // Notes of the converter.
    "rope.scaling.original_context_length", "rope.scaling.finetuned", "tensor_data_layout",
  ]

  /// Throws for the first key, in order, that may change the numbers in a way not known here.
  func checkAllKnown() throws(ModelFileError) {
    for key in file.metadata.keys.sorted() where key.hasPrefix(prefix + ".") {
      guard Self.known.contains(String(key.dropFirst(prefix.count + 1))) else {
        throw file.unsupported(
          key, "the key is not known, and ignoring it could change the numbers")
      }
    }
    for key in ["expert_count", "expert_used_count"] {
      if let experts = try file.integer("\(prefix).\(key)"), experts > 0 {
        throw file.unsupported(
          "\(prefix).\(key)", "\(experts) experts; mixtures of experts are not computed")
      }
    }
  }

  /// A positive number that must be there.
  func count(_ name: String) throws(ModelFileError) -> Int {
    guard let value = try file.integer("\(prefix).\(name)") else {
      throw file.missing("\(prefix).\(name)")
    }
    return try positive(value, name)
  }

  /// A number of heads: one, or one a layer when they are all the same.
  func heads(_ name: String) throws(ModelFileError) -> Int? {
    guard case .array = file.metadata["\(prefix).\(name)"] else {
      return try file.integer("\(prefix).\(name)").map { (value) throws(ModelFileError) in
        try positive(value, name)
      }
    }
    let values = try file.integers("\(prefix).\(name)") ?? []
    guard let first = values.first, values.allSatisfy({ $0 == first }) else {
      throw file.unsupported("\(prefix).\(name)", "layers with different numbers of heads")
    }
    return try positive(first, name)
  }

  func headSize(width: Int, queryHeads: Int) throws(ModelFileError) -> Int {
    let size: Int
    if let stated = try file.integer("\(prefix).attention.key_length") {
      size = try positive(stated, "attention.key_length")
    } else {
      guard width % queryHeads == 0 else {
        throw file.malformed(
          "\(prefix).attention.head_count",
          "width \(width) is not a multiple of \(queryHeads) heads, and there is no key_length")
      }
      size = width / queryHeads
    }
    guard size % 2 == 0 else {
      throw file.malformed("\(prefix).attention.key_length", "head size \(size) is odd")
    }
    // The others must say the same.
    for name in ["attention.value_length", "rope.dimension_count"] {
      if let other = try file.integer("\(prefix).\(name)"), other != size {
        throw file.unsupported("\(prefix).\(name)", "\(other), where the head size is \(size)")
      }
    }
    return size
  }

  func window() throws(ModelFileError) -> Int? {
    guard let window = try file.integer("\(prefix).attention.sliding_window"), window != 0 else {
      return nil
    }
    return try positive(window, "attention.sliding_window")
  }

  /// `linear` by its own keys, or by the key that older converters wrote.
  func ropeScaling() throws(ModelFileError) -> RotaryEmbedding.Scaling {
    let type = try file.string("\(prefix).rope.scaling.type")
    let factorKey =
      file.metadata["\(prefix).rope.scaling.factor"] != nil
      ? "\(prefix).rope.scaling.factor" : "\(prefix).rope.scale_linear"
    let factor = try file.number(factorKey)
    switch type {
    case nil, "linear":
      guard let factor else {
        if type == nil { return .none }
        throw file.missing(factorKey)
      }
      guard Float(factor) > 0, Float(factor).isFinite else {
        throw file.malformed(factorKey, "\(factor) is not positive")
      }
      return factor == 1 ? .none : .linear(factor: Float(factor))
    case "none": return .none
    case let type?:
      throw file.unsupported(
        "\(prefix).rope.scaling.type", "scaling '\(type)'; known are none and linear")
    }
  }

  private func positive(_ value: Int, _ name: String) throws(ModelFileError) -> Int {
    let most = name == "block_count" ? ShapeBounds.mostLayers : ShapeBounds.largestSize
    guard (1...most).contains(value) else {
      throw file.malformed("\(prefix).\(name)", "\(value) is not between 1 and \(most)")
    }
    return value
  }
}
