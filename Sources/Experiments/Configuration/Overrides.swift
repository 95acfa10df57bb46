import Hardware
import Programs
import Quantities

/// What is not alike in a cluster: links and wafers with figures of their own. The single wafer has none of it.
public struct Overrides: Hashable, Sendable {
  /// Links, each in one direction, in order of their ends.
  public var links: [LinkOverride] = []
  /// Ranks that compute faster or slower than the others, in order.
  public var speeds: [RankSpeed] = []

  /// All are alike.
  public init() {}

  /// Whether all are alike.
  public var isEmpty: Bool { links.isEmpty && speeds.isEmpty }

  /// How fast a rank computes.
  public struct RankSpeed: Hashable, Sendable {
    /// The rank.
    public var rank: Rank
    /// 1 as the device's figures say; at 1/2 every kernel takes twice its time. Of a wafer it is a factor of the
    /// clock, of accelerators one of the peak and of all bandwidths, and a divisor of the floors.
    public var speed: Rational
  }

  /// The speed of every rank.
  func speeds(ranks: Int) -> [Rational] {
    var all = Array(repeating: Rational(1), count: ranks)
    for one in speeds { all[one.rank.index] = one.speed }
    return all
  }

  /// A line for people: `link 1 to 2: latency 50 us; wafer 3 at 0.8`; empty where all are alike.
  ///
  /// - Parameter noun: What a rank is: `wafer`.
  public func words(_ noun: String) -> String {
    let links = links.map { link in
      "link \(link.ends.from.index) to \(link.ends.to.index): "
        + link.figures.map { "\($0.key) \($0.text)" }.joined(separator: ", ")
    }
    return
      (links + speeds.map { "\(noun) \($0.rank.index) at \($0.speed.decimal ?? "\($0.speed)")" })
      .joined(separator: "; ")
  }
}

extension LinkOverride {
  /// The figures that it has, as a file writes them, in the order of the schema.
  var figures: [(key: String, text: String)] {
    let times: [(String, EmulatedTime?)] = [
      ("latency", latency), ("send_overhead", sendOverhead), ("receive_overhead", receiveOverhead),
    ]
    var all = times.compactMap { key, time in time.map { (key: key, text: $0.written) } }
    if let bandwidth {
      all.insert(
        ("bandwidth", bandwidth.writtenAsBandwidth), at: latency == nil ? 0 : 1)
    }
    return all
  }
}

extension Experiment.Modelled {
  /// The same with all links and wafers alike and without faults, as the single wafer has it.
  var withoutOverrides: Self {
    var other = self
    other.faults = []
    other.overrides = Overrides()
    return other
  }
}

extension ExperimentResolver {
  /// The links and wafers that have figures of their own.
  ///
  /// Throws `ConfigurationError` for a link or a rank that the plan has not, and for one that is given twice.
  func overrides(
    _ reader: SettingsReader, topology: Topology, ranks: Int
  ) throws(ConfigurationError) -> Overrides {
    var overrides = Overrides()
    for item in try reader.items("link.overrides") {
      let link = try link(item, topology: topology, ranks: ranks)
      guard !overrides.links.contains(where: { $0.ends == link.ends }) else {
        throw item.error(
          "has the link from \(link.ends.from.index) to \(link.ends.to.index) twice",
          remedy:
            "Keep one; the other direction is from \(link.ends.to.index) to \(link.ends.from.index)"
        )
      }
      overrides.links.append(link)
    }
    for item in try reader.items("hardware.overrides") {
      let rank = Rank(item.count("rank"))
      try check(rank, "rank", item, ranks: ranks)
      guard !overrides.speeds.contains(where: { $0.rank == rank }) else {
        throw item.error(of: "rank", "is \(rank.index) twice", remedy: "Keep one")
      }
      let speed = item.number("speed")!
      // Six digits leave room for all exact fractions that prices are made of.
      guard (speed * Rational(1_000_000)).denominator == 1 else {
        throw item.error(
          of: "speed", "has more than six digits after the point",
          remedy: "Round it, as in 0.833333")
      }
      overrides.speeds.append(Overrides.RankSpeed(rank: rank, speed: speed))
    }
    overrides.links.sort { $0.ends < $1.ends }
    overrides.speeds.sort { $0.rank < $1.rank }
    return overrides
  }

  private func link(_ item: ItemReader, topology: Topology, ranks: Int) throws(ConfigurationError)
    -> LinkOverride
  {
    let (from, to) = (Rank(item.count("from")), Rank(item.count("to")))
    try check(from, "from", item, ranks: ranks)
    try check(to, "to", item, ranks: ranks)
    guard topology.joins(from, to, ranks: ranks) else {
      throw item.error(
        "is from rank \(from.index) to rank \(to.index), and a \(topology) of \(ranks) has no such link",
        remedy: from == to
          ? "Give two ranks"
          : "Give neighbours; messages to others are sent on by the ranks between")
    }
    func time(_ key: String) -> EmulatedTime? {
      item.number(key).map { EmulatedTime(seconds: $0) }
    }
    let link = LinkOverride(
      from: from, to: to, latency: time("latency"), bandwidth: item.number("bandwidth"),
      sendOverhead: time("send_overhead"), receiveOverhead: time("receive_overhead"))
    guard !link.figures.isEmpty else {
      throw item.error(
        "gives the link from \(from.index) to \(to.index) no figure of its own",
        remedy: "Write latency, bandwidth, send_overhead or receive_overhead")
    }
    return link
  }

  private func check(_ rank: Rank, _ key: String, _ item: ItemReader, ranks: Int)
    throws(ConfigurationError)
  {
    guard rank.index < ranks else {
      throw item.error(
        of: key, "is \(rank.index), and there is no such rank",
        remedy: "The plan has \(ranks == 1 ? "rank 0 alone" : "ranks 0 to \(ranks - 1)")")
    }
  }
}
