import Foundation
import Plots
import Programs
import Quantities
import Runtime
import Testing

@testable import Experiments

@Suite("Timelines")
struct TimelineTests {
  /// A run of every step on the nodes of a transport.
  static func run(
    _ transport: String, recording: Recording.Limits? = .init(windows: 0..<Int.max),
    set arguments: [String] = []
  ) async throws -> ExperimentResult {
    let experiment = try Fixtures.resolve(
      set: ["host.transport=\(transport)", "workload.output_tokens=5"] + arguments)
    return try await ExperimentRun(
      experiment, launch: NodeLaunch(program: nil, coordinator: nil), recording: recording
    ).run()
  }

  private static func decoded(_ text: String) throws -> JSONValue {
    try JSONDecoder().decode(JSONValue.self, from: Data(text.utf8))
  }

  @Test(
    "the last thing that a rank is recorded to do ends when the evaluator says that it is through")
  func ends() async throws {
    for arguments in [[], ["plan.tensor=1"], ["topology.name=ring"], ["link.hold=delivery"]] {
      let half = try await Self.run("none", set: arguments).cluster
      let recording = try #require(half.timeline?.recording)
      for use in half.emulated.ranks {
        let kernels = recording.kernels.filter { $0.rank == use.rank }.map(\.end)
        let sends = recording.messages.filter { $0.from == use.rank }.map { message in
          let sent = message.departure + message.send.overhead + message.send.serialization
          return message.send.holdsPortUntilDelivery ? message.arrival : sent
        }
        let receives = recording.messages.filter { $0.send.to == use.rank }
          .compactMap { $0.receipt?.exists }
        #expect((kernels + sends + receives).max() == use.end, "\(arguments) \(use.rank)")
      }
      let tokens = try #require(half.timeline?.tokens)
      #expect(tokens.count == 5 && tokens.map(\.time).max() == half.emulated.total.time)
      #expect(tokens.first?.time == half.emulated.timeToFirstToken)
    }
  }

  @Test("a trace is JSON in which each message has two slices and a flow between their tracks")
  func trace() async throws {
    let result = try await Self.run("inproc")
    let timeline = try #require(result.cluster.timeline)
    let trace = ChromeTrace(cluster: timeline, single: result.single.timeline)
    let events = try #require(try Self.decoded(trace.text)["traceEvents"]?.list)
    func kind(_ event: JSONValue) -> String { event["ph"]?.string ?? "" }
    let emulated = events.filter { $0["pid"]?.whole == 1 }
    let messages = timeline.recording.messages
    #expect(!messages.isEmpty && messages.allSatisfy { $0.receipt != nil })
    let slices = emulated.filter { kind($0) == "X" && $0["cat"]?.string == "message" }
    #expect(slices.count == 2 * messages.count)
    // Both clocks have a flow for each message, and each flow its two ends.
    var starts: [Int: JSONValue] = [:]
    for event in events where kind(event) == "s" { starts[event["id"]!.whole!] = event }
    let ends = events.filter { kind($0) == "f" }
    #expect(starts.count == 2 * messages.count && ends.count == starts.count)
    for end in ends {
      let start = try #require(starts[end["id"]!.whole!])
      #expect(start["pid"] == end["pid"] && start["tid"] != end["tid"])
      #expect(start["ts"]!.double! <= end["ts"]!.double!)
    }
    // Every track that is used has a name.
    let named = Set(
      events.filter { $0["name"]?.string == "thread_name" }.compactMap { $0["tid"]?.whole })
    #expect(Set(events.filter { kind($0) == "X" }.compactMap { $0["tid"]?.whole }) == named)
    #expect(Set(events.compactMap { $0["pid"]?.whole }) == [1, 2, 3, 4])
  }

  @Test("times of the trace are the recorded picoseconds, digit by digit")
  func traceTimes() async throws {
    let result = try await Self.run("none")
    let timeline = try #require(result.cluster.timeline)
    let trace = ChromeTrace(cluster: timeline, single: nil)
    let events = try #require(try Self.decoded(trace.text)["traceEvents"]?.list)
    let kernels = events.filter { $0["cat"]?.string == "kernel" }
    #expect(kernels.count == timeline.recording.kernels.count)
    for (event, kernel) in zip(kernels, timeline.recording.kernels) {
      #expect(event.at("args", "start_ps")?.whole == Int(kernel.start.picoseconds))
      #expect(event["ts"]?.double == Double(kernel.start.picoseconds) / 1e6)
      let length = (kernel.end - kernel.start).picoseconds
      #expect(event["dur"]?.double == Double(length) / 1e6)
    }
    #expect(
      ChromeTrace.microseconds(EmulatedTime(picoseconds: 1_234_567_890_123)) == "1234567.890123")
    #expect(ChromeTrace.microseconds(EmulatedTime(picoseconds: 5)) == "0.000005")
  }

  @Test("both clocks tell of the same messages, none received before it was sent")
  func clocks() async throws {
    for transport in ["inproc"] {
      let timeline = try #require(try await Self.run(transport).cluster.timeline)
      let measured = timeline.measuredMessages
      #expect(Set(measured.keys) == Set(timeline.recording.messages.map(\.name)))
      for (name, times) in measured {
        let sent = try #require(times.sent)
        let received = try #require(times.received)
        #expect(sent < received, "\(name)")
      }
      let kernels = timeline.measured?.activities.joined().filter {
        if case .kernel(_, _, _) = $0.activity.kind { true } else { false }
      }
      #expect((kernels?.count ?? 0) >= timeline.recording.kernels.count)
      #expect(timeline.tokens.allSatisfy { $0.measured != nil })
    }
  }

  @Test("a line of the table of messages adds up, and has a field for each column")
  func tables() async throws {
    let result = try await Self.run("inproc", set: ["link.receive_overhead=3 ns"])
    let timeline = try #require(result.cluster.timeline)
    let table = TimelineTable(timeline: timeline)
    let read = Plots.CSV(text: table.messages.text)
    let messages = try #require(read)
    #expect(messages == table.messages && messages.rows.count == timeline.recording.messages.count)
    for row in messages.rows {
      func value(_ name: String) throws -> Int64 {
        let column = try #require(messages.columns.firstIndex(of: name))
        return try #require(Int64(row[column]))
      }
      let departure = try value("departure_ps")
      #expect(try value("ready_ps") + value("egress_queue_ps") == departure)
      let flight =
        try value("send_overhead_ps") + value("serialization_ps") + value("latency_ps")
      #expect(try value("arrival_ps") == departure + flight)
      let after = try value("ingress_queue_ps") + value("receive_overhead_ps")
      #expect(try value("exists_ps") == value("arrival_ps") + after)
      #expect(
        try value("stall_ps") == max(0, value("exists_ps") - value("awaited_from_ps")))
    }
    #expect(table.kernels.rows.count == timeline.recording.kernels.count)
    #expect(table.tokens.rows.map { $0[1] } == ["0", "1", "2", "3", "4"])
  }

  @Test("the emulated document holds how ranks used their time, the same with and without nodes")
  func document() async throws {
    var documents: [String] = []
    for (transport, limits) in [("none", Recording.Limits(windows: 0..<2)), ("inproc", nil)] {
      let result = try await Self.run(transport, recording: limits)
      let run = RunDocument(result, text: nil, command: ["run"]).json
      let emulated = try EmulatedDocument(run: run, place: .builtIn).json
      documents.append(emulated.document)
      let ranks = try #require(emulated.at("cluster", "emulated", "ranks")?.list)
      #expect(ranks.count == 4)
      for rank in ranks {
        func value(_ path: String...) throws -> Int {
          try #require(path.reduce(rank as JSONValue?) { $0?[$1] }?.whole)
        }
        let flight = try ["queue", "serialization", "latency", "overhead"].reduce(0) {
          try $0 + value("stalled_in_flight_ps", $1)
        }
        #expect(try value("stalled_ps") == value("stalled_peer_late_ps") + flight)
        let all = try value("busy_ps") + value("stalled_ps") + value("idle_ps")
        #expect(try value("end_ps") == all)
        #expect(try value("busy_ps") == value("computing_ps") + value("sending_ps"))
      }
      #expect((result.cluster.timeline == nil) == (limits == nil))
    }
    #expect(documents[0] == documents[1])
  }
}
