import Models
import Testing

@testable import ModelFiles

@Suite("Configurations of models with experts")
struct MixtureConfigurationTests {
  private func shape(
    _ changes: [String: String?], architecture: String
  ) throws -> ModelShape {
    let text = SmallModels.configuration(architecture: architecture, changes)
    return try withFile(Array(text.utf8)) { file in
      try JSON.decode(ModelConfiguration.self, file: file).shape(name: "small")
    }
  }

  static let mixtral: [String: String?] = ["num_local_experts": "8", "num_experts_per_tok": "2"]
  static let deepSeek: [String: String?] = [
    "n_routed_experts": "16", "num_experts_per_tok": "4", "n_shared_experts": "1",
    "moe_intermediate_size": "24", "first_k_dense_replace": "1", "moe_layer_freq": "1",
    "q_lora_rank": "32", "kv_lora_rank": "20", "qk_rope_head_dim": "8", "qk_nope_head_dim": "16",
    "v_head_dim": "12", "num_key_value_heads": "4",
    "quantization_config": #"{"quant_method": "fp8"}"#,
    "rope_scaling": #"{"type": "yarn", "factor": 40}"#,
  ]

  @Test("Mixtral's experts are as wide as its feed-forward, in every layer")
  func mixtralShape() throws {
    var expected = SmallModels.shape
    expected.experts = .init(count: 8, active: 2, width: 96)
    #expect(try shape(Self.mixtral, architecture: "MixtralForCausalLM") == expected)
    #expect(!expected.isComputable)
    let windowed = Self.mixtral.merging(["sliding_window": "9"]) { $1 }
    #expect(try shape(windowed, architecture: "MixtralForCausalLM").slidingWindow == 9)
  }

  @Test("DeepSeek-V3's head is its plain and its turned part; storage and scaling do not matter")
  func deepSeekShape() throws {
    var expected = SmallModels.shape
    expected.keyValueHeads = 4
    expected.headSize = 24
    expected.experts = .init(count: 16, active: 4, shared: 1, width: 24, denseLayers: 1)
    expected.latentAttention = .init(
      queryRank: 32, keyValueRank: 20, rotarySize: 8, plainSize: 16, valueSize: 12)
    #expect(try shape(Self.deepSeek, architecture: "DeepseekV3ForCausalLM") == expected)
    #expect(!expected.isComputable)
  }

  @Test(
    "a key that is missing or out of range is named",
    arguments: [
      ("num_experts_per_tok", "9", ModelFileError.Kind.malformed),
      ("num_local_experts", nil, .missing), ("num_local_experts", "0", .malformed),
    ])
  func refusedMixtral(key: String, value: String?, kind: ModelFileError.Kind) {
    let changes = Self.mixtral.merging([key: value]) { $1 }
    check(SmallModels.configuration(architecture: "MixtralForCausalLM", changes), key, kind)
  }

  @Test(
    "so it is for DeepSeek-V3",
    arguments: [
      ("moe_layer_freq", "2", ModelFileError.Kind.unsupported), ("kv_lora_rank", nil, .missing),
      ("kv_lora_rank", "null", .missing), ("v_head_dim", "-1", .malformed),
      ("num_experts_per_tok", "17", .malformed), ("attention_bias", "true", .unsupported),
    ])
  func refusedDeepSeek(key: String, value: String?, kind: ModelFileError.Kind) {
    let changes = Self.deepSeek.merging([key: value]) { $1 }
    check(SmallModels.configuration(architecture: "DeepseekV3ForCausalLM", changes), key, kind)
  }

  private func check(_ text: String, _ key: String, _ kind: ModelFileError.Kind) {
    let error = error(of: Array(text.utf8), path: "config.json") {
      (file) throws(ModelFileError) in try ModelFile.shape(file, name: "x")
    }
    #expect(error?.kind == kind, "\(String(describing: error))")
    #expect(error?.subject == "key '\(key)'")
  }
}
