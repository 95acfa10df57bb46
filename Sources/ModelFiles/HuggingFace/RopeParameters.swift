import Models

/// `rope_scaling` of Transformers 4, `rope_parameters` of Transformers 5.
struct RopeParameters: Decodable {
  let type: String
  let base: Double?
  let factor: Float?
  let lowFrequency: Float?
  let highFrequency: Float?
  let originalContext: Int?
  let partialRotary: Double?

  enum CodingKeys: String, CodingKey {
    case ropeType = "rope_type"
    case type
    case base = "rope_theta"
    case factor
    case lowFrequency = "low_freq_factor"
    case highFrequency = "high_freq_factor"
    case originalContext = "original_max_position_embeddings"
    case partialRotary = "partial_rotary_factor"
  }

  init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    type =
      try container.decodeIfPresent(String.self, forKey: .ropeType)
      ?? container.decode(String.self, forKey: .type)
    base = try container.decodeIfPresent(Double.self, forKey: .base)
    factor = try container.decodeIfPresent(Float.self, forKey: .factor)
    lowFrequency = try container.decodeIfPresent(Float.self, forKey: .lowFrequency)
    highFrequency = try container.decodeIfPresent(Float.self, forKey: .highFrequency)
    originalContext = try container.decodeIfPresent(Int.self, forKey: .originalContext)
    partialRotary = try container.decodeIfPresent(Double.self, forKey: .partialRotary)
  }

  func scaling(key: String) throws(JSON.KeyError) -> RotaryEmbedding.Scaling {
    func positive<T: BinaryFloatingPoint>(_ value: T?, _ name: String) throws(JSON.KeyError) -> T {
      guard let value else {
        throw JSON.KeyError(.missing, key: "\(key).\(name)", "\(type) needs it")
      }
      guard value > 0, value.isFinite else {
        throw JSON.KeyError(.malformed, key: "\(key).\(name)", "\(value) is not positive")
      }
      return value
    }
    if let partialRotary, partialRotary != 1 {
      throw JSON.KeyError(
        key: "\(key).partial_rotary_factor", "\(partialRotary); only 1 is computed")
    }
    switch type {
    case "default", "none": return .none
    case "linear": return .linear(factor: try positive(factor, "factor"))
    case "llama3":
      let low = try positive(lowFrequency, "low_freq_factor")
      let high = try positive(highFrequency, "high_freq_factor")
      guard high > low else {
        throw JSON.KeyError(
          .malformed, key: "\(key).high_freq_factor", "\(high) is not above low_freq_factor \(low)")
      }
      guard let originalContext, originalContext > 0 else {
        throw JSON.KeyError(
          .missing, key: "\(key).original_max_position_embeddings", "llama3 needs it")
      }
      return .llama3(
        factor: try positive(factor, "factor"), lowFrequency: low, highFrequency: high,
        originalContext: originalContext)
    default:
      throw JSON.KeyError(
        key: "\(key).rope_type", "\(type); known are default, linear and llama3")
    }
  }
}
