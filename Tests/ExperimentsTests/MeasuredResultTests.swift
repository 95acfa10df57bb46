import Foundation
import Models
import Programs
import Quantities
import Runtime
import TestSupport
import Testing

@testable import Experiments

struct MeasuredResultTests {
  private static func times(_ nanoseconds: [Int64]) -> [MeasuredTime] {
    nanoseconds.map { MeasuredTime(nanoseconds: $0) }
  }

  @Test("percentiles are by nearest rank, within a thousandth; the longest is exact")
  func percentiles() throws {
    var generator = SeededGenerator(seed: 11)
    for count in [1, 2, 9, 10, 99, 100, 101, 5000] {
      let values = (0..<count).map { _ in
        Int64(exp(Double.random(in: 3...25, using: &generator)))
      }
      let found = try #require(MeasuredDistribution(Self.times(values)))
      let sorted = values.sorted()
      func nearestRank(_ percent: Int) -> Int64 { sorted[(count * percent + 99) / 100 - 1] }
      for (time, percent) in [(found.p50, 50), (found.p90, 90), (found.p99, 99)] {
        let expected = nearestRank(percent)
        #expect(time.nanoseconds >= expected, "p\(percent) of \(count)")
        #expect(Double(time.nanoseconds) <= Double(expected) * 1.001, "p\(percent) of \(count)")
      }
      #expect(found.most.nanoseconds == sorted.last!)
      #expect(found.count == count)
    }
    #expect(MeasuredDistribution([]) == nil)
    #expect(MeasuredDistribution(Self.times([0, 0]))?.most.nanoseconds == 0)
  }

  /// Two sequences: the first has tokens at 100, 110 and 150 ns, the second at 130 and 150.
  private func result() -> MeasuredResult {
    func entry(_ request: Int) -> Batch.Entry {
      Batch.Entry(sequence: request, start: 3, count: 1, samples: true)
    }
    let steps: [(batch: Batch, time: Int64)] = [
      (Batch(entries: [entry(0)]), 100), (Batch(entries: [entry(0)]), 110),
      (Batch(entries: [entry(1)]), 130), (Batch(entries: [entry(0), entry(1)]), 150),
    ]
    let windows = steps.enumerated().map { index, step in
      var report = WindowReport(index: index)
      report.outputs = [
        WindowReport.Output(
          batch: 0, stamp: .zero, measured: MeasuredTime(nanoseconds: step.time), tokens: [])
      ]
      return [report]
    }
    var report = NodeReport()
    report.started = MeasuredTime(nanoseconds: 40)
    return MeasuredResult([report], windows, nodes: [], clocks: []) { window, _ in
      steps[window].batch
    }
  }

  @Test("gaps are those between tokens of one sequence, of all sequences together")
  func gaps() throws {
    let result = result()
    // 10 and 40 ns of the first, 20 of the second.
    let gaps = try #require(result.interTokenLatency)
    #expect(gaps.count == 3)
    #expect([gaps.p50, gaps.p90, gaps.p99, gaps.most] == Self.times([20, 40, 40, 40]))
    // (60 + 90)/2 to the first tokens; (50/2 + 20)/2 for the others, 22.5 rounded away from zero.
    #expect(result.timeToFirstToken.nanoseconds == 75)
    #expect(result.timePerOutputToken?.nanoseconds == 23)
    #expect(result.total.nanoseconds == 110)
  }

  @Test("the document has them in nanoseconds, and null where a sequence has one token")
  func document() async throws {
    #expect(
      result().json["itl_ns"]
        == ["count": 3, "p50": 20, "p90": 40, "p99": 40, "max": 40])
    func measured(_ tokens: Int) async throws -> (JSONValue, String) {
      let experiment = try Fixtures.resolve(set: [
        "model.name=synthetic-tiny", "plan.pipeline=2", "plan.tensor=1", "host.transport=inproc",
        "workload.batch=3", "workload.output_tokens=\(tokens)",
      ])
      let result = try await ExperimentRun(
        experiment, launch: NodeLaunch(program: nil, coordinator: nil)
      ).run()
      let text = RunTable(result, text: nil).text(TextStyle(width: 100, hasColour: false))
      return (result.cluster.measured!.json, text)
    }
    let (four, table) = try await measured(4)
    #expect(four["itl_ns"]?["count"] == 9)
    #expect(table.contains("measured gaps between tokens"))
    let (one, short) = try await measured(1)
    #expect(one["itl_ns"] == .null)
    #expect(!short.contains("measured gaps between tokens"))
  }
}
