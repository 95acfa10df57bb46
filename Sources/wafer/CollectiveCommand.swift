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
    let wires = Wires(link: try options.link(), ranks: count, activationBytes: 4)
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
    if algorithm == "auto" {
      return CollectiveProgram.cheapest(
        operation, ranks: ranks, elements: elements, wires: wires)
    }
    let chosen: CollectiveAlgorithm = try OptionValue.choice(algorithm, option: "--algorithm")
    guard operation.algorithms.contains(chosen) else {
      throw ConfigurationError(
        .option("--algorithm"), "'\(algorithm)' does not make an \(operation.rawValue)",
        remedy: "Use auto, or one of "
          + operation.algorithms.map(\.rawValue).joined(separator: ", "))
    }
    return chosen
  }
}

/// A run that ended without a right result.
struct RunFailure: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) { self.description = description }
}
