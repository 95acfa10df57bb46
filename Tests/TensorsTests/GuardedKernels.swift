import Tensors

/// The kernels on arrays: inputs and outputs end at guarded pages.
extension InstructionSet {
  func rmsNorm(_ x: [Float], weight: [Float], inPlace: Bool = false) -> GuardedFloats {
    let (input, weights) = (GuardedFloats(x), GuardedFloats(weight))
    let output = inPlace ? input : GuardedFloats(count: x.count)
    withExtendedLifetime((input, weights)) {
      rmsNorm(input.readOnly, weight: weights.readOnly, epsilon: 1e-5, into: output.floats)
    }
    return output
  }

  func sum(_ x: [Float], _ y: [Float]) -> GuardedFloats {
    let (output, input) = (GuardedFloats(x), GuardedFloats(y))
    withExtendedLifetime(input) { add(input.readOnly, to: output.floats) }
    return output
  }

  func swiGLU(gate: [Float], up: [Float]) -> GuardedFloats {
    let (output, input) = (GuardedFloats(gate), GuardedFloats(up))
    withExtendedLifetime(input) { swiGLU(gate: output.floats, up: input.readOnly) }
    return output
  }

  func attend(query: [Float], keys: [Float], values: [Float], scale: Float) -> GuardedFloats {
    let positions = keys.count / query.count
    let (q, k, v) = (GuardedFloats(query), GuardedFloats(keys), GuardedFloats(values))
    let (scores, output) = (GuardedFloats(count: positions), GuardedFloats(count: query.count))
    withExtendedLifetime((q, k, v, scores)) {
      attend(
        query: q.readOnly, keys: k.readOnly, values: v.readOnly, positions: positions,
        scale: scale, scores: scores.floats, into: output.floats)
    }
    return output
  }

  func logSumExp(_ x: [Float]) -> Float {
    let input = GuardedFloats(x)
    return withExtendedLifetime(input) { logSumExp(input.readOnly) }
  }
}

extension Rotation {
  func turned(_ head: [Float], cosines: [Float], sines: [Float]) -> [Float] {
    let (output, c, s) = (GuardedFloats(head), GuardedFloats(cosines), GuardedFloats(sines))
    withExtendedLifetime((c, s)) {
      turn(output.floats, cosines: c.readOnly, sines: s.readOnly)
    }
    return output.values
  }
}
