import ArgumentParser
import Experiments
import Fabric
import Foundation
import Quantities

/// `wafer fabric`
struct FabricCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "fabric",
    abstract: "Runs collectives on a mesh of PEs, wavelet by wavelet, beside their closed forms.",
    discussion: """
      Every result is summed on real numbers and checked, and so is what each link carried.

        wafer fabric
        wafer fabric --algorithm chain --pes 64 --wavelets 256
        wafer fabric --algorithm two-tree-all-reduce --mesh 16x16 --wavelets 1 --defects '3,4;8,8'
      """)

  @Option(
    help: ArgumentHelp(
      "all, or one of "
        + FabricAlgorithm.allCases.map(\.rawValue).joined(separator: ", ") + "."))
  var algorithm = FabricCommand.all
  @Option(help: "PEs in a line; 64 where no mesh is given.")
  var pes: String?
  @Option(help: "Columns x rows, such as 16x16: along the rows, then along the columns.")
  var mesh: String?
  @Option(help: "32-bit numbers of each PE's vector; of a row's outputs for the gemv.")
  var wavelets = "256"
  @Option(help: "Groups of a line, for two-phase, two-tree and gemv: a divisor of its length.")
  var groups: String?
  @Option(help: "Inputs of the gemv's vector; 4 a column where not given.")
  var inputs: String?
  @Option(help: "Outputs of the gemv; as many as --wavelets a row where not given.")
  var outputs: String?
  @Option(help: "Cycles of a PE for each input of the gemv, beside its multiply-adds.")
  var callbackCycles = "29"
  @Option(help: "Dead routers, column,row;column,row.")
  var defects = ""
  @Option(help: "Cycles from a router to its neighbour.")
  var hopCycles = "1"
  @Option(help: "Cycles between a PE and its router, one way.")
  var rampCycles = "2"
  @OptionGroup var format: FormatOption

  /// The name for every algorithm.
  private static let all = "all"

  func run() throws {
    let algorithms =
      algorithm == Self.all
      ? FabricAlgorithm.allCases : [try OptionValue.choice(algorithm, option: "--algorithm")]
    let mesh = try readMesh()
    var results: [FabricResult] = []
    for algorithm in algorithms {
      let experiment = try experiment(algorithm, on: mesh)
      do {
        results.append(FabricResult(experiment, try FabricRun(experiment.program())))
      } catch {
        throw try Self.failure(error)
      }
    }
    let document: JSONValue = [
      "schema": "wafer.fabric/1",
      "mesh": [
        "width": .integer(mesh.width), "height": .integer(mesh.height),
        "hop_cycles": .integer(mesh.hopCycles), "ramp_cycles": .integer(mesh.rampCycles),
        "dead": .array(mesh.dead.map { .string("\($0)") }),
      ],
      "results": .array(results.map(\.json)),
    ]
    format.print(document) { FabricResult.text(results, on: mesh, $0) }
  }

  /// The mesh that the options give. Throws `ConfigurationError`.
  private func readMesh() throws(ConfigurationError) -> Mesh {
    let hop = try OptionValue.count(hopCycles, in: 1...Mesh.mostCycles, option: "--hop-cycles")
    let ramp = try OptionValue.count(rampCycles, in: 0...Mesh.mostCycles, option: "--ramp-cycles")
    var (width, height) = (64, 1)
    if let mesh {
      guard pes == nil else {
        throw ConfigurationError(
          .option("--pes"), "is given beside --mesh", remedy: "Give a line or a mesh")
      }
      (width, height) = try Self.option("--mesh") { () throws(FabricError) in
        try Mesh.size(mesh)
      }
    } else if let pes {
      width = try OptionValue.count(pes, in: 1...Mesh.mostRouters, option: "--pes")
    }
    let dead = try Self.option("--defects") { () throws(FabricError) in
      try Coordinate.list(defects)
    }
    return try Self.option(dead.isEmpty ? "--mesh" : "--defects") { () throws(FabricError) in
      try Mesh(width: width, height: height, dead: dead, hopCycles: hop, rampCycles: ramp)
    }
  }

  /// The experiment that the options give. Throws `ConfigurationError`.
  private func experiment(
    _ algorithm: FabricAlgorithm, on mesh: Mesh
  ) throws(ConfigurationError) -> FabricExperiment {
    let wavelets = try OptionValue.count(
      wavelets, in: 1...FabricExperiment.mostWavelets, option: "--wavelets")
    let counts = 1...MatrixVector.mostElements
    let product = MatrixVector(
      inputs: try inputs.map { text throws(ConfigurationError) in
        try OptionValue.count(text, in: counts, option: "--inputs")
      } ?? 4 * mesh.width,
      outputs: try outputs.map { text throws(ConfigurationError) in
        try OptionValue.count(text, in: counts, option: "--outputs")
      } ?? wavelets * mesh.height,
      callbackCycles: try OptionValue.count(
        callbackCycles, in: 0...MatrixVector.mostCallbackCycles, option: "--callback-cycles"))
    let groups = try groups.map { text throws(ConfigurationError) in
      try OptionValue.count(text, in: 1...Mesh.mostRouters, option: "--groups")
    }
    return try Self.option("--wavelets") { () throws(FabricError) in
      try FabricExperiment(
        algorithm, mesh: mesh, wavelets: wavelets, groups: groups, product: product)
    }
  }

  /// Names the option that a wrong size or text came from.
  private static func option<Value>(
    _ name: String, _ body: () throws(FabricError) -> Value
  ) throws(ConfigurationError) -> Value {
    do { return try body() } catch {
      throw ConfigurationError(.option(name), "is wrong: \(error)")
    }
  }

  /// What the command ends with when a run did not end well: the input's fault, or the model's.
  private static func failure(_ error: FabricError) throws(ConfigurationError) -> RunFailure {
    switch error {
    case .outside, .unreachable, .dead, .nothingAlive, .noWholeColumn:
      throw ConfigurationError(.option("--defects"), "leaves no way: \(error)")
    case .groups:
      throw ConfigurationError(
        .option("--groups"), "is wrong: \(error)", remedy: "Give a divisor, or leave it out")
    case .unreadable, .size, .stuck, .leftOver, .wrongResult, .wrongTraffic:
      return RunFailure("\(error)")
    }
  }
}
