import Foundation
import Hardware
import Messaging
import Models
import Placement
import Programs
import Quantities
import Runtime

/// Measures this host and makes presets of it: what a node's kernels take with so many busy, what a step takes
/// beside them, and what a message takes from process to process.
public struct HostCalibration: Sendable {
  /// The model, and how it is computed; its plan and its device do not matter.
  public var experiment: Experiment
  /// How the presets are called; each has its number of busy processes or its transport behind it.
  public var name: String
  /// Numbers of busy processes, one host preset and one link preset for each transport of each.
  public var busy: [Int]
  /// Transports; a host preset names the link over the first.
  public var transports: [Transport]
  /// Most tokens of a batch that are measured.
  public var mostTokens: Int
  /// How often everything is measured.
  public var rounds: Int
  /// Who starts nodes.
  public var launch: NodeLaunch
  /// Told what is going on, for a person.
  public var progress: @Sendable (String) -> Void
  /// A reason to give up: a signal.
  public var interruption: @Sendable () -> String?

  /// Takes each field as it is.
  public init(
    _ experiment: Experiment, name: String, busy: [Int], transports: [Transport], mostTokens: Int,
    rounds: Int, launch: NodeLaunch, progress: @escaping @Sendable (String) -> Void = { _ in },
    interruption: @escaping @Sendable () -> String? = { nil }
  ) {
    self.experiment = experiment
    self.name = name
    self.busy = busy
    self.transports = transports
    self.mostTokens = mostTokens
    self.rounds = rounds
    self.launch = launch
    self.progress = progress
    self.interruption = interruption
  }

  /// What was measured and what was made of it.
  public struct Result: Sendable {
    /// Where and when.
    public let facts: HostFacts
    /// Processes that ran or wanted to, before and after.
    public let loads: (before: Double?, after: Double?)
    /// One a number of busy processes.
    public let hosts: [MeasuredHost]
    /// One a number of busy processes and transport.
    public let links: [MeasuredLink]
  }

  /// Measures everything.
  ///
  /// Throws `RunError` when nodes fail, `NodeError` when a shard cannot be loaded.
  public func run() async throws -> Result {
    // Ranks that are surveyed together hold the model once.
    try HostMemory(experiment).check()
    let facts = HostFacts.here
    let before = HostFacts.loadAverage
    var links: [MeasuredLink] = []
    for count in busy {
      for transport in transports {
        try checkInterruption()
        progress("messages over \(transport.rawValue), \(count) busy")
        let survey = MessageSurvey(
          transport: transport, busy: count, launch: launch, waitLimit: experiment.host.waitLimit,
          rounds: Self.messages * rounds, interruption: interruption)
        links.append(
          MeasuredLink(
            name: Self.link(name, busy: count, transport), busy: count,
            observations: try await survey.run()))
      }
    }
    progress("steps beside their kernels")
    let steps = try await stepOverheads()
    var hosts: [MeasuredHost] = []
    for count in busy {
      var observations: [KernelSurvey.Observation] = []
      let survey = survey
      for arrangement in survey.arrangements(busy: count) {
        try checkInterruption()
        progress("kernels, \(count) busy: \(arrangement.words)")
        observations += try await survey.run(arrangement)
      }
      hosts.append(
        MeasuredHost(
          name: "\(name)-\(count)", busy: count,
          link: Self.link(name, busy: count, transports[0]), observations: observations,
          steps: steps))
    }
    return Result(
      facts: facts, loads: (before, HostFacts.loadAverage), hosts: hosts, links: links)
  }

  /// Numbers of busy processes that the model can be cut for, of those that the host has processors for.
  public static func defaultBusy(shape: ModelShape, processors: Int) -> [Int] {
    let most = max(processors, 1)
    return [1, most].reduce(into: []) { found, count in
      if !found.contains(count), canBeCut(shape, busy: count) { found.append(count) }
    }
  }

  /// Whether so many ranks can compute at once: as stages or as shards.
  public static func canBeCut(_ shape: ModelShape, busy: Int) -> Bool {
    (try? Split(shape: shape, pipeline: busy, tensor: 1)) != nil
      || (try? Split(shape: shape, pipeline: 1, tensor: busy)) != nil
  }

  /// Name of the link between so many busy processes.
  private static func link(_ name: String, busy: Int, _ transport: Transport) -> String {
    "\(name)-\(busy)-\(transport.rawValue)"
  }

  /// Messages of each size and way in a round.
  private static let messages = 20
  /// Tokens of the run that tells what a step takes beside its kernels.
  private static let overheadSteps = 16

  private var survey: KernelSurvey {
    KernelSurvey(
      assignment: { split in try ExperimentRun(experiment, launch: launch).modelAssignment(split) },
      shape: experiment.modelled.shape, mostTokens: mostTokens, rounds: rounds)
  }

  /// What passes between the end of a token's last kernel and the next one's first, on one real node: its
  /// report, and the next window.
  private func stepOverheads() async throws -> [Double] {
    var experiment = experiment
    experiment.modelled.tensor = 1
    experiment.modelled.layersPerStage = [experiment.modelled.shape.layers]
    experiment.modelled.topology = experiment.modelled.topology.ofOneWafer
    experiment.modelled.workload = Workload(
      promptTokens: 2, outputTokens: Self.overheadSteps * rounds)
    experiment.modelled.device = .host(HostProcess.free(experiment.modelled.shape.name))
    experiment.host.prompt = .drawn(2)
    experiment.host.repetitions = 1
    let half = try await ExperimentRun(
      experiment, launch: launch,
      recording: Recording.Limits(windows: 1..<Self.overheadSteps * rounds),
      interruption: interruption
    ).executeCluster()
    guard let activities = half.timeline?.measured?.activities.first else { return [] }
    return zip(activities, activities.dropFirst()).compactMap { before, after in
      guard after.window == before.window + 1 else { return nil }
      return (after.activity.begin - before.activity.end).seconds
    }.sorted()
  }

  private func checkInterruption() throws {
    if let reason = interruption() { throw RunError.coordinator(reason) }
  }
}

extension HostProcess {
  /// A host that takes no time, to run nodes whose emulated time nobody asks for.
  static func free(_ model: String) -> HostProcess {
    let none = Rational(0)
    let matrix = MatrixKernel(fixed: none, points: [.init(tokens: 1, perWeight: none)])
    let line = LinearKernel(fixed: none, each: none)
    return HostProcess(
      name: "free", model: model, precision: "float32", busyProcesses: 1, attention: matrix,
      pair: none, feedForward: matrix, head: matrix, embedding: line, candidates: line, step: none,
      link: "free")
  }
}

/// What was measured with so many busy processes.
public struct MeasuredHost: Sendable {
  /// How its preset is called.
  public let name: String
  /// Processes that computed at once.
  public let busy: Int
  /// Name of the link that was measured with as many busy.
  public let link: String
  /// One for each kernel, count, tokens and pairs.
  let observations: [KernelSurvey.Observation]
  /// Seconds of steps beside their kernels, sorted.
  let steps: [Double]

  /// Joins what several ranks observed of steps alike.
  init(
    name: String, busy: Int, link: String, observations: [KernelSurvey.Observation],
    steps: [Double]
  ) {
    self.name = name
    self.busy = busy
    self.link = link
    self.steps = steps
    self.observations = observations.reduce(into: []) { joined, one in
      if let place = joined.firstIndex(where: { $0.isLike(one) }) {
        joined[place].seconds = (joined[place].seconds + one.seconds).sorted()
      } else {
        joined.append(one)
      }
    }
  }

  /// A kernel with weights, fitted.
  func matrix(_ kernel: KernelSurvey.Kernel) -> HostFit.Matrix {
    HostFit.matrix(
      of(kernel).map {
        HostFit.Sample(
          weights: $0.count, tokens: $0.tokens, pairs: $0.pairs, seconds: max($0.quiet, 1e-9))
      })
  }

  /// Any other kernel, fitted.
  func line(_ kernel: KernelSurvey.Kernel) -> (fixed: Double, each: Double) {
    HostFit.line(of(kernel).map { ($0.count, max($0.quiet, 1e-9)) })
  }

  /// Seconds between two steps when nothing disturbs them.
  var step: Double { steps.isEmpty ? 0 : HostNoise.quiet(steps) }

  func of(_ kernel: KernelSurvey.Kernel) -> [KernelSurvey.Observation] {
    observations.filter { $0.kernel == kernel }
  }

  /// Steps that were measured of a kernel.
  func count(_ kernel: KernelSurvey.Kernel) -> Int {
    of(kernel).reduce(0) { $0 + $1.seconds.count }
  }

  /// The middle of the spreads of a kernel's steps alike.
  func spread(_ kernel: KernelSurvey.Kernel) -> Double {
    let spreads = of(kernel).map(\.spread).sorted()
    return spreads.isEmpty ? 0 : spreads[(spreads.count - 1) / 2]
  }
}

/// What was measured between processes.
public struct MeasuredLink: Sendable {
  /// How its preset is called.
  public let name: String
  /// Processes that computed at once.
  public let busy: Int
  let observations: [MessageSurvey.Observation]
  var fit: HostLinkFit { HostLinkFit(observations) }
}
