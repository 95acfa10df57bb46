import Experiments
import Fabric
import Quantities

/// A run on a mesh beside its closed form, as `wafer fabric` prints it.
struct FabricResult {
  private let experiment: FabricExperiment
  private let run: FabricRun
  private let form: ClosedForm?

  init(_ experiment: FabricExperiment, _ run: FabricRun) {
    self.experiment = experiment
    self.run = run
    form = experiment.closedForm
  }

  /// Simulated minus closed form, in cycles.
  private var difference: Rational? { form.map { Rational(run.cycles) - $0.cycles } }

  var json: JSONValue {
    var document: [String: JSONValue] = [
      "algorithm": .string(experiment.algorithm.rawValue),
      "wavelets": .integer(experiment.wavelets),
      "cycles": .integer(run.cycles),
      "closed_form_cycles": form.map { .exact($0.cycles) } ?? .null,
      "difference_cycles": difference.map { .exact($0) } ?? .null,
      "phases": form.map { .array($0.phases.map(Self.json)) } ?? .null,
      "wavelets_sent": .integer(run.traffic.sent),
      "wavelets_delivered": .integer(run.traffic.delivered),
      "wavelet_hops": .integer(run.traffic.waveletHops),
      "closed_form_wavelet_hops": form?.waveletHops.map { .integer($0) } ?? .null,
      "longest_wait_cycles": .integer(run.longestWait),
      "busiest_link": run.traffic.busiestLink.map(Self.json) ?? .null,
    ]
    if experiment.algorithm == .gemv {
      document["inputs"] = .integer(experiment.product.inputs)
      document["outputs"] = .integer(experiment.product.outputs)
      document["callback_cycles"] = .integer(experiment.product.callbackCycles)
    }
    return .object(document)
  }

  private static func json(_ phase: ClosedForm.Phase) -> JSONValue {
    [
      "contention_cycles": phase.contention.map { .exact($0) } ?? .null,
      "energy_and_distance_cycles": phase.spread.map { .exact($0) } ?? .null,
      "depth_cycles": .exact(phase.depth), "binding": .string(phase.binding.rawValue),
    ]
  }

  private static func json(_ link: FabricTraffic.Link) -> JSONValue {
    [
      "from": .string("\(link.from)"), "to": .string("\(link.to)"),
      "wavelets": .integer(link.wavelets),
    ]
  }

  /// All runs as a table.
  static func text(_ results: [FabricResult], on mesh: Mesh, _ style: TextStyle) -> String {
    var table = Table(columns: [
      "algorithm", "cycles", "closed form", "difference", "binds", "wavelets", "wavelet-hops",
      "busiest link",
    ])
    for result in results { table.append(result.cells) }
    let dead = mesh.dead.count
    let heading =
      "\(mesh.width)x\(mesh.height) PEs, cycles a hop: \(mesh.hopCycles), a ramp: \(mesh.rampCycles)"
      + (dead > 0 ? ", \(dead) dead; closed forms are of the whole mesh" : "")
    return style.bold(heading) + "\n" + table.text(style)
      + "Every number that a PE holds in the end is right, and every link carried what its routes say.\n"
  }

  private var cells: [String] {
    [
      experiment.algorithm.rawValue, "\(run.cycles)", form.map { Self.decimal($0.cycles) } ?? "-",
      difference.map { ($0 > Rational(0) ? "+" : "") + Self.decimal($0) } ?? "-",
      form.map { $0.binding.map(\.rawValue).joined(separator: ", then ") } ?? "-",
      "\(run.traffic.sent)", "\(run.traffic.waveletHops)",
      run.traffic.busiestLink.map { "\($0.from) > \($0.to): \($0.wavelets)" } ?? "-",
    ]
  }

  /// To one decimal.
  private static func decimal(_ value: Rational) -> String {
    guard case .number(let text) = JSONValue.rounded(value, digits: 1) else { return "-" }
    return text
  }
}
