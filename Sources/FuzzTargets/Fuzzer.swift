import Experiments

/// Makes the inputs of a target and hands them to its reader.
public struct Fuzzer: Sendable {
  /// What is read.
  public let target: FuzzTarget
  private let presets: PresetLibrary

  /// - Parameter presets: What experiments are resolved with.
  public init(_ target: FuzzTarget, presets: PresetLibrary) {
    self.target = target
    self.presets = presets.remembering
  }

  /// The input of a seed: something valid of the target's form, and in most cases spoilt.
  public func input(seed: UInt64) -> [UInt8] {
    var draw = Draw(seed: seed)
    return switch target {
    case .frame: draw.frame()
    case .control: draw.control()
    case .gguf: draw.gguf()
    case .safetensors: draw.safetensors()
    case .tokenizer: draw.tokenizer()
    case .modelConfig: draw.modelConfig()
    case .experiment: draw.experiment()
    case .trace: draw.trace()
    case .keys: draw.keys()
    }
  }

  /// Reads an input. It returns, whatever the bytes; where it does not, they are a finding.
  public func run(_ input: [UInt8]) -> FuzzTarget.Outcome {
    switch target {
    case .frame: input.withUnsafeBytes { FuzzTarget.frame($0) }
    case .control: input.withUnsafeBytes { FuzzTarget.control($0) }
    case .gguf: FuzzTarget.gguf(input)
    case .safetensors: FuzzTarget.safetensors(input)
    case .tokenizer: FuzzTarget.tokenizer(input)
    case .modelConfig: FuzzTarget.modelConfig(input)
    case .experiment: FuzzTarget.experiment(input, presets)
    case .trace: FuzzTarget.trace(input)
    case .keys: FuzzTarget.keys(input)
    }
  }
}
