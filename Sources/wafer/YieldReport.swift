import Defects
import Experiments
import Foundation
import Quantities

/// What `wafer yield` prints.
struct YieldReport {
  let hardware: String
  let study: YieldStudy
  let points: [YieldPoint]

  // MARK: JSON

  /// The document; its schema is "wafer.yield/1".
  var json: JSONValue {
    let dies = study.dies
    return [
      "schema": "wafer.yield/1",
      "experiment": [
        "hardware": .string(hardware),
        "wafer_area_mm2": Self.number(study.waferArea),
        "dies": .integer(dies.dies), "die_columns": .integer(dies.dieColumns),
        "die_rows": .integer(dies.dieRows), "columns_per_die": .integer(dies.columnsPerDie),
        "rows_per_die": .integer(dies.rowsPerDie), "spare_rows_per_die": .integer(dies.spareRows),
        "column_budget": .integer(dies.columnBudget),
        "physical_pes": .integer(dies.physicalPEs), "enabled_pes": .integer(dies.logicalPEs),
        "clustering_alpha": study.clustering.map(Self.number) ?? .null,
        "wafers": .integer(study.wafers), "seed": .integer(study.seed),
        "interval": "wilson", "confidence": Self.number(Proportion.confidence),
      ],
      "points": .array(points.map(Self.json)),
    ]
  }

  private static func json(_ point: YieldPoint) -> JSONValue {
    [
      "density_per_mm2": number(point.density),
      "expected_defects": number(point.expectedDefects),
      "mean_dead_pes": number(point.meanDeadPEs),
      "without_redundancy": [
        "simulated": json(point.withoutRedundancy),
        "closed_form_of_simulation": number(point.withoutRedundancyClosedForm),
        "closed_forms": json(point.closedForms),
      ],
      "with_redundancy": [
        "simulated": json(point.withRedundancy),
        "closed_form_of_simulation": point.withRedundancyClosedForm.map(number) ?? .null,
        "mean_worst_extra_hops": point.meanWorstExtraHops.map {
          [
            "wafers": .integer($0.wafers), "west_to_east": number($0.westToEast),
            "north_to_south": number($0.northToSouth),
          ]
        } ?? .null,
      ],
      "conventional_dies": .array(
        point.conventional.map {
          [
            "area_mm2": number($0.area), "simulated": json($0.simulated),
            "closed_form_of_simulation": number($0.simulatedClosedForm),
            "closed_forms": json($0.closedForms),
          ]
        }),
    ]
  }

  private static func json(_ share: Proportion) -> JSONValue {
    [
      "good": .integer(share.count), "of": .integer(share.trials),
      "yield": number(share.estimate), "low": number(share.interval.lowerBound),
      "high": number(share.interval.upperBound),
    ]
  }

  private static func json(_ forms: YieldPoint.ClosedForms) -> JSONValue {
    [
      "poisson": number(forms.poisson), "murphy": number(forms.murphy),
      "seeds": number(forms.seeds), "negative_binomial": number(forms.negativeBinomial),
      "negative_binomial_alpha": number(forms.clustering),
    ]
  }

  /// The shortest decimal that reads back as the same double, which is the same on every host.
  private static func number(_ value: Double) -> JSONValue { .number("\(value)") }

  // MARK: Text

  /// The same as tables.
  func text(_ style: TextStyle) -> String {
    let dies = study.dies
    let defects =
      study.clustering.map { "clustered by die, negative binomial, alpha \(Self.digits($0))" }
      ?? "independent"
    let head =
      "\(hardware): \(dies.dieColumns) x \(dies.dieRows) dies of \(dies.columnsPerDie) x "
      + "\(dies.rowsPerDie) PEs, \(dies.spareRows) rows of each spare; \(dies.physicalPEs) PEs, "
      + "\(dies.logicalPEs) enabled"
    let how =
      "\(study.wafers) wafers and dies of each area, seed \(study.seed); defects \(defects); a column "
      + "of a die passes over \(dies.columnBudget) dead PEs at most; Wilson intervals of 99 %"
    var whole = table()
    var repaired = Table(columns: [
      "defects/mm2", "simulated", "interval", "closed form", "worst line's extra hops, mean",
    ])
    for point in points {
      whole.append(row(Self.digits(point.density), point.withoutRedundancy, point.closedForms))
      repaired.append([
        Self.digits(point.density), Self.share(point.withRedundancy),
        Self.interval(point.withRedundancy),
        point.withRedundancyClosedForm.map(Self.percent) ?? "none",
        point.meanWorstExtraHops.map {
          "\(Self.digits($0.westToEast)) west to east, \(Self.digits($0.northToSouth)) north to south"
        } ?? "-",
      ])
    }
    var text = style.bold(head) + "\n" + how + "\n\n"
    text += "wafers without redundancy, \(Self.digits(study.waferArea)) mm2\n" + whole.text(style)
    text += "\nwafers with redundancy\n" + repaired.text(style)
    for (index, area) in study.dieAreas.enumerated() {
      var dies = table()
      for point in points {
        let die = point.conventional[index]
        dies.append(row(Self.digits(point.density), die.simulated, die.closedForms))
      }
      text += "\nconventional dies of \(Self.digits(area)) mm2\n" + dies.text(style)
    }
    return text
  }

  private func table() -> Table {
    let alpha = Self.digits(study.clustering ?? YieldStudy.usualClustering)
    return Table(columns: [
      "defects/mm2", "simulated", "interval", "Poisson", "Murphy", "Seeds",
      "negative binomial, alpha \(alpha)",
    ])
  }

  private func row(_ density: String, _ share: Proportion, _ forms: YieldPoint.ClosedForms)
    -> [String]
  {
    [
      density, Self.share(share), Self.interval(share), Self.percent(forms.poisson),
      Self.percent(forms.murphy), Self.percent(forms.seeds),
      Self.percent(forms.negativeBinomial),
    ]
  }

  /// As it was counted where a share would claim too much.
  private static func share(_ share: Proportion) -> String {
    share.count == 0 || share.count == share.trials
      ? "\(share.count) of \(share.trials)" : percent(share.estimate)
  }

  private static func interval(_ share: Proportion) -> String {
    switch share.count {
    case 0: "at most \(percent(share.interval.upperBound))"
    case share.trials: "at least \(percent(share.interval.lowerBound))"
    default: "\(percent(share.interval.lowerBound)) to \(percent(share.interval.upperBound))"
    }
  }

  /// Three significant digits; near 1, what is missing is told instead.
  private static func percent(_ value: Double) -> String {
    if value > 0.9995 && value < 1 { return "1 - " + String(format: "%.1e", 1 - value) }
    if value != 0 && value < 1e-4 { return String(format: "%.2e", value) }
    return String(format: "%.3g %%", value * 100)
  }

  private static func digits(_ value: Double) -> String { String(format: "%.6g", value) }
}
