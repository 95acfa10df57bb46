import Experiments
import Foundation
import FuzzTargets
import Testing

/// Hostile bytes, for a short time; `scripts/fuzz` is the long form. A trap ends the test process: the last line
/// says which input it was.
@Suite(.serialized)
struct FuzzTests {
  private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
  private static let root = folder.deletingLastPathComponent().deletingLastPathComponent()
  private let presets = PresetLibrary(folder: Self.root.appendingPathComponent("Configs").path)

  /// Inputs of the cheapest targets in a debug build; the share of each target makes them take about as long.
  private static let inputs = 2000
  private static let seed: UInt64 = 2026

  private func corpus(_ target: FuzzTarget) throws -> [URL] {
    try FileManager.default.contentsOfDirectory(
      at: Self.folder.appendingPathComponent("Corpus/\(target.rawValue)"),
      includingPropertiesForKeys: nil
    ).sorted { $0.path < $1.path }
  }

  @Test(
    "the corpus reaches every error case of its reader, and no other",
    arguments: FuzzTarget.allCases)
  func corpus(target: FuzzTarget) throws {
    let fuzzer = Fuzzer(target, presets: presets)
    var tally = FuzzTally(target)
    for file in try corpus(target) {
      print("fuzz: \(target.rawValue) \(file.lastPathComponent)")
      tally.add(fuzzer.run([UInt8](try Data(contentsOf: file))))
    }
    #expect(tally.missing == [])
    #expect(tally.unlisted == [:])
    #expect(tally.accepted > 0, "something valid is among them")
  }

  @Test(
    "seeded inputs end in a value or a listed error, most of them behind the header",
    arguments: FuzzTarget.allCases)
  func seeded(target: FuzzTarget) {
    let fuzzer = Fuzzer(target, presets: presets)
    var tally = FuzzTally(target)
    let count = Int(Double(Self.inputs) * target.share)
    print("fuzz: wafer-fuzz \(target.rawValue) --seed \(Self.seed) --count \(count)")
    for index in 0..<count { tally.add(fuzzer.run(fuzzer.input(seed: Self.seed + UInt64(index)))) }
    #expect(tally.unlisted == [:])
    #expect(tally.percentPastHeader >= 30)
    #expect(tally.accepted > 0)
  }

  @Test("a seed makes the same bytes each time", arguments: FuzzTarget.allCases)
  func sameBytes(target: FuzzTarget) {
    let fuzzer = Fuzzer(target, presets: presets)
    for seed in 0..<20 as Range<UInt64> {
      #expect(fuzzer.input(seed: seed) == fuzzer.input(seed: seed))
    }
  }

  @Test("the corpus is small enough to live in the repository")
  func size() throws {
    let bytes = try FuzzTarget.allCases.flatMap(corpus).reduce(0) {
      $0 + (try Data(contentsOf: $1)).count
    }
    #expect(bytes < 300_000)
  }
}
