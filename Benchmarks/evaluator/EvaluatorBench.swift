import Hardware
import Models
import Placement
import Programs
import Quantities

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Times compile, check and evaluate of Llama 3.1 405B on 16 × 8 wafers and on one, at constant
/// prices, and prints instructions a second of each; and of the same by graphs of times, which need no
/// window but the first of each form, once with the graphs to be built and once with them there.
///
/// Times are the process's own CPU time, so that other work on the machine shows less.
///
/// `evaluator-bench [repetitions] [direct|ring|recursive-doubling|rabenseifner|tree|automatic]`
@main
struct EvaluatorBench {
  /// What one part of the work took, over all windows.
  struct Timings {
    var compile = Duration.zero
    var check = Duration.zero
    var evaluate = Duration.zero
    var firstByGraphs = Duration.zero
    var againByGraphs = Duration.zero
    var total: Duration { compile + check + evaluate }
    var instructions = 0
  }

  static let llama405B = ModelShape(
    name: "llama-3.1-405b", layers: 126, width: 16_384, queryHeads: 128, keyValueHeads: 8,
    headSize: 128, feedForwardWidth: 53_248, vocabulary: 128_256, contextLength: 131_072)

  static func main() throws {
    let arguments = CommandLine.arguments.dropFirst()
    let repetitions = arguments.first.flatMap { Int($0) } ?? 3
    let algorithm = arguments.dropFirst().first.flatMap { CollectiveAlgorithm(rawValue: $0) }
    let collectives = algorithm.map { CollectiveChoice.fixed($0) } ?? .automatic
    for repetition in 0..<repetitions {
      for (name, pipeline, tensor) in [("cluster", 16, 8), ("single", 1, 1)] {
        let timings = try run(pipeline: pipeline, tensor: tensor, collectives: collectives)
        print(
          "\(repetition) \(name): \(timings.instructions) instructions, \(timings.total);",
          "compile \(rate(timings.instructions, timings.compile)),",
          "check \(rate(timings.instructions, timings.check)),",
          "evaluate \(rate(timings.instructions, timings.evaluate));",
          "by graphs \(rate(timings.instructions, timings.firstByGraphs)) at first,",
          "\(rate(timings.instructions, timings.againByGraphs)) again")
      }
    }
  }

  static func run(
    pipeline: Int, tensor: Int, collectives: CollectiveChoice
  ) throws -> Timings {
    let split = try Split(shape: llama405B, pipeline: pipeline, tensor: tensor)
    let link = Link(
      latency: EmulatedTime(picoseconds: 5_000_000), bandwidth: Rational(150_000_000_000))
    let constant = Cost(
      compute: EmulatedTime(picoseconds: 1_000_000), fabric: EmulatedTime(picoseconds: 500_000))
    var timings = Timings()
    var program = ModelProgram(
      split: split, workload: Workload(promptTokens: 2048, outputTokens: 128),
      wires: Wires(link: link, ranks: split.ranks, activationBytes: 2), collectives: collectives,
      candidateElements: 512, price: { _, _ in constant })
    var check = ProgramCheck(ranks: split.ranks)
    var evaluator = Evaluator(ranks: split.ranks)
    for index in 0..<program.windowCount {
      let start = cpuTime()
      let window = program.window(index)
      let compiled = cpuTime()
      try check.check(window)
      let checked = cpuTime()
      _ = evaluator.run(window)
      timings.compile += compiled - start
      timings.check += checked - compiled
      timings.evaluate += cpuTime() - checked
    }
    try check.finish()
    timings.instructions = evaluator.instructions
    let graphs = TimeGraphs()
    let start = cpuTime()
    let first = try program.times(graphs: graphs)
    let middle = cpuTime()
    let again = try program.times(graphs: graphs)
    timings.firstByGraphs = middle - start
    timings.againByGraphs = cpuTime() - middle
    precondition(
      first.traffic == evaluator.traffic && again.outputs.count == first.outputs.count,
      "graphs and the plain evaluator differ")
    return timings
  }

  /// What the process has used of its processor so far.
  static func cpuTime() -> Duration {
    var time = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
  }

  /// Millions of instructions a second, to one decimal.
  static func rate(_ instructions: Int, _ duration: Duration) -> String {
    let tenths = Int(Double(instructions) / (duration / .seconds(1)) / 1e5)
    return "\(tenths / 10).\(tenths % 10) M/s"
  }
}
