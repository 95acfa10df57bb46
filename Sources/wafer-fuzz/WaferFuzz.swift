import ArgumentParser
import Experiments
import Foundation
import FuzzTargets

/// Hands hostile bytes to the readers of this project. `scripts/fuzz` runs it for long.
@main
struct WaferFuzz: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "wafer-fuzz",
    abstract: "Hands hostile bytes to a reader, and says what became of them.",
    discussion: """
      Without files, inputs are made from seeds, each from its own: input I of --seed S is that of seed S + I. With \
      files, these are read instead, which replays a finding.
      """)

  @Argument(help: "One of \(FuzzTarget.allCases.map(\.rawValue).joined(separator: ", ")).")
  var target: FuzzTarget

  @Argument(help: "Inputs to replay.")
  var files: [String] = []

  @Option(help: "Seed of the first input.")
  var seed: UInt64 = 0

  @Option(help: "Inputs to make.")
  var count = 10_000

  @Option(help: "Stop after so many seconds, where --count is not reached before.")
  var seconds: Int?

  @Option(help: "Folder for the smallest input of each error case that is reached.")
  var collect: String?

  @Option(help: "Folder for an input that ends the process.")
  var findings = "."

  @Flag(
    help:
      "Fuzz with coverage instead (libFuzzer); FILES are then its arguments. Needs a build with WAFER_FUZZ."
  )
  var coverage = false

  func run() throws {
    let fuzzer = Fuzzer(target, presets: try PresetLibrary.locate(asked: nil))
    if coverage { return try runCoverage(fuzzer) }
    Finding.watch(target: target, folder: findings)
    var tally = FuzzTally(target)
    let start = ContinuousClock.now
    if files.isEmpty {
      try make(fuzzer, &tally)
    } else {
      for file in files { try replay(file, fuzzer, &tally) }
    }
    report(tally, took: ContinuousClock.now - start)
    // A case outside the table, or an input past the limit, is for a person to look at.
    guard tally.unlisted.isEmpty else { throw ExitCode(1) }
  }

  private func make(_ fuzzer: Fuzzer, _ tally: inout FuzzTally) throws {
    var collection = collect.map(Collection.init)
    let end = seconds.map { ContinuousClock.now + .seconds($0) }
    for index in 0..<count {
      // The clock is asked now and then: some inputs take less than a microsecond.
      if let end, index % 64 == 0, ContinuousClock.now > end { break }
      let seed = seed &+ UInt64(index)
      let input = fuzzer.input(seed: seed)
      Finding.set(input, seed: seed)
      let outcome = fuzzer.run(input)
      let place = tally.add(outcome)
      try collection?.add(input, place, isAccepted: outcome == .accepted)
    }
  }

  private func replay(_ file: String, _ fuzzer: Fuzzer, _ tally: inout FuzzTally) throws {
    let input = [UInt8](try Data(contentsOf: URL(fileURLWithPath: file)))
    Finding.set(input, seed: 0)
    let outcome = fuzzer.run(input)
    tally.add(outcome)
    switch outcome {
    case .accepted: print("\(file): accepted")
    case .rejected(let error): print("\(file): refused: \(error)")
    }
  }

  /// A line of numbers for `scripts/fuzz`, and what is missing for people.
  private func report(_ tally: FuzzTally, took: Duration) {
    let seconds = max(took / .seconds(1), 1e-9)
    let cases = target.errorCases.count
    print(
      [
        target.rawValue, "\(tally.inputs)", "\(Int(Double(tally.inputs) / seconds))",
        String(format: "%.1f", tally.percentPastHeader), "\(tally.accepted)",
        "\(tally.reached.count)", "\(cases)",
      ].joined(separator: "\t"))
    func tell(_ line: String) { FileHandle.standardError.write(Data((line + "\n").utf8)) }
    if collect != nil {
      for pattern in tally.missing { tell("not reached: \(pattern)") }
    }
    for (error, times) in tally.unlisted.sorted(by: { $0.key < $1.key }) {
      tell("in no case, \(times) times: \(error)")
    }
  }
}

extension FuzzTarget: ExpressibleByArgument {}

/// The smallest input of each error case, kept as files.
private struct Collection {
  let folder: String
  private var sizes: [Int: Int] = [:]

  init(_ folder: String) { self.folder = folder }

  mutating func add(_ input: [UInt8], _ place: Int?, isAccepted: Bool) throws {
    guard place != nil || isAccepted else { return }
    let key = place ?? -1
    guard input.count < sizes[key] ?? Int.max else { return }
    sizes[key] = input.count
    let name = place.map { "case-\($0)" } ?? "accepted"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    try Data(input).write(to: URL(fileURLWithPath: "\(folder)/\(name)"))
  }
}
