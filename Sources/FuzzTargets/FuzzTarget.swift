/// A reader of bytes from elsewhere, and what it did with some.
///
/// Each target is the code that a run uses, over bytes in memory. Whatever the bytes, it ends in an accepted
/// value or in one of its typed errors; a trap, a read outside bounds, endless memory or endless time is a finding.
public enum FuzzTarget: String, CaseIterable, Sendable {
  /// A data message: its header frame and its payload frame.
  case frame
  /// A control message of any kind.
  case control
  /// A GGUF file: header, shape, table of tensors.
  case gguf
  /// A safetensors file.
  case safetensors
  /// `tokenizer.json`, or a GGUF file's tokenizer; then a text through it.
  case tokenizer
  /// `config.json`.
  case modelConfig = "model-config"
  /// An experiment file, resolved with the presets of `Configs`.
  case experiment
  /// A trace of requests.
  case trace
  /// A file of keys.
  case keys

  /// What became of an input.
  public enum Outcome: Hashable, Sendable {
    /// The bytes were what they should be.
    case accepted
    /// They were refused: the error, without the name of the file.
    case rejected(String)
  }

  /// Inputs of a short run against those of most targets: messages are cheap, and their files go stale with the
  /// protocol, so that seeds alone must reach all; an experiment resolves presets and searches mappings.
  public var share: Double {
    switch self {
    case .frame, .control: 10
    case .gguf, .safetensors, .trace, .keys, .modelConfig: 1
    case .tokenizer: 0.5
    case .experiment: 0.1
    }
  }
}
