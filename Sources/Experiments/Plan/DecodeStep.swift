import Models
import Placement
import Programs
import Quantities

/// One decode step of a split model, as the evaluator has it: every sequence at one context, step after step.
///
/// It is the program that `wafer run` evaluates, at a context that does not grow. With two output tokens and
/// one micro-batch, TPOT of a run at the same context is `latency`, to the picosecond.
public struct DecodeStep: Hashable, Sendable {
  /// Sequences that decode together.
  public let sequences: Int
  /// From a token of a sequence to its next, when nothing else is under way.
  public let latency: EmulatedTime
  /// Where the latency is spent; adds up to it.
  public let account: Account
  /// From one batch to the next that follows it through the pipeline: as long as the slowest of what it
  /// passes is held. On one region it is the latency but for the way of the token.
  public let spacing: EmulatedTime

  /// Evaluates two steps of one batch, and one step of two batches that follow each other.
  ///
  /// - Parameters:
  ///   - modelled: The experiment, whose context it is; its batch is not used.
  ///   - sequences: Of a batch.
  ///
  /// Throws `ProgramError` for faults of ours.
  init(
    _ modelled: Experiment.Modelled, _ layout: DeviceLayout, sequences: Int
  ) throws(ProgramError) {
    let context = modelled.workload.positions
    func outputs(batches: Int, tokens: Int) throws(ProgramError) -> [Stamp] {
      let program = EvaluatedProgram(
        modelled.program(
          modelled.split, layout,
          workload: Workload(
            promptTokens: 1, outputTokens: tokens, batch: batches * sequences,
            microBatches: batches), context: context))
      try program.finish()
      return program.outputs.map(\.stamp)
    }
    let tokens = try outputs(batches: 1, tokens: 2)
    let batches = try outputs(batches: 2, tokens: 1)
    self.sequences = sequences
    latency = tokens[1].time - tokens[0].time
    account = tokens[1].account - tokens[0].account
    spacing = batches[1].time - batches[0].time
  }

  /// From a token of a sequence to its next when so many batches take turns: the way of one, or the turns of
  /// all, whichever is longer.
  public func period(batches: Int) -> EmulatedTime {
    max(latency, EmulatedTime(picoseconds: spacing.picoseconds * Int64(batches)))
  }
}
