import Plots
import Quantities

/// The answer of a run in a sentence or two, with figures.
extension RunReport {
  var answer: String {
    let isService = (cluster.at("emulated", "serving") ?? .null) != .null
    return [isService ? service : batch, hypothetical, measured].filter { !$0.isEmpty }
      .joined(separator: " ")
  }

  /// `4 wafers`, or `4 nodes`.
  private func devices(_ count: Int) -> String {
    let isWafer = modelled.at("hardware", "columns") != nil
    return (count == 1 ? "one" : "\(count)")
      + (isWafer ? " wafer" : " node") + (count == 1 ? "" : "s")
  }

  private func emulated(_ half: JSONValue, _ key: String) -> JSONValue? {
    half.at("emulated", key)
  }

  private var batch: String {
    func times(_ half: JSONValue) -> String {
      let first = ReportText.time(emulated(half, "ttft_ps"))
      guard let token = emulated(half, "tpot_ps"), token != .null else {
        return "the first token comes after \(first)"
      }
      return "a token takes \(ReportText.time(token)) and the first comes after \(first)"
    }
    let text = "On \(devices(nodes)) \(times(cluster))"
    let extra = result.at("comparison", "extra_ps")?.double ?? 0
    let whole = emulated(single, "total_ps")?.double ?? 0
    if nodes == 1, extra == 0 { return text + "." }
    return "\(text); on one \(times(single)). " + difference(extra, of: whole)
  }

  /// What the split costs or gains in all, and where most of it lies.
  private func difference(_ extra: Double, of whole: Double) -> String {
    guard extra != 0 else { return "The split costs nothing." }
    let entries = Account.Entry.allCases.compactMap { entry in
      result.at("comparison", "extra_account_ps", entry.rawValue)?.double.map {
        (entry.rawValue, $0)
      }
    }
    var text =
      "To the last token the split \(extra > 0 ? "costs" : "gains") "
      + "\(ValueUnit.picoseconds.text(extra.magnitude)), "
      + "\(ReportText.share(extra.magnitude, of: whole)) of one's time"
    if let most = entries.max(by: { $0.1.magnitude < $1.1.magnitude }) {
      text += "; most of it is \(ReportText.entry(most.0)), \(ReportText.difference(most.1))"
    }
    return text + "."
  }

  private var service: String {
    func serving(_ half: JSONValue, _ key: String, _ part: String) -> String {
      ReportText.time(half.at("emulated", "serving", key, part))
    }
    func rate(_ half: JSONValue) -> String {
      ReportText.number(half.at("emulated", "serving", "tokens_per_second")) + " tokens/s"
    }
    let requests = cluster.at("emulated", "serving", "requests")?.words ?? "?"
    var text =
      "On \(devices(nodes)) half of \(requests) requests have their first token within "
      + "\(serving(cluster, "ttft", "p50_ps")) and 99 of 100 within \(serving(cluster, "ttft", "p99_ps"))"
    if let token = cluster.at("emulated", "serving", "tpot"), token != .null {
      text += "; a token then takes \(ReportText.time(token["p50_ps"])) in the middle request"
    }
    text += ", and \(rate(cluster)) come out."
    if let bubble = cluster.at("emulated", "serving", "pipeline_bubble")?.double {
      text +=
        " While there are requests the wafers' regions stand still for \(ReportText.share(bubble, of: 1)) of "
        + "the time."
    }
    guard nodes > 1 else { return text }
    return text
      + " One serves the same requests with first tokens within \(serving(single, "ttft", "p50_ps")) and "
      + "\(serving(single, "ttft", "p99_ps")), at \(rate(single))."
  }

  private var hypothetical: String {
    let halves = [(single, "the single"), (cluster, "the cluster's")].filter {
      $0.0["hypothetical"] == .boolean(true)
    }
    guard !halves.isEmpty else { return "" }
    let names = halves.map(\.1).joined(separator: " and ")
    return
      "Hypothetical: the memory of \(names) device\(names.hasSuffix("'s") ? "s" : "") is taken as enlarged."
  }

  private var measured: String {
    cluster["measured"].map { $0 != .null } ?? false
      ? "All of these are emulated times; what this host took stands below." : ""
  }
}
