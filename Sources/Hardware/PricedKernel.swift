/// The kernels that a wafer's prices are made of, as warnings name them.
public enum PricedKernel: String, CaseIterable, Hashable, Comparable, Sendable {
  case embedding
  case crossing
  case attentionGEMV = "attention-gemv"
  case attentionGEMM = "attention-gemm"
  case feedForwardGEMV = "feed-forward-gemv"
  case feedForwardGEMM = "feed-forward-gemm"
  case head
  case candidates

  /// The phase whose rows its coefficients were fitted to; `nil` when no source measures it.
  var calibratedOn: Calibration.Phase? {
    switch self {
    case .attentionGEMV, .feedForwardGEMV: .decode
    case .attentionGEMM, .feedForwardGEMM: .prefill
    case .embedding, .crossing, .head, .candidates: nil
    }
  }

  /// Whether its price depends on the length of the context, beside the number of new tokens.
  var readsContext: Bool { self == .attentionGEMV || self == .attentionGEMM }

  /// In the order of a forward pass.
  public static func < (a: Self, b: Self) -> Bool { a.order < b.order }

  private var order: Int { Self.allCases.firstIndex(of: self)! }
}
