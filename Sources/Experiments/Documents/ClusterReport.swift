import Quantities
import Runtime

/// Who is registered with a coordinator, as a document and for people.
public struct ClusterReport: Sendable {
  private let status: ClusterStatus

  /// A report on `status`.
  public init(_ status: ClusterStatus) { self.status = status }

  /// The document.
  public var json: JSONValue {
    [
      "schema": "wafer.cluster/1",
      "phase": .string(status.phase),
      "ranks": .integer(status.ranks),
      "nodes": .array(
        status.members.map { member in
          [
            "rank": member.rank.map { .integer($0) } ?? .null,
            "host": .string(member.hello.host),
            "process": .integer(Int(member.hello.process)),
            "version": .string(member.hello.toolVersion),
            "processors": .integer(member.hello.processors),
            "instructions": .string(member.hello.instructions),
            "memory_bytes": .integer(member.hello.memory),
            "silent_ns": .integer(member.silence.nanoseconds),
            "state": .string(member.isSuspect ? "suspect" : "alive"),
          ]
        }),
    ]
  }

  /// A table, spares last.
  public func text(_ style: TextStyle) -> String {
    let placed = status.members.count { $0.rank != nil }
    let spares = status.members.count - placed
    var lines = [
      style.bold("The coordinator is \(status.phase)")
        + (status.ranks > 0 ? ": \(placed) of \(status.ranks) ranks have a node" : "")
        + (spares > 0 ? ", \(spares) wait\(spares == 1 ? "s" : "")" : "") + "."
    ]
    if !status.members.isEmpty {
      var table = Table(columns: [
        "rank", "host", "process", "version", "processors", "memory", "state", "last heard",
        "instructions",
      ])
      for member in status.members {
        table.append([
          member.rank.map { "\($0)" } ?? "-", member.hello.host, "\(member.hello.process)",
          member.hello.toolVersion, "\(member.hello.processors)",
          RunTable.bytes(Double(member.hello.memory)), member.isSuspect ? "suspect" : "alive",
          RunTable.time(member.silence) + " ago",
          member.hello.instructions,
        ])
      }
      lines.append(table.text(style))
    }
    return lines.joined(separator: "\n") + (status.members.isEmpty ? "\n" : "")
  }
}
