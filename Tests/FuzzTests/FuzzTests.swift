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

  /// Inputs of a target of share 1: some seconds for all targets in a debug build.
  private static let inputs = 2000
  private static let seed: UInt64 = 2026

  private func corpus(_ target: FuzzTarget) throws -> [URL] {
    try FileManager.default.contentsOfDirectory(
      at: Self.folder.appendingPathComponent("Corpus/\(target.rawValue)"),
      includingPropertiesForKeys: nil
    ).sorted { $0.path < $1.path }
  }

  @Test(
    "the corpus and seeded inputs end in a value or a listed error, and reach every one",
    arguments: FuzzTarget.allCases)
  func reach(target: FuzzTarget) throws {
    let fuzzer = Fuzzer(target, presets: presets)
    var all = FuzzTally(target)
    for file in try corpus(target) {
      print("fuzz: wafer-fuzz \(target.rawValue) \(file.lastPathComponent)")
      all.add(fuzzer.run([UInt8](try Data(contentsOf: file))))
    }
    var seeded = FuzzTally(target)
    let count = Int(Double(Self.inputs) * target.share)
    print("fuzz: wafer-fuzz \(target.rawValue) --seed \(Self.seed) --count \(count)")
    for index in 0..<count {
      let outcome = fuzzer.run(fuzzer.input(seed: Self.seed + UInt64(index)))
      seeded.add(outcome)
      all.add(outcome)
    }
    #expect(all.missing == [])
    #expect(all.unlisted == [:])
    #expect(seeded.accepted > 0, "something valid is among them")
    #expect(seeded.percentPastHeader >= 30)
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
