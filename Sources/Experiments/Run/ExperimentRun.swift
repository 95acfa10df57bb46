import Foundation
import Hardware
import Messaging
import ModelFiles
import Models
import Placement
import Programs
import Quantities
import Runtime
import Serving
import Synchronization
import Tensors
import Transformer

/// Runs both halves of an experiment and compares them.
public struct ExperimentRun: Sendable {
  /// What was asked, fully resolved.
  public internal(set) var experiment: Experiment
  /// Who starts nodes; used over ipc and tcp.
  public var launch: NodeLaunch
  /// Steps of which a timeline is kept; `nil` is none.
  public var recording: Recording.Limits?
  /// Keeps what is finished, and gives what an earlier run has finished; `nil` keeps nothing.
  public var journal: RunJournal?
  /// Told what is going on, for a person.
  public var progress: @Sendable (String) -> Void
  /// A reason to give the run up: a signal.
  public var interruption: @Sendable () -> String?

  /// Takes each field as it is.
  public init(
    _ experiment: Experiment, launch: NodeLaunch, recording: Recording.Limits? = nil,
    journal: RunJournal? = nil,
    progress: @escaping @Sendable (String) -> Void = { _ in },
    interruption: @escaping @Sendable () -> String? = { nil }
  ) {
    self.experiment = experiment
    self.launch = launch
    self.recording = recording
    self.journal = journal
    self.progress = progress
    self.interruption = interruption
  }

  /// One half: a split of the model over wafers.
  public enum HalfName: String, Sendable {
    /// The split that the experiment asks about.
    case cluster
    /// The whole model on one wafer of the same grid.
    case single
  }

  /// Runs cluster and single, evaluates the best single, and compares.
  ///
  /// Throws `MappingError` when the model does not fit the wafers, `RunError` when a node fails,
  /// `ProgramError` or `LawViolation` for faults of ours, and what reading the model throws.
  public func run() async throws -> ExperimentResult {
    try await withRoom().runAll()
  }

  private func runAll() async throws -> ExperimentResult {
    try checkHost()
    let modelled = experiment.modelled
    let split = modelled.split
    let layout = try modelled.layout(split)
    let whole = modelled.singleSplit
    let standIn = standIn(for: layout, split, whole)
    let cluster: HalfResult
    let single: HalfResult
    if isSingle || experiment.host.transport != .none {
      // Nodes of both at once would measure each other.
      cluster = try await half(.cluster, split, layout)
      single = isSingle ? cluster : try await withoutOverrides.half(.single, whole, standIn)
    } else {
      async let one = withoutOverrides.half(.single, whole, standIn)
      cluster = try await half(.cluster, split, layout)
      single = try await one
    }
    let bestSingle = try withoutOverrides.bestSingle()
    let faultCosts = try faultCosts(of: cluster)
    return ExperimentResult(
      experiment: experiment, single: single, cluster: cluster,
      bestSingle: bestSingle, faultCosts: faultCosts, modelFingerprint: try modelFingerprint(),
      warnings: warnings(
        [(split, layout), (whole, standIn)] + (bestSingle.map { [(whole, $0.layout)] } ?? [])))
  }

  /// Whether the cluster is the single wafer: one that is like the others, and without faults.
  var isSingle: Bool {
    experiment.modelled.ranks == 1 && experiment.modelled.overrides.isEmpty
      && experiment.modelled.faults.isEmpty
  }

  /// The run of the single wafer, which has no links, and is like the others.
  var withoutOverrides: ExperimentRun {
    var run = self
    run.experiment.modelled = experiment.modelled.withoutOverrides
    return run
  }

  /// Evaluates the cluster alone, in emulated time: no node is started, and nothing is compared.
  ///
  /// Throws as `run`.
  public func evaluateCluster() throws -> HalfResult {
    let run = try withRoom()
    let modelled = run.experiment.modelled
    let layout = try modelled.layout(modelled.split)
    return try run.evaluated(.cluster, modelled.split, layout)
  }

  /// Runs the cluster alone on its nodes: nothing is compared.
  ///
  /// Throws as `run`.
  public func executeCluster() async throws -> HalfResult {
    let run = try withRoom()
    try run.checkHost()
    let modelled = run.experiment.modelled
    return try await run.half(.cluster, modelled.split, try modelled.layout(modelled.split))
  }

  /// Generates text on the cluster alone, token by token, until the text ends.
  ///
  /// - Parameters:
  ///   - endOfText: Tokens that end it.
  ///   - emit: Takes each token of the first sequence.
  public func generate(
    endOfText: Set<Int32>, emit: @escaping @Sendable (Int32) -> Void
  ) async throws -> HalfResult {
    try checkHost()
    let modelled = experiment.modelled
    let text = TextEnd(endOfText: endOfText, emit: emit)
    return try await executed(
      .cluster, modelled.split, try modelled.layout(modelled.split)
    ) { report, _ in
      text.take(report)
    }
  }

  /// Refuses a real payload that nodes of this host could not hold.
  private func checkHost() throws {
    let nodesAreHere = experiment.host.transport == .inproc || launch.program != nil
    guard experiment.host.payload == .real, nodesAreHere else { return }
    try HostMemory(experiment).check()
  }

  // MARK: Halves

  private func half(_ name: HalfName, _ split: Split, _ layout: DeviceLayout) async throws
    -> HalfResult
  {
    guard experiment.host.transport != .none else {
      let noun = experiment.modelled.device.noun(split.ranks)
      progress("\(name.rawValue): evaluating \(split.ranks) \(noun)")
      return try evaluated(name, split, layout, observation: observation(split))
    }
    // Emulated times and tokens are the same each time; the run with the median total tells the
    // measured ones.
    var runs: [HalfResult] = []
    for _ in 0..<experiment.host.repetitions {
      if let before = try restored(name, split, layout) {
        runs.append(before)
      } else {
        runs.append(try await journalled(name, split, layout))
      }
    }
    runs.sort { $0.measured!.total < $1.measured!.total }
    return runs[(runs.count - 1) / 2]
  }

  /// Sees how a half's ranks use their time, and what they do in the steps of the timeline.
  func observation(_ split: Split) -> Observation {
    Observation(ranks: split.ranks, recording: recording)
  }

  /// A half in emulated time alone, instruction by instruction, as an observer has to see it.
  func evaluated(
    _ name: HalfName, _ split: Split, _ layout: DeviceLayout, observation: Observation?
  ) throws -> HalfResult {
    let program = evaluatedProgram(
      split, layout, keepsOutputs: experiment.modelled.served == nil, observation: observation)
    try program.finish()
    var result = HalfResult(name: name, layout: layout)
    let summary = program.summary
    result.emulated = EmulatedResult(
      summary, power: power(layout),
      goal: experiment.modelled.served?.goal ?? ServingMetrics.Goal())
    result.timeline = summary.recording.map { Timeline($0, of: summary) }
    return result
  }

  /// A half on nodes.
  func executed(
    _ name: HalfName, _ split: Split, _ layout: DeviceLayout,
    observe: @escaping @Sendable (WindowReport, Rank) -> Bool = { _, _ in true }
  ) async throws -> HalfResult {
    let nodes = NodeRun(
      transport: experiment.host.transport, launch: launch,
      waitLimit: experiment.host.waitLimit, pinning: experiment.host.pinning,
      recording: recording, onFailure: experiment.host.onFailure, weights: try weightServer(),
      progress: { [progress] in
        progress("\(name.rawValue): \(split.ranks) node\(split.ranks == 1 ? "" : "s") \($0)")
      }, interruption: interruption)
    let (outcome, program) = try await nodes.run(
      { self.evaluatedProgram(split, layout, observation: self.observation(split)) },
      connectionWindows: { self.connectionWindows(split, layout) }, payload: try payload(split),
      observe: observe)
    let batches = batches(of: program)
    var result = HalfResult(name: name, layout: layout)
    result.emulated = EmulatedResult(
      program, power: power(layout),
      goal: experiment.modelled.served?.goal ?? ServingMetrics.Goal())
    result.measured = MeasuredResult(
      outcome.reports, outcome.windows, nodes: outcome.nodes, clocks: outcome.clocks,
      batches: batches)
    result.measured?.restarts = outcome.restarts
    result.tokens = tokens(outcome.windows, batches: batches)
    result.logits = logits(outcome.windows, split: split)
    result.nodes = outcome.nodes
    result.timeline = program.recording.map {
      Timeline(
        $0, of: program, reports: outcome.reports, windows: outcome.windows, batches: batches)
    }
    return result
  }

  /// Watts of one rank of a half.
  func power(_ layout: DeviceLayout) -> Rational {
    switch layout {
    case .wafers, .host: experiment.modelled.device.power
    case .accelerators(let group, _): Device.accelerators(group).power
    }
  }

  /// One device that holds the whole model as the cluster's hold it, whether it fits or not.
  func standIn(
    for cluster: DeviceLayout, _ split: Split, _ whole: Split
  ) -> DeviceLayout {
    let modelled = experiment.modelled
    switch (cluster, modelled.device) {
    case (.wafers(let mappings), .wafer(let device)):
      return .wafers([
        Mapping.standIn(
          for: (0..<split.pipeline).map { mappings[$0 * split.tensor] }, shape: modelled.shape,
          whole: whole.slice(ofRank: 0), wafer: device.wafer, calibration: device.calibration,
          memory: modelled.memory, options: modelled.pricingOptions)
      ])
    case (.accelerators(let group, _), _):
      return .accelerators(group, isHypothetical: !modelled.holds(group, whole))
    case (.host(let process), _): return .host(process)
    case (.wafers, _): preconditionFailure("\(modelled.device.name) has no mapping")
    }
  }

  /// The fastest mapping that really fits one wafer, or the fewest accelerators that hold the model as one
  /// node; `nil` when none does.
  private func bestSingle() throws -> HalfResult? {
    let modelled = experiment.modelled
    let whole = modelled.singleSplit
    let slices = [whole.slice(ofRank: 0)]
    switch modelled.device {
    case .wafer(let device):
      guard
        let mappings = Mapping.fitting(
          shape: modelled.shape, slices: slices, wafer: device.wafer,
          calibration: device.calibration, memory: modelled.memory, kind: .fastest,
          options: modelled.pricingOptions)
      else { return nil }
      return try evaluated(
        .single, whole, .wafers(mappings), observation: Observation(ranks: 1))
    case .accelerators(var group):
      guard
        let fewest = group.accelerator.fewestDevices(
          shape: modelled.shape, memory: modelled.memory)
      else { return nil }
      group.devices = fewest
      return try evaluated(
        .single, whole, .accelerators(group, isHypothetical: false),
        observation: Observation(ranks: 1))
    // One process is one process: it is the single half already.
    case .host: return nil
    }
  }

  private func modelFingerprint() throws -> String? {
    guard case .file(let path) = experiment.host.model else { return nil }
    return try ModelFile.open(path).fingerprint
  }

  // MARK: Payloads

  /// The sampling rule as nodes execute it.
  var sampling: SamplingRule {
    get throws {
      let sampling = experiment.host.sampling
      let temperature = Float(sampling.temperature.approximation)
      if sampling.isGreedy { return .greedy }
      guard let k = sampling.topK else { return .gumbel(temperature: temperature) }
      return .topK(k: k, temperature: temperature, topP: Float(sampling.topP.approximation))
    }
  }

  /// What each rank computes and sends.
  private func payload(
    _ split: Split
  ) throws -> @Sendable (Rank) -> Assignment.Payload {
    guard experiment.host.payload == .real else { return { _ in .phantom } }
    let part = try modelAssignment(split)
    return { _ in .model(part) }
  }

  /// What the ranks of a split load.
  ///
  /// Throws `RunError` for a shape without weights, and what opening a file throws.
  func modelAssignment(_ split: Split) throws -> ModelAssignment {
    let modelled = experiment.modelled
    let weights: ModelAssignment.Weights
    switch experiment.host.model {
    case .file(let path):
      // Nodes are started from anywhere; a relative path would be another file for them.
      let full = URL(fileURLWithPath: path).standardizedFileURL.path
      weights = .file(
        path: full, fingerprint: try ModelFile.open(full).fingerprint,
        access: experiment.host.weights)
    case .synthetic: weights = .synthetic(seed: modelled.seed, type: .bfloat16)
    case .preset(let name):
      throw RunError.coordinator(
        "'\(name)' is a shape without weights; run it with --payload phantom, or give "
          + "--model synthetic-\(name) or a model file")
    }
    let largest = modelled.workload.batches(ofStep: 0).map(\.tokens).max() ?? 1
    return ModelAssignment(
      shape: modelled.shape, layersPerStage: split.stages.map(\.count), tensor: split.tensor,
      weights: weights, precision: experiment.host.precision == .reduced ? .reduced : .float32,
      sequences: modelled.workload.batch, positions: modelled.workload.positions,
      maximumTokens: modelled.servingLimits?.tokensPerStep ?? largest, sampling: try sampling,
      seed: modelled.seed, prompts: prompts, reportsLogits: experiment.host.logits != nil)
  }

  /// Hands out the weights of a file, to nodes that do not have it.
  private func weightServer() throws -> WeightServer? {
    guard experiment.host.payload == .real, case .file(let path) = experiment.host.model,
      experiment.host.weights != .path
    else { return nil }
    return try ModelFile.open(path).weights.map { WeightServer($0) }
  }

  /// The prompt of each sequence. Text and given tokens are the same for all; drawn ones differ.
  var prompts: [[Int32]] {
    let workload = experiment.modelled.workload
    switch experiment.host.prompt {
    case .text(_, let tokens), .tokens(let tokens):
      return Array(repeating: tokens.map(Int32.init), count: workload.batch)
    case .drawn(let count):
      let vocabulary = UInt64(experiment.modelled.shape.vocabulary)
      let counts =
        experiment.modelled.served?.requests.map(\.promptTokens)
        ?? Array(repeating: count, count: workload.batch)
      return counts.enumerated().map { sequence, count in
        (0..<count).map { position in
          Int32(
            DrawnTokens.number(
              seed: experiment.modelled.seed, sequence: sequence, position: position)
              % vocabulary)
        }
      }
    }
  }

  // MARK: Results

  private func tokens(
    _ windows: [[WindowReport]], batches: (Int, Int) -> Batch
  ) -> [[Int32]] {
    guard experiment.host.payload == .real else { return [] }
    let modelled = experiment.modelled
    let sequences = modelled.served?.requests.count ?? modelled.workload.batch
    var tokens = Array(repeating: [Int32](), count: sequences)
    for report in windows.joined() {
      for output in report.outputs {
        let sampled = batches(report.index, output.batch).entries.filter(\.samples)
        for (entry, token) in zip(sampled, output.tokens) {
          tokens[entry.request].append(token)
        }
      }
    }
    return tokens
  }

  /// [positions, vocabulary]: the rows of all sequences, each in order of position.
  private func logits(_ windows: [[WindowReport]], split: Split) -> Logits? {
    guard experiment.host.logits != nil, experiment.host.payload == .real else { return nil }
    let vocabulary = experiment.modelled.shape.vocabulary
    var rows: [Logits.Place: [Float]] = [:]
    for window in windows {
      for (rank, report) in window.enumerated() {
        let range = split.slice(ofRank: rank).vocabulary
        for part in report.logits {
          rows[
            Logits.Place(sequence: part.sequence, position: part.position),
            default: Array(repeating: 0, count: vocabulary)
          ].replaceSubrange(range, with: part.values)
        }
      }
    }
    let places = rows.keys.sorted()
    return Logits(places: places, rows: places.map { rows[$0]! })
  }

  func warnings(_ halves: [(split: Split, layout: DeviceLayout)]) -> [String] {
    var warnings = PricingWarnings()
    var others: [String] = []
    for (split, layout) in halves {
      switch DevicePricing(experiment.modelled, layout).warnings(split, layout) {
      case .prices(let list): warnings.add(list)
      case .texts(let texts): for text in texts where !others.contains(text) { others.append(text) }
      }
    }
    return experiment.warnings + others + warnings.list.map(\.description)
  }
}

/// Logits of a half's output positions.
public struct Logits: Sendable {
  /// After which token each row comes.
  public var places: [Place]
  /// [positions, vocabulary]
  public var rows: [[Float]]

  /// The token of a sequence after which logits come.
  public struct Place: Hashable, Comparable, Sendable {
    /// The sequence, by its row of the KV cache.
    public var sequence: Int
    /// The token's place in its sequence.
    public var position: Int

    /// In order of sequence, then position.
    public static func < (a: Self, b: Self) -> Bool {
      (a.sequence, a.position) < (b.sequence, b.position)
    }
  }
}

/// Prompts of `--prompt-tokens`, by seed, sequence and position.
enum DrawnTokens {
  static func number(seed: UInt64, sequence: Int, position: Int) -> UInt64 {
    let ofSequence = seed &+ UInt64(sequence) &* 0xD1B5_4A32_D192_ED03
    var numbers = SplitMix64(seed: ofSequence, first: position)
    return numbers.next()
  }
}

/// Sees a text's tokens as they come and says when it has ended.
private final class TextEnd: Sendable {
  private let endOfText: Set<Int32>
  private let emit: @Sendable (Int32) -> Void
  /// Windows whose tokens were taken: a run that is run again makes the same ones once more.
  private let taken = Mutex(0)

  init(endOfText: Set<Int32>, emit: @escaping @Sendable (Int32) -> Void) {
    self.endOfText = endOfText
    self.emit = emit
  }

  /// Whether the text goes on.
  func take(_ report: WindowReport) -> Bool {
    for output in report.outputs {
      guard let token = output.tokens.first else { continue }
      let isNew = taken.withLock { taken in
        defer { taken = max(taken, report.index + 1) }
        return report.index >= taken
      }
      if isNew { emit(token) }
      if endOfText.contains(token) { return false }
    }
    return true
  }
}
