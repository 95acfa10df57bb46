import Foundation
import Hardware
import Models

/// A measured host or link as a preset file.
public struct HostPresetText: Hashable, Sendable {
  /// The preset's name.
  public let name: String
  /// The folder under `Configs` and the file in it.
  public let file: String
  /// The file.
  public let text: String

  /// Which files are ours to write anew.
  static let heading =
    "# Written by 'wafer calibrate --host'. Measure anew rather than edit: figures belong together.\n"

  /// A figure as it is written.
  private struct Figure {
    let key: String
    let value: String
    let source: String
  }

  private init(
    _ kind: PresetKind, name: String, summary: String, _ figures: [Figure]
  ) {
    self.name = name
    file = "\(kind.folder)/\(name).yaml"
    var text =
      Self.heading + "preset: \(kind.rawValue)\nname: \(name)\nsummary: \(Self.quoted(summary))\n"
      + "figures:\n"
    for figure in figures {
      text +=
        "  \(figure.key):\n    value: \(figure.value)\n    mark: measured\n"
        + "    source: \(Self.quoted(figure.source))\n"
    }
    self.text = text
  }

  /// The preset of so many busy processes.
  public init(_ host: MeasuredHost, of experiment: Experiment, facts: HostFacts) {
    let model = experiment.modelled.shape.name
    let precision = experiment.host.precision.rawValue
    let beside = "\(facts.words); \(host.busy) busy"
    func source(_ kernel: KernelSurvey.Kernel) -> String {
      "\(beside): \(host.count(kernel)) steps, lower quartiles of steps alike, half of which lie "
        + "within \(Self.percent(host.spread(kernel)))"
    }
    func matrix(_ key: String, _ kernel: KernelSurvey.Kernel, _ fit: HostFit.Matrix) -> [Figure] {
      [Figure(key: "\(key)_fixed", value: Self.time(fit.fixed), source: source(kernel))]
        + fit.points.filter { HostProcess.tokenGrid.contains($0.tokens) }.map {
          Figure(
            key: "\(key)_weights_\($0.tokens)", value: Self.perMillion($0.perWeight),
            source: source(kernel))
        }
    }
    func line(_ key: String, _ each: String, _ kernel: KernelSurvey.Kernel) -> [Figure] {
      let fit = host.line(kernel)
      return [
        Figure(key: "\(key)_fixed", value: Self.time(fit.fixed), source: source(kernel)),
        Figure(key: "\(key)_\(each)", value: Self.perMillion(fit.each), source: source(kernel)),
      ]
    }
    let attention = host.matrix(.attention)
    self.init(
      .host, name: host.name,
      summary: "A process of \(facts.host) with \(host.busy) busy: \(model), \(precision)",
      [
        Figure(key: "model", value: Self.quoted(model), source: beside),
        Figure(key: "precision", value: precision, source: beside),
        Figure(key: "busy_processes", value: "\(host.busy)", source: beside),
        Figure(key: "link", value: host.link, source: beside),
        Figure(
          key: "step_overhead", value: Self.time(host.step),
          source: "\(facts.words); lower quartile of \(host.steps.count) steps of one node"),
      ] + line("embedding", "values", .embedding) + line("candidates", "logits", .candidates)
        + [
          Figure(
            key: "attention_pairs", value: Self.perMillion(attention.pair),
            source: source(.attention))
        ] + matrix("attention", .attention, attention)
        + matrix("feed_forward", .feedForward, host.matrix(.feedForward))
        + matrix("head", .head, host.matrix(.head)))
  }

  /// The preset of a transport.
  public init(_ link: MeasuredLink, facts: HostFacts) {
    let fit = link.fit
    let count = link.observations.reduce(0) { $0 + $1.hops.count }
    let spreads = link.observations.map(\.spread).sorted()
    let way =
      link.busy == 1
      ? "two nodes in turns" : "\(link.busy) nodes that compute at once, beyond their computing"
    let source =
      "\(facts.words): \(count) messages of \(link.observations.count) sizes between \(way); means "
      + "of the middle half of a size, which lies within "
      + Self.percent(spreads[(spreads.count - 1) / 2])
    self.init(
      .link, name: link.name,
      summary: link.busy == 1
        ? "Between two processes of \(facts.host), one of which is busy"
        : "Between \(link.busy) busy processes of \(facts.host)",
      [
        Figure(
          key: "latency", value: Self.time(fit.latency),
          source: source + "; from the sender's going on until 4 bytes are received"),
        Figure(
          key: "bandwidth",
          // The schema's range; no host is near either end.
          value: fit.bandwidth.map { "\(Int(min(max($0, 1e4), 1e17))) B/s" } ?? "infinite",
          source: source),
        Figure(
          key: "send_overhead", value: Self.time(fit.sendOverhead),
          source: source + "; the sending thread's own"),
        Figure(
          key: "receive_overhead", value: "0 us", source: source + "; it is in the latency"),
      ])
  }

  /// Writes it under a folder, where nothing else is or an older one of its kind.
  ///
  /// Throws `ConfigurationError` at `place` for a file that is not ours, or that cannot be written.
  public func write(to folder: String, at place: Place) throws(ConfigurationError) {
    let path = "\(folder)/\(file)"
    if FileManager.default.fileExists(atPath: path) {
      let old = try? String(contentsOfFile: path, encoding: .utf8)
      guard old?.hasPrefix(Self.heading) == true else {
        throw ConfigurationError(
          place, "would write over '\(path)', which 'wafer calibrate --host' did not write",
          remedy: "Give another --output folder, or another --name")
      }
    }
    do {
      try FileManager.default.createDirectory(
        atPath: URL(fileURLWithPath: path).deletingLastPathComponent().path,
        withIntermediateDirectories: true)
      try Data(text.utf8).write(to: URL(fileURLWithPath: path), options: .atomic)
    } catch {
      throw ConfigurationError(
        place, "'\(path)' cannot be written: \(error.localizedDescription)",
        remedy: "Give a folder that can be written")
    }
  }

  /// In microseconds, to a thousandth of a nanosecond.
  private static func time(_ seconds: Double) -> String {
    String(format: "%.6f us", seconds * 1e6)
  }

  /// Of a million.
  private static func perMillion(_ seconds: Double) -> String {
    time(seconds * Double(HostProcess.million))
  }

  private static func percent(_ part: Double) -> String { String(format: "%.1f %%", part * 100) }

  /// A JSON string, which is YAML too.
  private static func quoted(_ text: String) -> String {
    String(JSONValue.string(text).document.dropLast())
  }
}
