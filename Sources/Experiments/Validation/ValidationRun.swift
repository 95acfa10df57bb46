import Hardware
import Models
import Placement
import Programs
import Quantities
import Runtime

/// Predicts the figures of validation tables, row by row, by what the other commands run: experiments
/// through `ExperimentRun`, collectives and pipelines through `PlainRun`.
///
/// Rows that ask for the same modelled experiment share one run.
public struct ValidationRun {
  private let resolver: ExperimentResolver
  private var runs: [Experiment.Modelled: Emulation] = [:]

  /// A run over the presets of a library.
  public init(presets: PresetLibrary) {
    resolver = ExperimentResolver(presets: presets.remembering)
  }

  /// Nothing is started for emulated time alone.
  private static let noNodes = NodeLaunch(program: nil, coordinator: nil)

  /// What a row's experiment gave.
  private struct Emulation {
    var cluster: EmulatedResult
    var isHypothetical: Bool
  }

  /// What is predicted for a row.
  struct Prediction {
    /// In the unit of the row's metric.
    var value: Rational
    /// Whether SRAM was taken as enlarged for it.
    var isHypothetical = false
    /// (predicted − published)/published of a fit that has not seen the row; `nil` where the row is held
    /// out.
    var leaveOneOutError: Double?
  }

  /// Predicts every row of a table.
  ///
  /// Throws `ConfigurationError` when a row asks for what cannot be, or calls itself held out or
  /// calibrated when the calibration says otherwise; `ProgramError` for faults of ours.
  public mutating func evaluate(_ table: ValidationTable) async throws -> ValidationResult {
    var predictions: [String: Prediction] = [:]
    for row in table.rows {
      predictions[row.name] = try await predict(row)
    }
    for case (let row, .ratio(let of, let to)) in table.rows.map({ ($0, $0.subject) }) {
      let (a, b) = (predictions[of]!, predictions[to]!)
      predictions[row.name] = Prediction(
        value: a.value / b.value, isHypothetical: a.isHypothetical || b.isHypothetical)
    }
    return ValidationResult(
      table: table,
      rows: table.rows.map { ValidationResult.Row($0, prediction: predictions[$0.name]!) })
  }

  /// The prediction of a row; `nil` of a ratio, which follows from others.
  private mutating func predict(_ row: ValidationTable.Row) async throws -> Prediction? {
    switch row.subject {
    case .experiment(let settings, let prefill):
      let experiment = try resolve(settings)
      var prediction = try measure(row, experiment, settings, prefill: prefill)
      prediction.leaveOneOutError = try leaveOneOutError(row, experiment.modelled)
      return prediction
    case .collective(let it):
      let program = CollectiveProgram(
        it.operation, algorithm: it.algorithm, ranks: it.ranks, elements: it.elements,
        wires: Wires(link: it.link, ranks: it.ranks, activationBytes: 4))
      return Prediction(value: try await plainTime(program.window))
    case .pipeline(let it):
      let program = PipelineProgram(
        stages: it.stages, microBatches: it.microBatches, stageTime: it.stageTime,
        elements: it.elements,
        wires: Wires(link: it.link, ranks: it.stages, activationBytes: 4))
      return Prediction(value: try await plainTime(program.window))
    case .product(let it): return try product(it, at: row.place)
    case .ratio: return nil
    }
  }

  // MARK: Experiments

  private func resolve(_ settings: Settings, output tokens: Int? = nil) throws(ConfigurationError)
    -> Experiment
  {
    var settings = settings
    // A table is about emulated time: no node is started for it.
    var forced = Settings()
    try forced.set("host.transport", to: .plain("none"), at: .builtIn)
    if let tokens {
      try forced.set("workload.output_tokens", to: .plain("\(tokens)"), at: .builtIn)
    }
    settings.merge(forced)
    return try resolver.resolve(settings)
  }

  private mutating func emulation(_ experiment: Experiment, at place: Place) throws -> Emulation {
    if let known = runs[experiment.modelled] { return known }
    let cluster: HalfResult
    do {
      cluster = try ExperimentRun(experiment, launch: Self.noNodes).evaluateCluster()
    } catch let error as MappingError {
      throw ConfigurationError(place, "cannot be placed: \(error)")
    }
    let emulation = Emulation(
      cluster: cluster.emulated, isHypothetical: cluster.isHypothetical)
    runs[experiment.modelled] = emulation
    return emulation
  }

  private mutating func measure(
    _ row: ValidationTable.Row, _ experiment: Experiment, _ settings: Settings,
    prefill: Settings?
  ) throws -> Prediction {
    let workload = experiment.modelled.workload
    var prediction = Prediction(value: Rational(0))
    if row.metric == .endToEndRate {
      // The prefill gives the first token's input; each of the output tokens is a decode step.
      let last = workload.promptTokens + workload.outputTokens
      let decode = try decodeTime(
        experiment, contexts: workload.promptTokens + 1...last, at: row.place)
      var settings = settings
      if let prefill { settings.merge(prefill) }
      let prompt = try emulation(try resolve(settings, output: 1), at: row.place)
      prediction.value =
        Rational(workload.outputTokens)
        / (Self.seconds(prompt.cluster.timeToFirstToken) + Self.seconds(decode.time))
      prediction.isHypothetical = decode.isHypothetical || prompt.isHypothetical
      return prediction
    }
    let emulation = try emulation(experiment, at: row.place)
    prediction.isHypothetical = emulation.isHypothetical
    switch row.metric {
    case .prefillRate:
      prediction.value =
        Rational(workload.promptTokens) / Self.seconds(emulation.cluster.timeToFirstToken)
    case .timeToFirstToken:
      prediction.value = Self.seconds(emulation.cluster.timeToFirstToken)
    case .decodeRate: prediction.value = Rational(1) / (try perToken(emulation, row))
    case .timePerOutputToken: prediction.value = try perToken(emulation, row)
    case .linkTime, .linkShare:
      let (link, token) = try lastToken(experiment, settings, emulation, row)
      prediction.value = row.metric == .linkTime ? link : link / token
    case .endToEndRate, .collectiveTime, .pipelineTime, .productTime, .ratio:
      preconditionFailure("\(row.metric) is not measured on one run")
    }
    return prediction
  }

  /// The time of one decode step at each of these contexts, added up.
  ///
  /// A step's price never falls as its context grows. So where the first and the last step of a range
  /// take as long, all between do, and are not run: on a mesh, thousands of steps have a dozen prices.
  private mutating func decodeTime(
    _ experiment: Experiment, contexts: ClosedRange<Int>, at place: Place
  ) throws -> (time: EmulatedTime, isHypothetical: Bool) {
    let modelled = experiment.modelled
    guard modelled.workload.batch == 1, case .wafer(let device) = modelled.device,
      device.mapping != .fastest, case .exactly = device.grid
    else {
      throw ConfigurationError(
        place, key: "experiment", "has several sequences, or no mapping and grid of its own",
        remedy: "'\(ValidationMetric.endToEndRate.rawValue)' is of one sequence on a given grid")
    }
    func step(_ context: Int, _ run: inout Self) throws -> Emulation {
      var experiment = experiment
      experiment.modelled.workload.promptTokens = context - 1
      experiment.modelled.workload.outputTokens = 2
      return try run.emulation(experiment, at: place)
    }
    func sum(_ range: ClosedRange<Int>, _ run: inout Self) throws -> EmulatedTime {
      let first = try step(range.lowerBound, &run).cluster.timePerOutputToken!
      let last = try step(range.upperBound, &run).cluster.timePerOutputToken!
      if first == last {
        return EmulatedTime(picoseconds: first.picoseconds * Int64(range.count))
      }
      if range.count == 2 { return first + last }
      let middle = (range.lowerBound + range.upperBound) / 2
      return try sum(range.lowerBound...middle, &run)
        + (try sum(middle + 1...range.upperBound, &run))
    }
    let time = try sum(contexts, &self)
    // The last step needs the most SRAM.
    return (time, try step(contexts.upperBound, &self).isHypothetical)
  }

  private func perToken(_ emulation: Emulation, _ row: ValidationTable.Row)
    throws(ConfigurationError) -> Rational
  {
    guard let time = emulation.cluster.timePerOutputToken else {
      throw ConfigurationError(
        row.place, key: "experiment.workload.output_tokens", "is 1",
        remedy: "'\(row.metric.rawValue)' needs at least 2: the first comes from the prefill")
    }
    return Self.seconds(time)
  }

  /// What the last token spent between wafers, and its time, in seconds: the difference of the accounts
  /// of a run and of the same run one token shorter.
  private mutating func lastToken(
    _ experiment: Experiment, _ settings: Settings, _ whole: Emulation, _ row: ValidationTable.Row
  ) throws -> (link: Rational, token: Rational) {
    _ = try perToken(whole, row)
    let shorter = try emulation(
      try resolve(settings, output: experiment.modelled.workload.outputTokens - 1), at: row.place)
    let account = whole.cluster.total.account - shorter.cluster.total.account
    let link =
      account.linkLatency + account.linkSerialization + account.portQueue + account.overhead
    return (Self.seconds(link), Self.seconds(account.total))
  }

  // MARK: Calibration

  /// Holds the row's role against the calibration that prices it, and gives its leave-one-out error.
  private func leaveOneOutError(_ row: ValidationTable.Row, _ modelled: Experiment.Modelled)
    throws(ConfigurationError) -> Double?
  {
    guard case .wafer(let device) = modelled.device else { return nil }
    let calibration = device.calibration
    let known = calibration.rows.first { Self.isSame(row, modelled, device, $0) }
    switch (row.role, known) {
    case (.heldOut, nil): return nil
    case (.heldOut, let known?):
      throw ConfigurationError(
        row.place, key: "role",
        "is 'held-out', and \(calibration.name) was fitted to "
          + "\(known.model) on \(known.side) x \(known.side)",
        remedy: "Its role is 'calibrated'")
    case (.calibrated, nil):
      throw ConfigurationError(
        row.place, key: "role", "is 'calibrated', and \(calibration.name) has no such row",
        remedy: "Its role is 'held-out', or its experiment is not that of the calibration's row")
    case (.calibrated, let known?):
      guard row.published == known.tokensPerSecond.value else {
        throw ConfigurationError(
          row.place, key: "published",
          "differs from \(calibration.name), which has "
            + "\(known.tokensPerSecond.value.approximation) for this row")
      }
      return calibration.leavingOut(known).residual(of: known).relativeError
    }
  }

  /// Whether a calibration's row is this figure: the same phase, sizes, side and length.
  private static func isSame(
    _ row: ValidationTable.Row, _ modelled: Experiment.Modelled, _ device: WaferDevice,
    _ known: Calibration.Row
  ) -> Bool {
    let workload = modelled.workload
    let phase: Calibration.Phase
    let tokens: Int
    switch row.metric {
    // One decode step, whose context is every position there is.
    case .decodeRate where workload.outputTokens == 2:
      (phase, tokens) = (.decode, workload.positions)
    case .prefillRate: (phase, tokens) = (.prefill, workload.promptTokens)
    default: return false
    }
    return known.phase == phase && known.tokens == tokens && known.layers == modelled.shape.layers
      && known.layer.width == modelled.shape.width
      && known.layer.feedForwardWidth == modelled.shape.feedForwardWidth
      && device.grid == .exactly(Rectangle(square: known.side))
      && device.mapping == .wholeMesh && modelled.ranks == 1
      && device.wafer.name == device.calibration.wafer
  }

  // MARK: Programs without a model

  private func plainTime(_ window: Window) async throws -> Rational {
    let result = try await PlainRun(
      window, transport: .none, payload: .phantom, launch: Self.noNodes,
      waitLimit: MeasuredTime(nanoseconds: 0)
    ).run()
    return Self.seconds(result.total.time)
  }

  private func product(_ it: ValidationTable.ProductCase, at place: Place)
    throws(ConfigurationError) -> Prediction
  {
    let wafer = try resolver.presets.wafer(it.wafer, at: place, key: "gemv.hardware").value
    guard wafer.mesh.holds(it.grid) else {
      throw ConfigurationError(
        place, key: "gemv.side", "is \(it.grid.columns), and \(wafer.name) has \(wafer.mesh) PEs")
    }
    let calibration = try resolver.presets.calibration(wafer.calibration, at: place).value
    let pricing = WaferPricing(wafer: wafer, calibration: calibration, region: it.grid)
    return Prediction(
      value: Self.seconds(pricing.product(inputs: it.inputs, outputs: it.outputs).total))
  }

  private static func seconds(_ time: EmulatedTime) -> Rational {
    Rational(Int128(time.picoseconds), over: Int128(EmulatedTime.picosecondsPerSecond))
  }
}
