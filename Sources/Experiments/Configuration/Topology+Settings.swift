import Programs
import Quantities

extension Topology {
  /// What is written of a topology, and where, so that files and plain options are read by one rule.
  public struct Written {
    /// Its kind, and where it stands.
    public var name: Name
    /// A torus's sides; `nil` for the squarest.
    public var dimensions: (columns: Int, rows: Int)?
    /// Of a switch.
    public var switchLatency: EmulatedTime
    /// Where dimensions stand.
    public var dimensionsPlace: Place
    /// Where the switch's latency stands.
    public var switchLatencyPlace: Place

    /// Takes each field as it is.
    public init(
      name: Name, dimensions: (columns: Int, rows: Int)?, switchLatency: EmulatedTime,
      dimensionsPlace: Place, switchLatencyPlace: Place
    ) {
      self.name = name
      self.dimensions = dimensions
      self.switchLatency = switchLatency
      self.dimensionsPlace = dimensionsPlace
      self.switchLatencyPlace = switchLatencyPlace
    }

    /// The topology of `ranks` wafers.
    ///
    /// Throws `ConfigurationError` for dimensions that do not hold as many wafers, and for what the kind
    /// does not have.
    public func topology(ranks: Int) throws(ConfigurationError) -> Topology {
      if name != .torus, let dimensions {
        throw ConfigurationError(
          dimensionsPlace, key: "topology.dimensions",
          "is \(dimensions.columns)x\(dimensions.rows), and a \(name.rawValue) has no dimensions",
          remedy: "Leave it out, write 'squarest', or take the topology 'torus'")
      }
      if name != .switch, switchLatency != .zero {
        throw ConfigurationError(
          switchLatencyPlace, key: "topology.switch_latency",
          "is \(switchLatency.picoseconds) ps, and a \(name.rawValue) has no switch",
          remedy: "Leave it out, write '0 ns', or take the topology 'switch'")
      }
      switch name {
      case .fullMesh: return .fullMesh
      case .switch: return .switch(latency: switchLatency)
      case .ring: return .ring
      case .line: return .line
      case .torus:
        guard let dimensions else { return .squarest(ranks: ranks) }
        let torus = Topology.torus(columns: dimensions.columns, rows: dimensions.rows)
        guard torus.fits(ranks: ranks) else {
          throw ConfigurationError(
            dimensionsPlace, key: "topology.dimensions",
            "is \(dimensions.columns)x\(dimensions.rows), and there are \(ranks) wafers",
            remedy: "Give columns and rows whose product is \(ranks), or 'squarest'")
        }
        return torus
      }
    }
  }

  /// As a result's document has it.
  public var json: JSONValue {
    var members: [String: JSONValue] = ["name": .string(name.rawValue)]
    switch self {
    case .torus(let columns, let rows):
      members["columns"] = .integer(columns)
      members["rows"] = .integer(rows)
    case .switch(let latency): members["switch_latency_ps"] = .picoseconds(latency)
    case .fullMesh, .ring, .line: break
    }
    return .object(members)
  }
}

extension ExperimentResolver {
  /// The topology of an experiment's wafers.
  func topology(_ reader: SettingsReader, ranks: Int) throws(ConfigurationError) -> Topology {
    try Topology.Written(
      name: try reader.choice("topology.name"),
      dimensions: try reader.sides("topology.dimensions"),
      switchLatency: EmulatedTime(seconds: try reader.quantity("topology.switch_latency")!),
      dimensionsPlace: reader.place("topology.dimensions"),
      switchLatencyPlace: reader.place("topology.switch_latency")
    ).topology(ranks: ranks)
  }

  /// Throws `ConfigurationError` when the chosen all-reduce would be sent on more often than programs can
  /// hold.
  func checkHops(_ reader: SettingsReader, _ modelled: Experiment.Modelled)
    throws(ConfigurationError)
  {
    guard case .fixed(let algorithm) = modelled.collectives else { return }
    let hops = CollectiveProgram.hops(
      .allReduce, algorithm: algorithm, ranks: modelled.tensor, wires: modelled.wires)
    guard hops <= CollectiveProgram.mostHops else {
      throw reader.error(
        "collective",
        "is \(algorithm.rawValue), whose messages between \(modelled.tensor) shards on a "
          + "\(modelled.topology) cross \(hops) links; at most \(CollectiveProgram.mostHops) are "
          + "possible",
        remedy: "Write auto, or take fewer shards or another topology")
    }
  }
}
