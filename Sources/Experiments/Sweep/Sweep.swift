/// One experiment over axes, resolved point by point before anything runs.
public struct Sweep: Sendable {
  /// The points.
  public let grid: SweepGrid
  /// The experiment without its axes; `nil` when there is none, as where the default split does not suit
  /// the model.
  public let base: Experiment?
  /// Which points are run on nodes too; `nil` when none are.
  public let measures: Measures?
  /// What each point is, or why there is no such experiment.
  let points: [Result<Point, ConfigurationError>]

  /// A point's experiment.
  struct Point: Sendable {
    /// In emulated time alone.
    var evaluated: Experiment
    /// On nodes; `nil` when it is not run on any.
    var measured: Experiment?
  }

  /// Which points are run on nodes.
  public struct Measures: Hashable, Sendable {
    /// Every so many points, from the first on.
    public var every: Int

    /// Every so many points.
    public init(every: Int) { self.every = every }
  }

  /// Resolves all points.
  ///
  /// Throws `ConfigurationError` when not one of them is an experiment, with what is wrong with the first,
  /// and for a sweep that would measure without nodes.
  public init(
    _ grid: SweepGrid, measures: Measures?, resolver: ExperimentResolver
  ) throws(ConfigurationError) {
    self.grid = grid
    self.measures = measures
    base = try? Self.point(grid.base, resolver, isMeasured: false).evaluated
    var points: [Result<Point, ConfigurationError>] = []
    for number in 0..<grid.count {
      let isMeasured = measures.map { number % $0.every == 0 } ?? false
      do {
        let settings = try grid.settings(at: number)
        points.append(.success(try Self.point(settings, resolver, isMeasured: isMeasured)))
      } catch {
        points.append(.failure(error))
      }
    }
    self.points = points
    if case .failure(let first) = points[0], !points.contains(where: { $0.isPossible }) {
      throw first
    }
    if let first = points.first(where: { $0.isPossible }), measures != nil,
      try first.get().measured?.host.transport == Transport.none
    {
      throw ConfigurationError(
        .option("--measure"), "needs nodes, and the transport is none",
        remedy: "Give --transport inproc, ipc or tcp")
    }
  }

  private static func point(
    _ settings: Settings, _ resolver: ExperimentResolver, isMeasured: Bool
  ) throws(ConfigurationError) -> Point {
    Point(
      evaluated: try resolver.resolve(settings.evaluated),
      measured: isMeasured ? try resolver.resolve(settings.without("host.output")) : nil)
  }
}

extension Result where Success == Sweep.Point {
  /// Whether there is such an experiment.
  fileprivate var isPossible: Bool { if case .success = self { true } else { false } }
}

extension Settings {
  /// The same experiment in emulated time alone.
  public var evaluated: Settings {
    var settings = without("host.output", "host.payload", "host.transport")
    var layer = Settings()
    do {
      try layer.set("host.transport", to: .plain(Transport.none.rawValue), at: .builtIn)
    } catch {
      preconditionFailure("the schema has no transport: \(error)")
    }
    settings.merge(layer)
    return settings
  }
}

extension Sweep {
  /// How the nodes of measured points are reached; `nil` where none is measured.
  public var transport: Transport? {
    for case .success(let point) in points {
      if let transport = point.measured?.host.transport { return transport }
    }
    return nil
  }
}
