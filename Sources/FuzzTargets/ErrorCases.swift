extension FuzzTarget {
  /// Every way in which the target refuses bytes, as a pattern of its message (fnmatch), the narrower first.
  ///
  /// Held from both sides: the corpus reaches each, and an error that matches none fails the tests.
  public var errorCases: [String] { headerErrors + laterErrors }

  /// Those that say that the bytes are nothing of this kind: mark, version, first lengths, syntax.
  var headerErrors: [String] {
    switch self {
    case .frame: Self.markErrors + ["no frame"]
    case .control: Self.markErrors
    case .gguf: Self.ggufHeaderErrors
    case .safetensors:
      [
        "truncated: the length of the header takes *", "truncated: the header takes *",
        "not a model file: *",
      ]
    case .tokenizer: [Self.noJSON] + Self.ggufHeaderErrors.filter { !$0.contains("GGUF") }
    case .modelConfig: [Self.noJSON]
    case .experiment: ["is not YAML: *", "is not UTF-8 text", "holds no mapping", "is empty"]
    case .trace: ["is '*'; it must be TIMESTAMP,ContextTokens,GeneratedTokens"]
    case .keys: ["is no text"]
    }
  }

  private var laterErrors: [String] {
    switch self {
    case .frame:
      Self.frameErrors + [
        "byte *: rank * of at most *", "byte *: * payload bytes for * elements of *",
        "byte *: * is no Stream", "byte *: * is no PayloadType",
        "frame arrives at * but its account adds up to *",
        "a payload of another size than its header says",
      ]
    case .control: Self.frameErrors + Self.controlErrors
    case .gguf: Self.ggufValueErrors + Self.ggufTensorErrors + Self.tableErrors + Self.shapeErrors
    case .safetensors: Self.jsonErrors + Self.safetensorsErrors + Self.tableErrors
    case .tokenizer: Self.jsonErrors + Self.ggufValueErrors + Self.tokenizerErrors
    case .modelConfig:
      Self.jsonErrors + ["malformed: the document has no key *"] + Self.configErrors
    case .experiment: Self.yamlErrors + Self.settingErrors + Self.planErrors
    case .trace:
      [
        "'*' is no time, such as *", "ContextTokens is '*'; it must be from *",
        "GeneratedTokens is '*'; it must be from *", "has * fields, and a row has 3",
        "is more than 50 days after the first row", "ends without a row",
        "comes before the row above it",
      ]
    case .keys:
      [
        "line * is neither a word and a key nor a comment *", "has * lines that begin with *",
        "'*' is no public key: *", "its secret is no key: *",
      ]
    }
  }

  private static let markErrors = [
    "frame starts with *, not with WaferCluster's mark",
    "frame of protocol version *", "frame cut short at byte [0-5]: *",
  ]

  private static let frameErrors = [
    "frame cut short at byte *", "* bytes too many after byte *", "byte *: a count of -*",
    "byte *: a time of -*",
  ]

  private static let controlErrors = [
    "byte *: a truth of *", "byte *: text that is not UTF-8",
    "byte *: * bytes, and at most * are allowed", "byte *: values * + *", "byte *: rank *",
    "byte *: an account beyond emulated time", "byte *: a token for entry * of *",
    "byte *: * of * tokens go back", "byte *: * is no instruction", "byte *: * is no transport",
    "byte *: * is no payload", "byte *: * is no way to weights", "byte *: windows * to *",
    "byte *: * is no element type", "byte *: * is no source of weights",
    "byte *: * is no sampling rule", "byte *: * is no rotary scaling", "byte *: a shape of sizes *",
    "byte *: * is no activity", "byte *: a clock that shows *", "byte *: * is no slice of weights",
    "byte *: * is no answer about weights", "byte *: a part of * in * columns",
    "byte *: * hashes for a part of *", "byte *: * is no tensor of a layer",
    "byte *: * is no tensor", "byte *: elements * to * of *", "byte *: * is no Kind",
    "byte *: * is no Kernel", "byte *: * is no Stream", "byte *: * ps of a fault",
    "byte *: */* is no factor of at least 1", "byte *: * is no kind of loss",
  ]

  private static let ggufHeaderErrors = [
    "truncated: the magic 'GGUF' takes *", "not a model file: a GGUF file starts with *",
    "truncated: the version takes *", "not supported: version *",
    "not supported: it is big-endian*",
    "truncated: the number of tensors takes *", "truncated: the number of metadata keys takes *",
    "truncated: * tensors cannot be in a file of *",
    "truncated: * metadata keys cannot be in a file of *",
  ]

  private static let ggufValueErrors = [
    "truncated: the length of the key takes *", "truncated: the key takes *",
    "malformed: the key has * bytes, at most *", "malformed: the key is not UTF-8",
    "malformed: the key appears twice", "truncated: the type takes *",
    "malformed: value type * is not one of 0 to 12", "truncated: the length of the value takes *",
    "truncated: the value takes *", "malformed: the value is not UTF-8",
    "malformed: a bool is 0 or 1, this one is *", "not supported: arrays are nested deeper than *",
    "truncated: the array's length takes *", "truncated: an array of * elements takes at least *",
    "truncated: the length of a string of the array takes *",
    "truncated: a string of the array takes *", "malformed: expected an integer, found *",
    "malformed: expected a string, found *", "malformed: expected an array of integers, found *",
    "truncated: the length of the name takes *", "truncated: the name takes *",
  ]

  private static let ggufTensorErrors = [
    "malformed: the name has * bytes, at most *", "malformed: the name is not UTF-8",
    "truncated: the number of dimensions takes *", "malformed: * dimensions, expected 1 to 4",
    "truncated: a dimension takes *", "malformed: dimensions * are zero or too large",
    "not supported: tensor type * is not known; *",
    "malformed: rows of * are not whole blocks of *",
    "truncated: dimensions * take more than the file's *", "truncated: the offset takes *",
    "malformed: the name appears twice", "malformed: offset * is not a multiple of *",
    "truncated: its * bytes at offset * of the data, *", "malformed: its data at byte * overlaps *",
    "malformed: the alignment is *",
  ]

  private static let tableErrors = [
    "not supported: a model of this architecture and of *", "missing: the model needs it",
    "wrong shape: the file has * the model needs *",
    "not supported: type * cannot be computed with*",
  ]

  private static let shapeErrors = [
    "malformed: expected a number, found *", "not supported: architecture '*'; known are *",
    "not supported: the model is in * files; *", "malformed: * query heads are not a multiple of *",
    "malformed: * is negative or infinite",
    "malformed: * tokens, but tensor 'token_embd.weight' has *",
    "malformed: a factor is not positive", "malformed: * is not positive",
    "not supported: linear scaling besides a tensor *",
    "not supported: the key is not known, *",
    "not supported: * experts; mixtures of experts are not computed",
    "not supported: layers with different numbers of heads",
    "malformed: width * is not a multiple of *", "malformed: head size * is odd",
    "not supported: *, where the head size is *", "not supported: scaling '*'; known are *",
    "malformed: * is not between 1 and *", "malformed: its sizes together make more weights *",
    "not supported: a vector of type *",
  ]

  /// The cases of a header.
  var headerCases: Set<String> { Set(headerErrors) }
}
