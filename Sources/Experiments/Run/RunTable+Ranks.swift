import Foundation
import Programs
import Quantities
import Serving

extension RunTable {
  /// Most rows of ranks: more are told in the document.
  private static let mostRankRows = 16

  /// How the cluster's ranks used their time, each part as a share of the whole; empty for one rank,
  /// which waits for nobody. Neighbours that did alike, as shards of a stage mostly do, share a row.
  static func ranks(_ emulated: EmulatedResult, _ style: TextStyle) -> String {
    let ranks = emulated.ranks
    guard ranks.count > 1 else { return "" }
    var table = Table(
      columns: ["rank", "computing", "sending", "peer late", "in flight", "mostly in flight as"])
    var rows: [(first: Int, last: Int, cells: [String])] = []
    for use in ranks {
      let stall = use.stalled
      let cells = [
        share(use.computing, of: use.end), share(use.sending, of: use.end),
        share(stall.peerLate, of: use.end), share(stall.inFlight, of: use.end),
        stall.inFlight > .zero ? largest(of: stall) : "",
      ]
      if let last = rows.last, last.cells == cells {
        rows[rows.count - 1].last = use.rank.index
      } else {
        rows.append((use.rank.index, use.rank.index, cells))
      }
    }
    for row in rows.prefix(mostRankRows) {
      table.append(
        [row.first == row.last ? "\(row.first)" : "\(row.first)-\(row.last)"] + row.cells)
    }
    let more = rows.dropFirst(mostRankRows).first.map { ranks.count - $0.first } ?? 0
    return table.text(style)
      + (more > 0 ? "and \(more) more ranks: --format json lists all\n" : "")
  }

  /// How much of a service's time each rank's regions and ports worked, and the bubble of its pipeline: of the
  /// time in which it had requests, what the regions did not work.
  static func utilisation(_ emulated: EmulatedResult, _ style: TextStyle) -> String {
    guard let serving = emulated.serving, !emulated.ranks.isEmpty else { return "" }
    var table = Table(
      columns: ["rank", "regions", "busiest region", "egress ports", "ingress ports"])
    let total = emulated.total.time
    for use in emulated.ranks.prefix(mostRankRows) {
      let regions = use.regions.filter { $0 > .zero }
      let sum = regions.reduce(EmulatedTime.zero, +)
      table.append([
        "\(use.rank.index)",
        share(sum, of: total, count: regions.count),
        share(regions.max() ?? .zero, of: total),
        share(use.egress.max() ?? .zero, of: total), share(use.ingress.max() ?? .zero, of: total),
      ])
    }
    let more = emulated.ranks.count - mostRankRows
    var text = table.text(style)
    if more > 0 { text += "and \(more) more ranks: --format json lists all\n" }
    if let bubble = emulated.pipelineBubble {
      text += style.wrapped(
        "cluster: requests were there for \(time(serving.occupied)) of \(time(total)); in that time the "
          + "regions stood still for "
          + String(format: "%.2f %%, the pipeline's bubble\n", bubble.approximation * 100))
    }
    return text
  }

  private static func share(_ part: EmulatedTime, of whole: EmulatedTime, count: Int) -> String {
    count == 0
      ? "0" : share(part, of: EmulatedTime(picoseconds: whole.picoseconds * Int64(count)))
  }

  private static func share(_ part: EmulatedTime, of whole: EmulatedTime) -> String {
    guard part > .zero else { return "0" }
    return String(format: "%.2f %%", part.seconds / whole.seconds * 100)
  }

  private static func largest(of stall: RankUse.Stall) -> String {
    let parts = [
      ("latency", stall.latency), ("serialization", stall.serialization), ("queue", stall.queue),
      ("overhead", stall.overhead),
    ]
    let first = parts.map(\.1).max()!
    return parts.first { $0.1 == first }!.0 + ", " + time(first)
  }
}
