import Foundation
import Quantities

extension RunTable {
  /// What each fault cost; empty of a run without.
  static func faults(_ costs: FaultCosts?, _ style: TextStyle) -> String {
    guard let costs else { return "" }
    var table = Table(columns: ["fault", "cost", "where it was spent"])
    func add(_ name: String, _ difference: FaultCosts.Difference) {
      let entries = Account.Entry.allCases.filter { difference.account[$0] != .zero }
      table.append([
        name,
        difference.time == .zero
          ? "nothing: the last token came no later" : Self.time(difference.time, signed: true),
        entries.map {
          "\($0.rawValue.replacingOccurrences(of: "_", with: " ")) "
            + Self.time(difference.account[$0], signed: true)
        }.joined(separator: ", "),
      ])
    }
    for cost in costs.faults { add(cost.fault.words, cost.difference) }
    add("all together", costs.total)
    return table.text(style)
  }
}
