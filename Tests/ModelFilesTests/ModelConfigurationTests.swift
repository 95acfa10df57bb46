import Models
import Testing

@testable import ModelFiles

@Suite struct ModelConfigurationTests {
  private func shape(_ text: String) throws -> ModelShape {
    try withFile(Array(text.utf8)) { file in
      try JSON.decode(ModelConfiguration.self, file: file).shape(name: "small")
    }
  }

  private func shape(
    _ changes: [String: String?], architecture: String = "LlamaForCausalLM"
  ) throws -> ModelShape {
    try shape(SmallModels.configuration(architecture: architecture, changes))
  }

  @Test("a Llama configuration becomes its shape")
  func llama() throws {
    #expect(try shape([:]) == SmallModels.shape)
  }

  @Test("what may be left out has the default of Transformers")
  func defaults() throws {
    #expect(try shape(["num_key_value_heads": nil]).keyValueHeads == 4)
    #expect(try shape(["rms_norm_eps": nil]).normEpsilon == 1e-6)
    #expect(try shape(["hidden_act": nil]).rotary.base == 10_000)
    #expect(try shape(["architectures": nil, "model_type": "\"llama\""]) == SmallModels.shape)
    #expect(try shape(["head_dim": "null"]).headSize == 16)
    #expect(try shape(["rope_scaling": "null"]).rotary.scaling == .none)
  }

  @Test("optional keys are read")
  func optionals() throws {
    #expect(try shape(["head_dim": "32"]).headSize == 32)
    #expect(try shape(["tie_word_embeddings": "true"]).tiedHead)
    #expect(try shape(["rope_theta": "500000.0"]).rotary.base == 500_000)
    #expect(try shape(["mlp_bias": "false", "attention_bias": "false"]) == SmallModels.shape)
  }

  static let llama3 = #"""
    {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
     "original_max_position_embeddings": 8192}
    """#

  @Test("scaling is read under its old and its new name")
  func scaling() throws {
    let llama3 = RotaryEmbedding.Scaling.llama3(
      factor: 8, lowFrequency: 1, highFrequency: 4, originalContext: 8192)
    #expect(try shape(["rope_scaling": Self.llama3]).rotary.scaling == llama3)
    #expect(try shape(["rope_parameters": Self.llama3]).rotary.scaling == llama3)
    #expect(
      try shape(["rope_scaling": Self.llama3, "rope_parameters": Self.llama3]).rotary.scaling
        == llama3)
    #expect(
      try shape(["rope_scaling": #"{"type": "linear", "factor": 2}"#]).rotary.scaling
        == .linear(factor: 2))
    let new = #"{"rope_type": "default", "rope_theta": 250000}"#
    #expect(try shape(["rope_parameters": new]).rotary == RotaryEmbedding(base: 250_000))
    #expect(try shape(["rope_parameters": new, "rope_theta": "250000"]).rotary.base == 250_000)
  }

  @Test("Mistral has a window unless the file says null")
  func mistral() throws {
    let name = "MistralForCausalLM"
    #expect(try shape(["sliding_window": "77"], architecture: name).slidingWindow == 77)
    #expect(try shape(["sliding_window": "null"], architecture: name).slidingWindow == nil)
    #expect(try shape([:], architecture: name).slidingWindow == 4096)
  }

  @Test("Qwen2 has biases, and a window in all layers or none")
  func qwen2() throws {
    func window(_ changes: [String: String?]) throws -> Int? {
      let shape = try shape(changes, architecture: "Qwen2ForCausalLM")
      #expect(shape.attentionBias)
      return shape.slidingWindow
    }
    #expect(try window([:]) == nil)
    #expect(try window(["sliding_window": "9", "use_sliding_window": "false"]) == nil)
    let on: [String: String?] = ["sliding_window": "9", "use_sliding_window": "true"]
    // Qwen2Config keeps the first 28 layers without a window by default.
    #expect(try window(on) == nil)
    #expect(try window(on.merging(["max_window_layers": "2"]) { $1 }) == nil)
    #expect(try window(on.merging(["max_window_layers": "0"]) { $1 }) == 9)
    let sliding = #"["sliding_attention", "sliding_attention"]"#
    let full = #"["full_attention", "full_attention"]"#
    #expect(try window(on.merging(["layer_types": sliding]) { $1 }) == 9)
    #expect(try window(on.merging(["layer_types": full]) { $1 }) == nil)
    let none: [String: String?] = [
      "use_sliding_window": "true", "sliding_window": "null", "max_window_layers": "0",
    ]
    #expect(try window(none) == nil)
    #expect(try window(["use_sliding_window": "true", "max_window_layers": "0"]) == 4096)
  }

  struct Refused: Sendable, CustomTestStringConvertible {
    let changes: [String: String?]
    let kind: ModelFileError.Kind
    let key: String
    let architecture: String
    var testDescription: String { "\(architecture) \(changes)" }

    init(
      _ changes: [String: String?], _ kind: ModelFileError.Kind, _ key: String,
      architecture: String = "LlamaForCausalLM"
    ) {
      self.changes = changes
      self.kind = kind
      self.key = key
      self.architecture = architecture
    }
  }

  static let refused = [
    Refused(["architectures": #"["GemmaForCausalLM"]"#], .unsupported, "architectures"),
    Refused(
      ["architectures": #"["LlamaForSequenceClassification"]"#], .unsupported, "architectures"),
    Refused(
      ["architectures": #"["LlamaForCausalLM", "Other"]"#], .unsupported, "architectures"),
    Refused(["architectures": nil], .notAModel, "architectures"),
    Refused(["architectures": nil, "model_type": "\"gemma\""], .unsupported, "model_type"),
    Refused(["hidden_act": "\"gelu\""], .unsupported, "hidden_act"),
    Refused(["mlp_bias": "true"], .unsupported, "mlp_bias"),
    Refused(["attention_bias": "true"], .unsupported, "attention_bias"),
    Refused(["partial_rotary_factor": "0.5"], .unsupported, "partial_rotary_factor"),
    Refused(["quantization_config": "{}"], .unsupported, "quantization_config"),
    Refused(["sliding_window": "9"], .unsupported, "sliding_window"),
    Refused(["num_hidden_layers": "0"], .malformed, "num_hidden_layers"),
    Refused(["num_hidden_layers": "10001"], .malformed, "num_hidden_layers"),
    Refused(["vocab_size": "-1"], .malformed, "vocab_size"),
    Refused(["hidden_size": "4294967296"], .malformed, "hidden_size"),
    Refused(["hidden_size": "66"], .malformed, "num_attention_heads"),
    Refused(["hidden_size": "60"], .malformed, "num_attention_heads"),
    Refused(["num_key_value_heads": "3"], .malformed, "num_key_value_heads"),
    Refused(["num_key_value_heads": "0"], .malformed, "num_key_value_heads"),
    Refused(
      ["num_key_value_heads": nil], .missing, "num_key_value_heads",
      architecture: "MistralForCausalLM"),
    Refused(["head_dim": "15"], .malformed, "head_dim"),
    Refused(["rms_norm_eps": "-1"], .malformed, "rms_norm_eps"),
    Refused(["rope_theta": "0"], .malformed, "rope_theta"),
    Refused(
      ["rope_theta": "1", "rope_parameters": #"{"rope_type": "default", "rope_theta": 2}"#],
      .malformed, "rope_theta"),
    Refused(
      ["rope_scaling": #"{"type": "yarn", "factor": 2}"#], .unsupported, "rope_scaling.rope_type"),
    Refused(
      ["rope_scaling": #"{"type": "dynamic", "factor": 2}"#], .unsupported,
      "rope_scaling.rope_type"),
    Refused(["rope_scaling": #"{"type": "linear"}"#], .missing, "rope_scaling.factor"),
    Refused(
      ["rope_scaling": #"{"type": "linear", "factor": -2}"#], .malformed, "rope_scaling.factor"),
    Refused(
      ["rope_parameters": #"{"rope_type": "llama3", "factor": 8}"#], .missing,
      "rope_parameters.low_freq_factor"),
    Refused(
      [
        "rope_parameters":
          #"{"rope_type": "llama3", "factor": 8, "low_freq_factor": 4, "high_freq_factor": 4}"#
      ], .malformed, "rope_parameters.high_freq_factor"),
    Refused(
      [
        "rope_parameters":
          #"{"rope_type": "llama3", "factor": 8, "low_freq_factor": 1, "high_freq_factor": 4}"#
      ], .missing, "rope_parameters.original_max_position_embeddings"),
    Refused(
      ["rope_parameters": #"{"rope_type": "default", "partial_rotary_factor": 0.5}"#],
      .unsupported, "rope_parameters.partial_rotary_factor"),
    Refused(
      [
        "rope_scaling": #"{"type": "linear", "factor": 2}"#,
        "rope_parameters": #"{"rope_type": "linear", "factor": 3}"#,
      ], .malformed, "rope_parameters"),
    Refused(
      ["sliding_window": "0"], .malformed, "sliding_window", architecture: "MistralForCausalLM"),
    Refused(
      ["use_sliding_window": "true", "max_window_layers": "1"], .unsupported, "max_window_layers",
      architecture: "Qwen2ForCausalLM"),
    Refused(
      [
        "use_sliding_window": "true",
        "layer_types": #"["full_attention", "sliding_attention"]"#,
      ], .unsupported, "layer_types", architecture: "Qwen2ForCausalLM"),
    Refused(
      ["layer_types": #"["sliding_attention", "sliding_attention"]"#], .malformed, "layer_types",
      architecture: "Qwen2ForCausalLM"),
  ]

  @Test(
    "what changes the numbers, and is not computed, is an error that names it", arguments: refused)
  func isRefused(_ refused: Refused) {
    let text = SmallModels.configuration(architecture: refused.architecture, refused.changes)
    let error = error(of: Array(text.utf8), path: "config.json") {
      (file) throws(ModelFileError) in try ModelFile.shape(file, name: "x")
    }
    #expect(error?.kind == refused.kind, "\(String(describing: error))")
    #expect(error?.subject == "key '\(refused.key)'")
  }

  @Test(
    "a file that is not such JSON says where and why",
    arguments: [
      ("{", "not valid JSON"), ("[]", "not of type"),
      (SmallModels.configuration(["hidden_size": nil]), "no key 'hidden_size'"),
      (SmallModels.configuration(["hidden_size": "\"64\""]), "'hidden_size' is not of type"),
      (SmallModels.configuration(["hidden_size": "64.5"]), "not whole"),
      (SmallModels.configuration(["hidden_size": "null"]), "'hidden_size' is null"),
      (SmallModels.configuration(["rope_scaling": "{}"]), "no key 'type'"),
      (SmallModels.configuration(["rope_parameters": #"{"full_attention": {}}"#]), "no key 'type'"),
    ])
  func malformed(text: String, message: String) {
    let error = error(of: Array(text.utf8)) { (file) throws(ModelFileError) in
      try ModelFile.shape(file, name: "x")
    }
    #expect(error?.kind == .malformed)
    #expect(error?.detail.contains(message) == true, "\(String(describing: error))")
  }

  @Test("a configuration cut short at any byte is an error")
  func truncation() {
    let bytes = Array(SmallModels.configuration(["rope_scaling": Self.llama3]).utf8)
    for count in 0..<bytes.count {
      let error = error(of: Array(bytes[..<count])) { (file) throws(ModelFileError) in
        try ModelFile.shape(file, name: "x")
      }
      #expect(error != nil, "\(count) bytes")
    }
  }
}
