import Tensors

/// A tensor format of ggml by its code in a GGUF file.
///
/// All codes in use are known, with the size of their blocks, so that a file can be checked and listed;
/// `elementType` says which ones can be computed with. Source: `ggml.h` and `GGML_QUANT_SIZES` of
/// gguf-py 0.19.
struct GGMLType: Hashable, Sendable {
  /// The name in ggml, e.g. `Q4_K`.
  let name: String
  let blockElements: Int
  let blockBytes: Int
  /// The same format where our kernels have it.
  let elementType: ElementType?

  /// The type of a code; `nil` when no version of ggml up to the above has it.
  init?(code: UInt32) {
    guard let (name, elements, bytes) = Self.table[code] else { return nil }
    self.name = name
    blockElements = elements
    blockBytes = bytes
    elementType = Self.usable[code]
  }

  /// Names of the formats that can be computed with.
  static let usableNames = "F32, F16, BF16, Q8_0, Q4_0, Q4_1, Q4_K, Q5_K, Q6_K"

  private static let usable: [UInt32: ElementType] = [
    0: .float32, 1: .float16, 30: .bfloat16, 8: .q8_0, 2: .q4_0, 3: .q4_1, 12: .q4_K, 13: .q5_K,
    14: .q6_K,
  ]

  private static let table: [UInt32: (String, Int, Int)] = [
    0: ("F32", 1, 4), 1: ("F16", 1, 2), 2: ("Q4_0", 32, 18), 3: ("Q4_1", 32, 20),
    6: ("Q5_0", 32, 22), 7: ("Q5_1", 32, 24), 8: ("Q8_0", 32, 34), 9: ("Q8_1", 32, 40),
    10: ("Q2_K", 256, 84), 11: ("Q3_K", 256, 110), 12: ("Q4_K", 256, 144),
    13: ("Q5_K", 256, 176), 14: ("Q6_K", 256, 210), 15: ("Q8_K", 256, 292),
    16: ("IQ2_XXS", 256, 66), 17: ("IQ2_XS", 256, 74), 18: ("IQ3_XXS", 256, 98),
    19: ("IQ1_S", 256, 50), 20: ("IQ4_NL", 32, 18), 21: ("IQ3_S", 256, 110),
    22: ("IQ2_S", 256, 82), 23: ("IQ4_XS", 256, 136), 24: ("I8", 1, 1), 25: ("I16", 1, 2),
    26: ("I32", 1, 4), 27: ("I64", 1, 8), 28: ("F64", 1, 8), 29: ("IQ1_M", 256, 56),
    30: ("BF16", 1, 2), 34: ("TQ1_0", 256, 54), 35: ("TQ2_0", 256, 66), 39: ("MXFP4", 32, 17),
    40: ("NVFP4", 64, 36), 41: ("Q1_0", 128, 18),
  ]
}
