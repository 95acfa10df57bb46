import Hardware
import Models
import Programs
import Quantities

/// What `wafer plan` asks of every device: one decode step of a model.
public struct PlanQuestion: Hashable, Sendable {
  /// The model.
  public let shape: ModelShape
  /// Widths of its numbers.
  public let widths: Experiment.Widths
  /// Tokens of each sequence, the new one included.
  public let context: Int
  /// Sequences that decode together.
  public let batch: Int

  /// A question of these parts; activations have 16 bits.
  ///
  /// - Precondition: context and batch are at least 1.
  public init(
    shape: ModelShape, weights: NumberFormat = .bf16, keyValues: NumberFormat = .bf16,
    context: Int, batch: Int = 1
  ) {
    precondition(context >= 1 && batch >= 1, "context \(context), batch \(batch)")
    self.shape = shape
    widths = Experiment.Widths(weights: weights, keyValues: keyValues, activations: .bf16)
    self.context = context
    self.batch = batch
  }

  /// The experiment whose last step is asked about, on one device: a prompt one token shorter than the
  /// context, read token by token, and two output tokens.
  func modelled(on device: Device, link: Link) -> Experiment.Modelled {
    Experiment.Modelled(
      shape: shape, device: device, link: link, topology: .fullMesh, tensor: 1,
      layersPerStage: [shape.layers],
      workload: Workload(
        promptTokens: max(context - 1, 1), outputTokens: 2, batch: batch, prefillChunk: 1),
      collectives: .automatic, widths: widths, candidates: 1, countsEmbeddingAndHead: true,
      countsGroupedQuery: true, seed: 0)
  }

  /// The step.
  var work: BatchWork { .decode(contexts: Array(repeating: context, count: batch)) }

  /// What must lie in memory.
  var memory: MemoryPlan {
    MemoryPlan(
      weightBits: widths.weights.bits, keyValueBits: widths.keyValues.bits,
      activationBits: widths.activations.bits, sequences: batch, context: context,
      tokensInFlight: batch)
  }

  /// Bits of the numbers.
  var bits: BitWidths { BitWidths(memory) }

  /// What the step multiplies and moves.
  var step: RooflineKernel { .step(shape: shape, work, bits) }

  /// What memory must hold.
  var need: MemoryNeed { MemoryNeed(shape: shape, memory: memory) }

  /// Bytes that one device would move for each token: weights, cache and vectors, over the batch.
  public var bytesPerToken: Rational {
    Rational(step.spreadBits + step.commonBits) / Rational(8 * batch)
  }

  /// Floating-point operations for each token.
  public var flopsPerToken: Rational { Rational(step.flops) / Rational(batch) }

  /// Bytes of an activation of all sequences, as an all-reduce or a hop moves them.
  var activationBits: Int { batch * shape.width * widths.activations.bits }
}
