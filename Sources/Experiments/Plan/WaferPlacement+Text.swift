import Foundation
import Hardware
import Models
import Programs
import Quantities

extension WaferPlacement {
  /// Where the model lies, what was tried, and how long a step takes, to fit a terminal.
  ///
  /// - Parameter trials: Of `trials()`.
  public func text(_ style: TextStyle, trials: [MappingTrial]) -> String {
    let parts: [String]
    switch outcome {
    case .placed(let placed):
      let stages = placed.stages(tensor: modelled.tensor)
      parts = [
        heading(placed, style), Self.regions(stages).text(style), sums(stages).text(style),
        tried(trials, style), step(placed, style), warnings(placed, style),
      ]
    case .refused(let error):
      parts = [
        style.failure("\(title) does not fit:") + " \(error)\n", tried(trials, style),
      ]
    }
    return parts.filter { !$0.isEmpty }.joined(separator: "\n")
  }

  /// Model, wafers and split.
  var title: String {
    "\(modelled.shape.name) on \(modelled.ranks) \(device.wafer.name) "
      + "(PP \(modelled.pipeline) x TP \(modelled.tensor))"
  }

  /// Mapping and clock.
  func layoutWords(_ placed: Placed) -> String {
    "\(DeviceLayout.wafers(placed.mappings).words) at \(gigahertz) GHz"
  }

  private var gigahertz: String {
    String(format: "%.4g", device.wafer.clock.approximation / 1e9)
  }

  private func heading(_ placed: Placed, _ style: TextStyle) -> String {
    let hypothetical = DeviceLayout.wafers(placed.mappings).excess
    return style.bold("Placement: \(title)") + "\n\(layoutWords(placed)); mesh "
      + "\(device.wafer.mesh) PEs, \(device.wafer.sramPerPE) B of SRAM a PE. A region's figures are "
      + "those of its fullest PE"
      + (modelled.tensor > 1 ? ", a stage's those of its fullest shard" : "") + "\n"
      + (hypothetical.isEmpty
        ? "" : style.warning("SRAM taken as enlarged (hypothetical): \(hypothetical)") + "\n")
  }

  private static func regions(_ stages: [PlacedStage]) -> Table {
    var table = Table(columns: [
      "wafer", "regions", "layers", "PEs each", "at", "weights", "KV cache", "activations",
      "SRAM a PE",
    ])
    var rest = stages[...]
    while let stage = rest.first {
      // Wafers like it, but for what their layers are, are told with it.
      let alike = rest.prefix { $0.isLike(stage) }
      rest = rest.dropFirst(alike.count)
      let ranks = stage.ranks.lowerBound...alike.last!.ranks.upperBound
      for group in stage.groups {
        let first = group.regions[0]
        table.append([
          PlacedStage.written(ranks), group.words,
          alike.count > 1 && !first.layers.isEmpty ? "\(group.layers) ..." : group.layers,
          "\(first.size)",
          (group.regions.count == 1 ? "" : "from ") + "\(first.place.column),\(first.place.row)",
          "\(first.use.weights) B", "\(first.use.keyValues) B", "\(first.use.activations) B",
          "\(first.use.total) B, " + share(first.use.total, stage.mapping.sramPerPE),
        ])
      }
    }
    return table
  }

  private func sums(_ stages: [PlacedStage]) -> Table {
    var table = Table(columns: [
      "wafer", "PEs in regions", "weights", "KV cache", "activations", "SRAM held",
    ])
    let mesh = device.wafer.mesh.area
    func add(_ name: String, _ area: Int, _ use: SRAMUse, wafers: Int) {
      table.append([
        name, "\(area) of \(mesh * wafers), " + Self.share(area, mesh * wafers),
        Self.bytes(use.weights), Self.bytes(use.keyValues), Self.bytes(use.activations),
        "\(Self.bytes(use.total)) of \(Self.bytes(device.wafer.sram * wafers)), "
          + Self.share(use.total, device.wafer.sram * wafers),
      ])
    }
    for stage in stages.prefix(Self.mostRows) {
      add(
        PlacedStage.written(stage.ranks), stage.area, stage.use, wafers: 1)
    }
    if stages.count > 1 {
      let all = stages.map(\.use)
      add(
        modelled.tensor == 1 ? "all" : "a shard of each",
        stages.reduce(0) { $0 + $1.area },
        SRAMUse(
          weights: all.reduce(0) { $0 + $1.weights },
          keyValues: all.reduce(0) { $0 + $1.keyValues },
          activations: all.reduce(0) { $0 + $1.activations }), wafers: stages.count)
    }
    return table
  }

  /// Most wafers that are summed one by one; the document has all.
  private static let mostRows = 16

  // MARK: What was tried

  private func tried(_ trials: [MappingTrial], _ style: TextStyle) -> String {
    var table = Table(columns: [
      "mapping", "regions", "PEs each", "SRAM a PE", "fits", "step", "tokens/s", "slowest region",
      "filled, tokens/s",
    ])
    for trial in trials {
      guard let best = trial.best else {
        table.append([
          trial.kind.written, "-", "-", "-", "no: no room for its regions", "-", "-", "-", "-",
        ])
        continue
      }
      table.append([
        trial.kind.written, "\(best.regions)", "\(best.grid)", "\(best.usedPerPE) B",
        best.fits ? "yes" : "no", RunTable.time(best.step), rate(best.step),
        RunTable.time(best.slowestRegion), rate(best.slowestRegion),
      ])
    }
    return style.bold("What the mapper tried") + "\n" + table.text(style)
      + "\(verdict(trials))\nA step is one decode step of the batch without links, which are alike for "
      + "all. Filled: a batch in every region at once; the cache of those further sequences is not "
      + "counted.\n"
  }

  private func rate(_ time: EmulatedTime) -> String {
    RunTable.number(Self.rate(modelled.workload.batch, time).approximation)
  }

  /// Why the mapping is what it is, in one sentence.
  func verdict(_ trials: [MappingTrial]) -> String {
    let tried = trials.compactMap { trial in trial.best.map { (kind: trial.kind, best: $0) } }
    let fitting = tried.filter(\.best.fits).sorted { $0.best.step < $1.best.step }
    guard let first = fitting.first else {
      guard let closest = tried.min(by: { $0.best.usedPerPE < $1.best.usedPerPE }) else {
        return "None has room for its regions."
      }
      return "None fits: '\(closest.kind.written)' is closest, "
        + "\(closest.best.usedPerPE - device.wafer.sramPerPE) B a PE short."
    }
    let count = fitting.count == 1 ? "the only one that fits" : "of \(fitting.count) that fit"
    guard device.mapping != .fastest else {
      guard fitting.count > 1 else {
        return "'\(first.kind.written)' is taken: \(count)."
      }
      let next = fitting[1]
      return "'\(first.kind.written)' is taken: the shortest step \(count); "
        + "'\(next.kind.written)' is next, " + Self.more(next.best.step, than: first.best.step)
        + " longer."
    }
    let asked = device.mapping.written
    guard let own = fitting.first(where: { $0.kind == device.mapping }) else {
      return "'\(asked)' was asked for and does not fit; the shortest step \(count) has "
        + "'\(first.kind.written)'."
    }
    guard own.kind != first.kind else {
      return "'\(asked)' was asked for, and has the shortest step \(count)."
    }
    return "'\(asked)' was asked for; the shortest step \(count) has '\(first.kind.written)', "
      + Self.more(own.best.step, than: first.best.step) + " shorter than it."
  }

  private static func more(_ time: EmulatedTime, than other: EmulatedTime) -> String {
    let share = (time - other).seconds / max(time, other).seconds * 100
    return String(format: "%.1f %%", share)
  }

  // MARK: The step

  private func step(_ placed: Placed, _ style: TextStyle) -> String {
    let step = placed.step
    var table = Table(columns: ["one decode step", "time", "share"])
    for entry in Account.Entry.allCases where step.account[entry] != .zero {
      let time = step.account[entry]
      table.append([
        entry.rawValue.replacingOccurrences(of: "_", with: " "), RunTable.time(time),
        String(format: "%.2f %%", time.seconds / step.latency.seconds * 100),
      ])
    }
    table.append(["total", RunTable.time(step.latency), "100 %"])
    let alone = tokensPerSecond!.approximation
    let filled = tokensPerSecondFilled!.approximation
    return table.text(style)
      + "\(RunTable.number(alone)) tokens/s of \(step.sequences) sequence"
      + "\(step.sequences == 1 ? "" : "s") alone; \(RunTable.number(filled)) tokens/s when a batch "
      + "follows every \(RunTable.time(step.spacing)), the time that the slowest region or stage is "
      + "held.\n"
  }

  private func warnings(_ placed: Placed, _ style: TextStyle) -> String {
    placed.warnings.map { style.warning("warning: ") + "\($0)\n" }.joined()
  }

  private static func share(_ part: Int, _ whole: Int) -> String {
    String(format: "%.1f %%", Double(part) / Double(whole) * 100)
  }

  private static func bytes(_ count: Int) -> String { RunTable.bytes(Double(count)) }
}
