import ArgumentParser
import Experiments
import Foundation
import Programs

/// `wafer collective`
struct CollectiveCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "collective",
    abstract: "Times one collective operation over wafers.",
    discussion: """
      Time and bytes are of 4-byte floats; sums cost nothing, so the closed forms of the literature \
      come out exactly.

        wafer collective --algorithm ring --ranks 8 --bytes 64MiB --link-bandwidth 50GiB/s \
      --link-latency 500ns
        wafer collective --algorithm auto --ranks 4 --bytes 16KiB --link-bandwidth 150GB/s \
      --link-latency 5us --transport tcp
      """)

  @Option(help: "all-reduce, all-gather, reduce-scatter, all-to-all or broadcast.")
  var operation = CollectiveOperation.allReduce.rawValue
  @Option(
    help: "ring, recursive-doubling, rabenseifner, direct, tree, or auto: the cheapest by the link."
  )
  var algorithm: String
  @Option(help: "Number of wafers.")
  var ranks: String
  @Option(help: "Bytes of each wafer's buffer; of the gathered one for all-gather.")
  var bytes: String
  @OptionGroup(title: "Link and run") var options: PlainOptions
  @OptionGroup(title: "Nodes") var nodes: NodeOptions
  @OptionGroup var format: FormatOption

  func run() async throws {
    let operation: CollectiveOperation = try OptionValue.choice(
      operation, option: "--operation")
    let count = try OptionValue.count(ranks, in: 1...Rank.maximumCount, option: "--ranks")
    let elements = try options.elements(bytes, option: "--bytes")
    let wires = try options.wires(ranks: count)
    let algorithm = try algorithm(operation, ranks: count, elements: elements, wires: wires)
    let program = CollectiveProgram(
      operation, algorithm: algorithm, ranks: count, elements: elements, wires: wires)
    let result = try await options.run(program.window, nodes: nodes)
    // Only these leave the same bytes everywhere.
    let isSame = operation == .allReduce || operation == .allGather || operation == .broadcast
    let areEqual = Set(result.digests).count == 1
    if isSame, !result.digests.isEmpty, !areEqual {
      throw RunFailure("the ranks hold different results after an \(operation.rawValue)")
    }
    var document = result.members
    document["schema"] = "wafer.collective/1"
    document["experiment"] = [
      "modelled": [
        "operation": .string(operation.rawValue), "algorithm": .string(algorithm.rawValue),
        "ranks": .integer(count), "bytes": .integer(elements * 4), "link": wires.link.json,
        "topology": wires.topology.json,
      ]
    ]
    document["result_digests"] = .array(result.digests.map { .string(String($0, radix: 16)) })
    format.print(.object(document)) { style in
      result.text(
        style,
        heading:
          "\(operation.rawValue) by \(algorithm.rawValue), \(count) ranks, \(elements * 4) B",
        notes: isSame && areEqual ? ["All ranks hold the same bytes."] : [])
    }
  }

  private func algorithm(
    _ operation: CollectiveOperation, ranks: Int, elements: Int, wires: Wires
  ) throws(ConfigurationError) -> CollectiveAlgorithm {
    if algorithm == "auto", operation.algorithms.count > 1 {
      return CollectiveProgram.cheapest(
        operation, ranks: ranks, elements: elements, wires: wires)
    }
    if algorithm == "auto" { return try possible(operation.algorithms[0], operation, wires) }
    let chosen: CollectiveAlgorithm = try OptionValue.choice(algorithm, option: "--algorithm")
    guard operation.algorithms.contains(chosen) else {
      throw ConfigurationError(
        .option("--algorithm"), "'\(algorithm)' does not make an \(operation.rawValue)",
        remedy: "Use auto, or one of "
          + operation.algorithms.map(\.rawValue).joined(separator: ", "))
    }
    return try possible(chosen, operation, wires)
  }

  /// The algorithm, unless its messages cross more links than can be written down.
  private func possible(
    _ chosen: CollectiveAlgorithm, _ operation: CollectiveOperation, _ wires: Wires
  ) throws(ConfigurationError) -> CollectiveAlgorithm {
    let hops = CollectiveProgram.hops(
      operation, algorithm: chosen, ranks: wires.ranks, wires: wires)
    guard hops <= CollectiveProgram.mostHops else {
      throw ConfigurationError(
        .option("--algorithm"),
        "is \(chosen.rawValue), whose messages between \(wires.ranks) wafers of a \(wires.topology) cross "
          + "\(hops) links; at most \(CollectiveProgram.mostHops) are possible",
        remedy: "Use ring, fewer wafers or another topology")
    }
    return chosen
  }
}

/// A run that ended without a right result.
struct RunFailure: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) { self.description = description }
}
