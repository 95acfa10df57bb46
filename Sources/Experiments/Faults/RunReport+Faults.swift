import Quantities

extension RunReport {
  /// What each fault cost; nothing of a run without.
  var faults: [ReportPage.Piece] {
    guard let faults = cluster.at("emulated", "faults")?.list, !faults.isEmpty else { return [] }
    let rows = faults.map { fault in
      [
        Self.words(fault),
        Self.cost(fault["cost_ps"], hasStruck: fault["struck"] != .boolean(false)),
        Self.where(fault["cost_account_ps"]),
      ]
    }
    let emulated = cluster["emulated"]
    return [
      .text(
        "The total with all faults less the total without this one. Faults may hide behind each other, so that these "
          + "need not add up to what all cost together."),
      .table(
        columns: ["fault", "cost", "where it was spent"],
        rows: rows + [
          [
            "all together", Self.cost(emulated?["faults_cost_ps"]),
            Self.where(emulated?["faults_cost_account_ps"]),
          ]
        ]),
    ]
  }

  private static func cost(_ value: JSONValue?, hasStruck: Bool = true) -> String {
    guard let cost = value?.double else { return "-" }
    return cost == 0 ? FaultText.nothing(hasStruck: hasStruck) : ReportText.difference(cost)
  }

  private static func words(_ fault: JSONValue) -> String {
    let keys = fault.leaves.filter {
      !$0.name.hasPrefix("cost_") && !["kind", "struck"].contains($0.name)
    }
    let words = keys.map { key, value in
      key.hasSuffix("_ps")
        ? "\(ReportText.entry(String(key.dropLast(3)))) \(ReportText.time(value))"
        : "\(ReportText.entry(key)) \(value.words)"
    }
    return ([fault["kind"]?.words ?? "?"] + words).joined(separator: ", ")
  }

  /// The entries of an account that are not 0.
  private static func `where`(_ account: JSONValue?) -> String {
    Account.Entry.allCases.compactMap { entry in
      guard let value = account?[entry.rawValue]?.double, value != 0 else { return nil }
      return "\(ReportText.entry(entry.rawValue)) \(ReportText.difference(value))"
    }.joined(separator: ", ")
  }
}
