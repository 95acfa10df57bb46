import Foundation
import Hardware
import Models
import Quantities

extension DevicePlan {
  /// The answers as tables, to fit a terminal.
  public func text(_ style: TextStyle) -> String {
    [heading(style), counts(style), times(style), notes(style)].filter { !$0.isEmpty }
      .joined(separator: "\n")
  }

  private func heading(_ style: TextStyle) -> String {
    let shape = question.shape
    let widths = question.widths
    let bytes = RunTable.bytes(question.bytesPerToken.approximation)
    return style.bold(
      "\(shape.name): \(Self.billions(shape.weights)) weights, one decode step of "
        + "\(question.batch) sequence\(question.batch == 1 ? "" : "s") at context "
        + "\(question.context)")
      + "\nweights \(widths.weights), KV cache \(widths.keyValues), activations "
      + "\(widths.activations); a token moves \(bytes) and takes "
      + "\(RunTable.number(question.flopsPerToken.approximation / 1e9)) GFLOP\n"
  }

  private func counts(_ style: TextStyle) -> String {
    var table = Table(columns: [
      "device", "for weights", "with cache", "taken", "power", "price",
    ])
    for answer in answers {
      table.append([
        answer.name, "\(answer.devicesForWeights)", Self.text(answer.devicesForAll),
        Self.text(answer.devices),
        answer.power.map { RunTable.number($0.approximation / 1000) + " kW" } ?? "-",
        answer.price.map { RunTable.number($0.approximation / 1000) + " kUSD" } ?? "-",
      ])
    }
    return style.bold("How many") + "\n" + table.text(style)
  }

  private func times(_ style: TextStyle) -> String {
    var table = Table(columns: [
      "device", "at least", "bound by", "roofline", "priced", "tokens/s", "of peak", "J/token",
    ])
    for answer in answers {
      table.append([
        answer.name, answer.bound.map { RunTable.time($0.total) } ?? "-",
        answer.bound.map { $0.term.rawValue.replacingOccurrences(of: "_", with: " ") } ?? "-",
        answer.bound.map { RunTable.time($0.roofline) } ?? "-",
        answer.priced.map { RunTable.time($0.total) } ?? "-",
        answer.tokensPerSecond.map { RunTable.number($0.approximation) } ?? "-",
        answer.shareOfPeak.map { Self.percent($0) } ?? "-",
        answer.joulesPerToken.map { RunTable.number($0.approximation) } ?? "-",
      ])
    }
    return style.bold("How fast") + "\n" + table.text(style)
  }

  private func notes(_ style: TextStyle) -> String {
    answers.flatMap { answer in
      let assumed =
        answer.assumed.isEmpty
        ? [] : ["no source gives its " + answer.assumed.joined(separator: ", ")]
      return (answer.notes + assumed).map { style.warning("note: ") + "\(answer.name): \($0)\n" }
    }.joined()
  }

  static func text(_ count: Int?) -> String { count.map { "\($0)" } ?? "-" }

  static func percent(_ share: Rational) -> String {
    String(format: "%.2f %%", share.approximation * 100)
  }

  static func billions(_ weights: Int) -> String {
    RunTable.number(Double(weights) / 1e9) + " G"
  }
}
