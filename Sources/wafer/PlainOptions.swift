import ArgumentParser
import Experiments
import Foundation
import Hardware
import Programs
import Quantities

/// Link and transport of the commands that run a program without a model.
struct PlainOptions: ParsableArguments {
  @Option(help: "Latency of a link, such as 500ns.")
  var linkLatency: String
  @Option(help: "Bandwidth of a wafer's whole end, such as '50 GiB/s' or '150 GB/s', or infinite.")
  var linkBandwidth: String
  @Option(help: "Time of the sender's port for each message, before its first byte.")
  var linkOverhead = "0 ns"
  @Option(help: "shared: one port of the whole bandwidth; per-peer: a port for each peer.")
  var ports = Link.Ports.shared.rawValue
  @Option(
    help: "How long a message keeps its port: serialization, or delivery (as ASTRA-sim has it).")
  var hold = Link.Hold.serialization.rawValue
  @Option(help: "Which wafers are joined: full-mesh, switch, ring, line or torus.")
  var topology = Topology.Name.fullMesh.rawValue
  @Option(help: "Columns x rows of a torus, such as 4x2; squarest when absent.")
  var topologyDimensions: String?
  @Option(help: "What a switch adds to the latency of the link.")
  var switchLatency = "0 ns"
  @Option(help: "none: the evaluator alone; inproc: nodes as threads; ipc or tcp: as processes.")
  var transport = Transport.none.rawValue
  @Option(help: "real: numbers are sent and summed; phantom: emulated time only.")
  var payload = Payload.real.rawValue
  @Option(help: "Longest wait for a message before the run fails.")
  var waitLimit = "60 s"

  /// Throws `ConfigurationError` for a value that is none of its option's.
  func link() throws(ConfigurationError) -> Link {
    let times = Rational(0)...Rational(1)
    func time(_ text: String, _ option: String) throws(ConfigurationError) -> EmulatedTime {
      EmulatedTime(
        seconds: try OptionValue.quantity(text, .time, in: times, option: option))
    }
    let bandwidth: Rational? =
      linkBandwidth == "infinite"
      ? nil
      : try OptionValue.quantity(
        linkBandwidth, .bandwidth, in: Link.minimumBandwidth...Rational(Int128(1) << 60),
        option: "--link-bandwidth")
    return Link(
      latency: try time(linkLatency, "--link-latency"), bandwidth: bandwidth,
      sendOverhead: try time(linkOverhead, "--link-overhead"),
      ports: try OptionValue.choice(ports, option: "--ports"),
      hold: try OptionValue.choice(hold, option: "--hold"))
  }

  /// What the messages of `ranks` wafers cross; numbers are 4-byte floats.
  ///
  /// Throws `ConfigurationError` for a value that is none of its option's.
  func wires(ranks: Int) throws(ConfigurationError) -> Wires {
    var sides: (columns: Int, rows: Int)?
    if let written = topologyDimensions {
      sides = try OptionValue.sides(written, option: "--topology-dimensions")
    }
    let written = Topology.Written(
      name: try OptionValue.choice(topology, option: "--topology"), dimensions: sides,
      switchLatency: EmulatedTime(
        seconds: try OptionValue.quantity(
          switchLatency, .time, in: Rational(0)...Rational(1), option: "--switch-latency")),
      dimensionsPlace: .option("--topology-dimensions"),
      switchLatencyPlace: .option("--switch-latency"))
    return Wires(
      link: try link(), topology: try written.topology(ranks: ranks), ranks: ranks,
      activationBytes: 4)
  }

  /// Numbers of a message of `bytes` bytes: they are 4-byte floats.
  ///
  /// Throws `ConfigurationError` when they are not whole floats, or too many.
  func elements(_ bytes: String, option: String) throws(ConfigurationError) -> Int {
    // 16 GiB a rank is more than any host of this tool holds for several.
    let range = Rational(4)...Rational(Int128(1) << 34)
    let value = try OptionValue.quantity(bytes, .bytes, in: range, option: option)
    guard value.denominator == 1, value.numerator % 4 == 0 else {
      throw ConfigurationError(
        .option(option), "is '\(bytes)', which is no whole number of 4-byte floats",
        remedy: "Give a multiple of 4 B")
    }
    return Int(value.numerator) / 4
  }

  /// Runs a program and says what it gave.
  func run(_ window: Window, nodes: NodeOptions) async throws -> PlainRun.Result {
    let transport: Transport = try OptionValue.choice(transport, option: "--transport")
    let payload: Payload = try OptionValue.choice(payload, option: "--payload")
    let limit = try OptionValue.quantity(
      waitLimit, .time, in: Rational(1, over: 1000)...Rational(86_400), option: "--wait-limit")
    let launch = try nodes.launch(for: transport)
    defer { launch.end() }
    let interruption = Interruption()
    interruption.install()
    return try await PlainRun(
      window, transport: transport, payload: payload,
      launch: launch,
      waitLimit: MeasuredTime(nanoseconds: Int64((limit * Rational(1_000_000_000)).rounded)),
      progress: { Diagnostics.progress($0) }, interruption: { interruption.reason }
    ).run()
  }
}

extension PlainRun.Result {
  /// The parts of a document that all such programs have.
  var members: [String: JSONValue] {
    [
      "emulated": [
        "total_ps": .picoseconds(total.time),
        "account_ps": total.account.json,
        "links": .array(links.map(\.json)),
      ],
      "measured": measured.map {
        [
          "total_ns": .integer($0.nanoseconds), "bytes": .integer(payloadBytes),
          "messages": .integer(messages),
        ]
      } ?? .null,
    ]
  }

  /// The same for people.
  func text(_ style: TextStyle, heading: String, notes: [String]) -> String {
    var table = Table(columns: ["where the time went", ""])
    for entry in Account.Entry.allCases where total.account[entry] != .zero {
      table.append([
        entry.rawValue.replacingOccurrences(of: "_", with: " "),
        RunTable.time(total.account[entry]),
      ])
    }
    table.append(["total", "\(RunTable.time(total.time)) (\(total.time.picoseconds) ps)"])
    var lines = [style.bold(heading), table.text(style)]
    if let measured {
      lines.append(
        "measured: \(RunTable.time(measured)), \(messages) messages, \(payloadBytes) B; every "
          + "emulated time that the nodes computed equals the evaluator's, to the picosecond.")
    }
    return (lines + notes).joined(separator: "\n") + "\n"
  }
}
