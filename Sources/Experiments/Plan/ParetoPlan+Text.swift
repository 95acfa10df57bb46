import Foundation
import Hardware
import Models
import Quantities

extension ParetoPlan {
  /// What several sequences in one step are taken to cost: said wherever the frontier is.
  public static let assumption =
    "assumed, since no source measures it: sequences of one step on a wafer pay compute each and one "
    + "collective for all, further vectors follow at one wavelet a cycle; a full pipeline gives a micro-batch "
    + "whenever its slowest region or stage is free; all caches are in memory at full context"

  /// The frontiers as tables, to fit a terminal.
  public func text(_ style: TextStyle) -> String {
    let widths = question.widths
    let heading =
      style.bold("\(question.shape.name): tokens/s per user against tokens/s per device and per kW")
      + "\ndecode at context \(question.context), weights \(widths.weights), KV cache "
      + "\(widths.keyValues); \(evaluated) points evaluated, \(points.count) fit\n"
    let tables = devices.map { style.bold($0) + "\n" + table(of: $0).text(style) }
    let last =
      style.warning("note: ") + Self.assumption + "\n"
      + warnings.map { style.warning("warning: ") + "\($0)\n" }.joined()
    return ([heading] + tables + [last]).joined(separator: "\n")
  }

  private func table(of device: String) -> Table {
    var table = Table(columns: [
      "devices", "PP x TP", "mapping", "batch", "groups", "latency", "tokens/s a user",
      "a device", "a kW", "best by",
    ])
    let frontiers = ParetoPoint.Measure.allCases.map { Set(frontier(of: device, by: $0)) }
    for point in frontier(of: device) {
      let best = zip(["device", "kW"], frontiers).filter { $0.1.contains(point) }.map(\.0)
      table.append([
        "\(point.devices)", point.mapping == nil ? "-" : "\(point.pipeline) x \(point.tensor)",
        point.mapping.map { "\($0.kind.written) \($0.grid)" } ?? "-", "\(point.batch)",
        "\(point.microBatches)", RunTable.time(point.latency),
        RunTable.number(point.perUser.approximation),
        RunTable.number(point.perDevice.approximation),
        RunTable.number(point.perKilowatt.approximation), best.joined(separator: ", "),
      ])
    }
    return table
  }

  // MARK: Documents

  /// The points of the frontiers, a row each.
  public var csv: String {
    let columns = [
      "device", "kind", "devices", "pipeline", "tensor", "mapping", "grid", "batch",
      "micro_batches", "latency_ps", "period_ps", "tokens_per_second_per_user",
      "tokens_per_second", "tokens_per_second_per_device", "tokens_per_second_per_kw",
      "on_frontier_per_device", "on_frontier_per_kw",
    ]
    var lines = [columns.joined(separator: ",")]
    for (point, isOn) in frontierRows {
      let json = point.json(isOn)
      lines.append(columns.map { RowField.text(json[$0]!) }.joined(separator: ","))
    }
    return lines.joined(separator: "\n") + "\n"
  }

  /// Every frontier's points, in order of device and rate.
  private var frontierRows: [(point: ParetoPoint, isOn: [ParetoPoint.Measure: Bool])] {
    devices.flatMap { device in
      let frontiers = ParetoPoint.Measure.allCases.map { ($0, Set(frontier(of: device, by: $0))) }
      return frontier(of: device).map { point in
        (
          point,
          Dictionary(uniqueKeysWithValues: frontiers.map { ($0.0, $0.1.contains(point)) })
        )
      }
    }
  }

  /// The part of a plan's document that tells of the frontiers.
  public var json: JSONValue {
    [
      "axes": [
        "batches": .array(axes.batches.map { .integer($0) }),
        "pipelines": axes.pipelines.map { .array($0.map { .integer($0) }) } ?? "fewest x 1, 2, 4",
        "tensors": .array(axes.tensors.map { .integer($0) }),
        "mappings": .array(axes.mappings.map { .string($0.written) }),
        "accelerators": axes.accelerators.map { .array($0.map { .integer($0) }) }
          ?? "fewest x 1, 2, 4",
      ],
      "points_evaluated": .integer(evaluated), "points_that_fit": .integer(points.count),
      "frontier": .array(frontierRows.map { $0.point.json($0.isOn) }),
      "assumption": .string(Self.assumption),
      "warnings": .array(warnings.map { .string($0) }),
    ]
  }
}

extension ParetoPoint {
  fileprivate func json(_ isOn: [Measure: Bool]) -> JSONValue {
    [
      "device": .string(device), "kind": .string(kind.rawValue), "devices": .integer(devices),
      "pipeline": .integer(pipeline), "tensor": .integer(tensor),
      "mapping": .optional(mapping?.kind.written),
      "grid": .optional(mapping?.grid.description),
      "batch": .integer(batch), "micro_batches": .integer(microBatches),
      "latency_ps": .picoseconds(latency), "period_ps": .picoseconds(period),
      "tokens_per_second_per_user": .rounded(perUser, digits: 3),
      "tokens_per_second": .rounded(total, digits: 3),
      "tokens_per_second_per_device": .rounded(perDevice, digits: 3),
      "tokens_per_second_per_kw": .rounded(perKilowatt, digits: 3),
      "on_frontier_per_device": .boolean(isOn[.perDevice]!),
      "on_frontier_per_kw": .boolean(isOn[.perKilowatt]!),
    ]
  }
}
