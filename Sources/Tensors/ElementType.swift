/// How the numbers of a weight matrix lie in memory.
///
/// Raw values are those of `wk_type` in `CKernels`. Quantised types hold rows of whole blocks; the
/// layouts are those of GGUF (ggml's `block_q4_0`, … in `ggml-common.h`).
public enum ElementType: Int32, CaseIterable, Sendable {
  case float32 = 0
  case float16 = 1
  case bfloat16 = 2
  case q8_0 = 3
  case q4_0 = 4
  case q4_1 = 5
  case q4_K = 6
  case q5_K = 7
  case q6_K = 8

  /// Elements that are stored together.
  public var blockElements: Int {
    switch self {
    case .float32, .float16, .bfloat16: 1
    case .q8_0, .q4_0, .q4_1: 32
    case .q4_K, .q5_K, .q6_K: 256
    }
  }

  /// Bytes of one block.
  public var blockBytes: Int {
    switch self {
    case .float32: 4
    case .float16, .bfloat16: 2
    case .q8_0: 34
    case .q4_0: 18
    case .q4_1: 20
    case .q4_K: 144
    case .q5_K: 176
    case .q6_K: 210
    }
  }

  /// Bytes of `elements` elements; `elements` is a multiple of `blockElements`.
  public func bytes(elements: Int) -> Int {
    precondition(
      elements % blockElements == 0, "\(elements) elements of \(self) are not whole blocks")
    return elements / blockElements * blockBytes
  }
}
