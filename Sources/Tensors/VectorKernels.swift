import CKernels

/// The forward pass's kernels on vectors. What each computes, and in which order, is written in
/// `wafer_kernels.h`; these check extents and pass on.
extension InstructionSet {
  /// output[i] = x[i] / sqrt(mean(x²) + epsilon) · weight[i]. `output` may be `x`.
  public func rmsNorm(
    _ x: UnsafeBufferPointer<Float>, weight: UnsafeBufferPointer<Float>, epsilon: Float,
    into output: UnsafeMutableBufferPointer<Float>
  ) {
    precondition(
      x.count == weight.count && x.count == output.count,
      "a norm of \(x.count) by \(weight.count) weights into \(output.count)")
    guard x.count > 0 else { return }
    wk_rms_norm(
      kernels, x.baseAddress!, weight.baseAddress!, x.count, epsilon, output.baseAddress!)
  }

  /// x[i] += y[i].
  public func add(_ y: UnsafeBufferPointer<Float>, to x: UnsafeMutableBufferPointer<Float>) {
    precondition(x.count == y.count, "\(y.count) floats added to \(x.count)")
    guard x.count > 0 else { return }
    wk_add(kernels, x.baseAddress!, y.baseAddress!, x.count)
  }

  /// gate[i] = silu(gate[i]) · up[i], with silu(x) = x / (1 + exp(−x)).
  public func swiGLU(
    gate: UnsafeMutableBufferPointer<Float>, up: UnsafeBufferPointer<Float>
  ) {
    precondition(gate.count == up.count, "a gate of \(gate.count) for \(up.count)")
    guard gate.count > 0 else { return }
    wk_swiglu(kernels, gate.baseAddress!, up.baseAddress!, gate.count)
  }

  /// One query head over its cached positions: output = Σ softmax(scale · q·k) v.
  ///
  /// - Parameters:
  ///   - query: [headSize]
  ///   - keys: [positions, headSize]; at least one position.
  ///   - values: [positions, headSize]
  ///   - scores: scratch of `positions` floats or more.
  ///   - output: [headSize]
  public func attend(
    query: UnsafeBufferPointer<Float>, keys: UnsafeBufferPointer<Float>,
    values: UnsafeBufferPointer<Float>, positions: Int, scale: Float,
    scores: UnsafeMutableBufferPointer<Float>, into output: UnsafeMutableBufferPointer<Float>
  ) {
    let headSize = query.count
    precondition(headSize > 0 && positions > 0, "\(positions) positions of \(headSize)")
    precondition(
      keys.count >= positions * headSize && values.count >= positions * headSize
        && scores.count >= positions && output.count >= headSize,
      """
      \(positions) positions of \(headSize) from \(keys.count) keys and \(values.count) values, \
      \(scores.count) scores, into \(output.count)
      """)
    wk_attend(
      kernels, query.baseAddress!, keys.baseAddress!, values.baseAddress!, positions, headSize,
      scale, scores.baseAddress!, output.baseAddress!)
  }

  /// log Σ exp(x), of at least one float.
  public func logSumExp(_ x: UnsafeBufferPointer<Float>) -> Float {
    precondition(x.count > 0, "a log-sum-exp of nothing")
    return wk_log_sum_exp(kernels, x.baseAddress!, x.count)
  }
}

/// Rotary position embedding of one head.
public enum Rotation: Sendable {
  /// Pairs (2i, 2i + 1), as GGUF's `llama` files are permuted for.
  case interleaved
  /// Pairs (i, i + d/2), as Hugging Face's files have it.
  case halves

  /// Turns each pair (a, b) of `head` into (a·cos − b·sin, a·sin + b·cos), in place.
  ///
  /// - Parameters:
  ///   - head: [headSize], an even number.
  ///   - cosines: [headSize / 2]
  ///   - sines: [headSize / 2]
  public func turn(
    _ head: UnsafeMutableBufferPointer<Float>, cosines: UnsafeBufferPointer<Float>,
    sines: UnsafeBufferPointer<Float>
  ) {
    precondition(
      head.count % 2 == 0 && cosines.count == head.count / 2 && sines.count == head.count / 2,
      "\(cosines.count) cosines and \(sines.count) sines for a head of \(head.count)")
    guard head.count > 0 else { return }
    wk_rotate(
      head.baseAddress!, cosines.baseAddress!, sines.baseAddress!, head.count,
      self == .interleaved ? 1 : 0)
  }
}

/// Elementary functions of our own, equal on every host. Largest errors are in `wafer_kernels.h`.
public enum Elementary {
  /// e to the power x.
  public static func exp(_ x: Float) -> Float { wk_exp(x) }
  /// e to the power x.
  public static func exp(_ x: Double) -> Double { wk_exp64(x) }
  /// Natural logarithm.
  public static func log(_ x: Double) -> Double { wk_log64(x) }
  /// Sine and cosine of an angle in radians, |x| < 2³¹.
  public static func sineCosine(_ x: Double) -> (sine: Double, cosine: Double) {
    precondition(abs(x) < 0x1p31, "an angle of \(x)")
    var (sine, cosine) = (0.0, 0.0)
    wk_sincos64(x, &sine, &cosine)
    return (sine, cosine)
  }
}
