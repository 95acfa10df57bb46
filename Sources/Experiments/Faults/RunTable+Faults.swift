import Foundation
import Quantities

/// Words about faults that tables and reports share.
enum FaultText {
  /// What stands for a cost of 0.
  static func nothing(hasStruck: Bool) -> String {
    hasStruck ? "nothing: the last token came no later" : "nothing: it met nothing"
  }
}

extension RunTable {
  /// What each fault cost; empty of a run without.
  static func faults(_ costs: FaultCosts?, _ style: TextStyle) -> String {
    guard let costs else { return "" }
    var table = Table(columns: ["fault", "cost", "where it was spent"])
    func add(_ name: String, _ difference: FaultCosts.Difference, hasStruck: Bool = true) {
      let entries = Account.Entry.allCases.filter { difference.account[$0] != .zero }
      table.append([
        name,
        difference.time == .zero
          ? FaultText.nothing(hasStruck: hasStruck) : Self.time(difference.time, signed: true),
        entries.map {
          "\($0.rawValue.replacingOccurrences(of: "_", with: " ")) "
            + Self.time(difference.account[$0], signed: true)
        }.joined(separator: ", "),
      ])
    }
    for cost in costs.faults {
      add(cost.fault.words, cost.difference, hasStruck: cost.hasStruck)
    }
    add("all together", costs.total)
    return table.text(style)
  }
}
