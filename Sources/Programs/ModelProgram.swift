import Hardware
import Models
import Placement
import Quantities

/// The program of a workload whose sequences are all there from the start: one window a step.
///
/// For what a window holds, see `ModelCompiler`.
public struct ModelProgram: Sendable {
  /// What it is asked to do.
  public let workload: Workload
  var compiler: ModelCompiler

  /// A program; nothing is compiled yet. For parameters and preconditions see `ModelCompiler`.
  public init(
    split: Split, workload: Workload, wires: Wires, collectives: CollectiveChoice = .automatic,
    candidateElements: Int, steps: [[RegionStep]]? = nil, speeds: [Rational]? = nil,
    price: @escaping KernelPrice
  ) {
    self.workload = workload
    compiler = ModelCompiler(
      split: split, slots: workload.batches(ofStep: 0).map(\.entries.count), wires: wires,
      collectives: collectives, candidateElements: candidateElements, steps: steps, speeds: speeds,
      price: price)
  }

  /// How the model is cut.
  public var split: Split { compiler.split }

  /// Number of windows: one a step.
  public var windowCount: Int { workload.steps }

  /// Compiles step `index`. Steps may be compiled in any order.
  public mutating func window(_ index: Int) -> Window {
    compiler.window(index, scheduled(index))
  }

  /// The micro-batches of a step, each in a slot of its own.
  func scheduled(_ index: Int) -> [ScheduledBatch] {
    workload.batches(ofStep: index).enumerated().map {
      ScheduledBatch($0.element, slot: $0.offset)
    }
  }

  /// The algorithm for an all-reduce of `elements` over the shards of a stage.
  public mutating func algorithm(elements: Int) -> CollectiveAlgorithm {
    compiler.algorithm(elements: elements)
  }
}
