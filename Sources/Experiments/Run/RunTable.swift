import Foundation
import Hardware
import Models
import Programs
import Quantities
import Serving

/// The result of `wafer run` for people.
public struct RunTable {
  private let result: ExperimentResult
  private let text: (single: [String], cluster: [String])?

  /// Takes each field as it is.
  public init(_ result: ExperimentResult, text: (single: [String], cluster: [String])?) {
    self.result = result
    self.text = text
  }

  /// The whole answer, to fit a terminal.
  public func text(_ style: TextStyle) -> String {
    [
      style.wrapped(heading(style)), generated(style), clocks(style), gaps(style), service(style),
      account(style), Self.faults(result.faultCosts, style), links(style),
      Self.ranks(result.cluster.emulated, style),
      style.wrapped(conclusion(style)),
    ].filter { !$0.isEmpty }.joined(separator: "\n")
  }

  private func heading(_ style: TextStyle) -> String {
    let modelled = result.experiment.modelled
    let wafers = modelled.ranks
    return style.bold(
      "\(modelled.shape.name) on \(wafers) \(modelled.device.name) "
        + "(PP \(modelled.pipeline) x TP \(modelled.tensor)) against one")
      + "\n\(result.cluster.layout.words); \(Self.work(modelled)); link \(modelled.link.name), "
      + "\(Self.time(modelled.link.latency)), "
      + (modelled.link.bandwidth.map { Self.bytes($0.approximation) + "/s" } ?? "infinite")
      + (modelled.topology == .fullMesh ? "" : "; \(modelled.topology)")
      + (modelled.overrides.isEmpty
        ? "" : "\nNot alike: " + modelled.overrides.words(modelled.device.noun(1)))
      + (result.single.isHypothetical
        ? "\nThe single \(modelled.device.noun(1)) is taken as enlarged (hypothetical): "
          + result.single.layout.excess : "")
      + (result.cluster.isHypothetical
        ? "\nThe cluster's SRAM is taken as enlarged (hypothetical)" : "") + "\n"
  }

  private static func work(_ modelled: Experiment.Modelled) -> String {
    let workload = modelled.workload
    let plural = workload.batch == 1 ? "" : "s"
    guard let served = modelled.served, let limits = modelled.servingLimits else {
      return "\(workload.batch) sequence\(plural) of \(workload.promptTokens) prompt and "
        + "\(workload.outputTokens) output tokens"
    }
    return "\(served.requests.count) requests (\(served.kind.rawValue)), at most "
      + "\(workload.batch) sequence\(plural) in \(limits.slots) micro-batches, "
      + "\(limits.positions) positions of KV cache"
  }

  private func service(_ style: TextStyle) -> String {
    var halves: [(name: String, metrics: ServingMetrics)] = []
    if let metrics = result.single.emulated.serving { halves.append(("single", metrics)) }
    if let metrics = result.cluster.emulated.serving { halves.append(("cluster", metrics)) }
    guard !halves.isEmpty else { return "" }
    return ServingMetrics.table(halves, style) + "\n"
      + Self.utilisation(result.cluster.emulated, style)
  }

  private func generated(_ style: TextStyle) -> String {
    guard let text = text?.cluster.first else { return "" }
    let prompt: String =
      if case .text(let prompt, _) = result.experiment.host.prompt { prompt } else { "" }
    return style.bold("text") + "\n" + prompt + text + "\n"
  }

  private func clocks(_ style: TextStyle) -> String {
    var table = Table(columns: ["", "TTFT", "TPOT", "total", "tokens/s", "J/token", ""])
    func add(_ name: String, _ half: EmulatedResult, _ note: String) {
      table.append([
        name, Self.time(half.timeToFirstToken),
        half.timePerOutputToken.map(Self.time) ?? "-", Self.time(half.total.time),
        Self.number(half.tokensPerSecond), Self.number(half.joulesPerToken.approximation), note,
      ])
    }
    func add(_ name: String, _ half: MeasuredResult?, _ tokens: Int) {
      guard let half else { return }
      let note = Self.note(half)
      table.append([
        name, Self.time(half.timeToFirstToken),
        half.timePerOutputToken.map(Self.time) ?? "-", Self.time(half.total),
        Self.number(Double(tokens) / max(half.total.seconds, 1e-9)), "-", note,
      ])
    }
    add("emulated, single", result.single.emulated, "")
    add("emulated, cluster", result.cluster.emulated, "")
    if let best = result.bestSingle {
      add("emulated, best single", best.emulated, best.layout.words)
    }
    add("measured, single", result.single.measured, result.single.emulated.tokens)
    add("measured, cluster", result.cluster.measured, result.cluster.emulated.tokens)
    return table.text(style)
  }

  /// What one has to know to read a measured time.
  private static func note(_ half: MeasuredResult) -> String {
    var notes: [String] = []
    if half.isOversubscribed {
      notes.append("oversubscribed: more nodes than processors; it measures this host")
    }
    if half.restarts > 0 {
      notes.append(
        "\(half.restarts) node\(half.restarts == 1 ? "" : "s") lost and replaced; times are the last run's"
      )
    }
    if half.hosts > 1 {
      let bound = half.clockBound.map { "within " + time($0) } ?? "not known"
      notes.append("\(half.hosts) hosts, their clocks \(bound): TTFT and total are as good as that")
    }
    if half.streamedBytes > 0 {
      notes.append(
        "\(bytes(Double(half.streamedBytes))) of weights sent, loaded in \(time(half.loading))")
    }
    return notes.joined(separator: "; ")
  }

  /// Measured gaps between tokens: a mean hides the slow ones.
  private func gaps(_ style: TextStyle) -> String {
    var table = Table(columns: ["measured gaps between tokens", "p50", "p90", "p99", "max"])
    for (name, half) in [("single", result.single), ("cluster", result.cluster)] {
      guard let gaps = half.measured?.interTokenLatency else { continue }
      table.append(
        ["\(name), \(gaps.count)"]
          + [gaps.p50, gaps.p90, gaps.p99, gaps.most].map { Self.time($0) })
    }
    return table.rows.isEmpty ? "" : table.text(style)
  }

  private func account(_ style: TextStyle) -> String {
    let single = result.single.emulated.total
    let cluster = result.cluster.emulated.total
    var table = Table(
      columns: ["where the last token's time went", "single", "cluster", "difference"])
    for entry in Account.Entry.allCases
    where single.account[entry] != .zero || cluster.account[entry] != .zero {
      table.append([
        entry.rawValue.replacingOccurrences(of: "_", with: " "),
        Self.time(single.account[entry]), Self.time(cluster.account[entry]),
        Self.time(result.extraAccount[entry], signed: true),
      ])
    }
    table.append([
      "total", Self.time(single.time), Self.time(cluster.time),
      Self.time(result.extra, signed: true),
    ])
    return table.text(style)
  }

  /// Most rows of links: more are told in the document.
  private static let mostLinks = 12

  private func links(_ style: TextStyle) -> String {
    let links = result.cluster.emulated.links
    guard !links.isEmpty else { return "" }
    let total = result.cluster.emulated.total.time
    var table = Table(columns: ["link", "messages", "bytes", "port busy"])
    for link in links.prefix(Self.mostLinks) {
      table.append([
        "\(link.from.index) > \(link.to.index)", "\(link.total.messages)",
        Self.bytes(Double(link.total.bytes)),
        Self.time(link.total.busy)
          + (total > .zero
            ? String(format: " (%.2f %%)", link.total.busy.seconds / total.seconds * 100) : ""),
      ])
    }
    let more = links.count - Self.mostLinks
    return table.text(style)
      + (more > 0 ? "and \(more) more links: --format json lists all\n" : "")
  }

  private func conclusion(_ style: TextStyle) -> String {
    var lines: [String] = []
    let extra = result.extraAccount
    let sign = result.extra >= .zero ? "longer" : "shorter"
    lines.append(
      style.bold(
        String(
          format: "The cluster takes %.4f times the single wafer's emulated time: ",
          result.slowdown))
        + Self.time(result.extra >= .zero ? result.extra : .zero - result.extra) + " \(sign).")
    if result.extra != .zero {
      let largest = Account.Entry.allCases.max {
        abs(extra[$0].picoseconds) < abs(extra[$1].picoseconds)
      }!
      lines.append(
        "Most of the difference: \(largest.rawValue.replacingOccurrences(of: "_", with: " ")), "
          + "\(Self.time(extra[largest], signed: true)).")
    }
    if !result.cluster.tokens.isEmpty, result.experiment.modelled.ranks > 1 {
      if let first = result.firstDifference {
        lines.append(
          style.warning(
            "The tokens part at token \(first.token) of sequence \(first.sequence): sums of a split "
              + "are ordered otherwise."))
      } else {
        lines.append("Both gave the same tokens.")
      }
    }
    if let difference = result.largestLogitDifference {
      lines.append("Largest difference of a logit: \(difference).")
    }
    if result.cluster.measured != nil {
      lines.append(
        "Every emulated time that the nodes computed equals the evaluator's, to the picosecond.")
    }
    return lines.joined(separator: "\n") + "\n"
  }

  /// One line on a half, for `wafer generate`.
  public static func summary(of half: HalfResult) -> String {
    let emulated = half.emulated!
    var line =
      "\(emulated.tokens) tokens on \(emulated.wafers) wafers; emulated TTFT "
      + time(emulated.timeToFirstToken)
    if let tpot = emulated.timePerOutputToken { line += ", TPOT " + time(tpot) }
    if let measured = half.measured {
      line += "; measured TTFT " + time(measured.timeToFirstToken)
      if let tpot = measured.timePerOutputToken { line += ", TPOT " + time(tpot) }
    }
    return line
  }

  // MARK: Numbers

  /// A time with the unit that suits it.
  public static func time(_ time: EmulatedTime) -> String { Self.time(time, signed: false) }

  static func time(_ time: EmulatedTime, signed: Bool) -> String {
    (signed && time > .zero ? "+" : "") + seconds(time.seconds)
  }

  /// A time with the unit that suits it.
  public static func time(_ time: MeasuredTime) -> String { seconds(time.seconds) }

  /// Four significant digits and the unit that suits.
  static func seconds(_ value: Double) -> String {
    guard value != 0 else { return "0" }
    for (unit, size) in [("s", 1.0), ("ms", 1e-3), ("us", 1e-6), ("ns", 1e-9)]
    where abs(value) >= size {
      return number(value / size) + " " + unit
    }
    return number(value / 1e-12) + " ps"
  }

  static func bytes(_ value: Double) -> String {
    for (unit, size) in [("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3)] where value >= size {
      return number(value / size) + " " + unit
    }
    return number(value) + " B"
  }

  /// Four significant digits, no exponent.
  static func number(_ value: Double) -> String {
    guard value != 0 else { return "0" }
    let digits = max(0, 3 - Int(log10(abs(value)).rounded(.down)))
    return String(format: "%.\(min(digits, 9))f", value)
  }
}
