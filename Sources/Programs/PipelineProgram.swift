import Hardware
import Quantities

/// A program of plain pipeline stages: each works for a time and hands a message on.
public struct PipelineProgram: Sendable {
  /// All of it. Its outputs are the micro-batches, as they leave the last stage.
  public let window: Window

  /// Lowers a pipeline of equal stages.
  ///
  /// - Parameters:
  ///   - stageTime: Of one micro-batch on one stage.
  ///   - elements: Of the message from stage to stage.
  public init(
    stages: Int, microBatches: Int, stageTime: EmulatedTime, elements: Int, wires: Wires
  ) {
    precondition(stages > 0 && microBatches > 0, "\(stages) stages, \(microBatches) micro-batches")
    var builder = WindowBuilder(ranks: stages, wires: wires)
    var outputs: [Window.Output] = []
    let cost = Cost(compute: stageTime)
    for batch in 0..<microBatches {
      var previous = Values.none
      for stage in 0..<stages {
        let rank = Rank(stage)
        let values = builder.allocate(elements, on: rank)
        if stage > 0 {
          builder.send(previous, from: Rank(stage - 1), to: rank, stream: .activation)
          builder.receive(values, at: rank, from: Rank(stage - 1), stream: .activation)
        } else {
          builder.compute(Compute(.fill, input: .none, output: values), on: rank)
        }
        builder.compute(Compute(.stage, input: values, output: values, cost: cost), on: rank)
        previous = values
      }
      outputs.append(
        Window.Output(rank: Rank(stages - 1), value: Int(previous.first), batch: batch))
    }
    window = builder.window(index: 0, batches: [], outputs: outputs)
  }
}
