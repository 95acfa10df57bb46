import Foundation
import Programs
import Quantities

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
