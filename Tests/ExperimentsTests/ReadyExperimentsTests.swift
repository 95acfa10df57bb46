import Foundation
import Programs
import Quantities
import Testing

@testable import Experiments

@Suite("Ready experiments")
struct ReadyExperimentsTests {
  static let files = try! FileManager.default.contentsOfDirectory(atPath: Fixtures.experiments)
    .sorted()

  private static let nobody = NodeLaunch(program: nil, coordinator: nil)

  @Test("there are more than a dozen, of files and sweeps")
  func count() throws {
    let sweeps = try Self.files.filter {
      !(try Settings(file: "\(Fixtures.experiments)/\($0)").axes.isEmpty)
    }
    #expect(Self.files.count >= 14 && sweeps.count >= 10)
  }

  @Test(
    "each begins with its question, runs in emulated time, and its sweep has a row for every point",
    arguments: files)
  func runs(file: String) async throws {
    let path = "\(Fixtures.experiments)/\(file)"
    let text = try String(contentsOfFile: path, encoding: .utf8)
    let first = try #require(text.split(separator: "\n").first)
    #expect(first.hasPrefix("summary: ") && first.hasSuffix("?"), "\(file): \(first)")
    let settings = try Settings(file: path)
    let experiment = try Fixtures.resolver.resolve(settings.evaluated)
    let run = ExperimentRun(experiment, launch: Self.nobody)
    let result = try run.evaluate(EvaluationCache())
    let emulated = try #require(result.cluster.emulated)
    #expect(emulated.total.time > .zero)
    #expect(emulated.total.account.total == emulated.total.time)
    guard !settings.axes.isEmpty else { return }
    let sweep = try Sweep(
      try SweepGrid(base: settings, axes: settings.axes), measures: nil,
      resolver: ExperimentResolver(presets: Fixtures.presets.remembering))
    #expect(sweep.base?.modelled == experiment.modelled)
    let rows = try await SweepTests.rows(sweep)
    #expect(rows.count == sweep.grid.count)
    #expect(rows.contains { $0["status"] == "done" }, "\(file) has no point that can be")
    let sentences = SweepAnswer(
      axes: settings.axes.map { ($0.name, $0.column) }, rows: rows
    ).sentences
    #expect(sentences.count > 0 && sentences[0].contains(" at "), "\(sentences)")
  }
}
