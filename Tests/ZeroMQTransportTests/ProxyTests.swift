import Messaging
import Programs
import Quantities
import Runtime
import Testing
import ZeroMQTransport

/// The law between nodes that speak over tcp, with everything led through a proxy.
@Suite("The law, over sockets", .serialized)
struct ProxyTests {
  @Test(
    "frames that are late on the host change no emulated time", arguments: 0..<8 as Range<UInt64>)
  func delayed(seed: UInt64) throws {
    let experiment = SocketExperiment(seed: seed)
    let coordinator = try Coordinator(address: "tcp://127.0.0.1:*")
    let proxy = try FrameProxy(coordinator: coordinator.endpoint, seed: seed)
    let outcome = try experiment.execute(through: proxy, of: coordinator)
    let clocks = experiment.evaluate()
    #expect(outcome.reports.map(\.end) == clocks.map(\.end), "\(experiment)")
    #expect(outcome.reports.map(\.clockDigest) == clocks.map(\.digest), "\(experiment)")
    // Every message went through it; none went past.
    #expect(try proxy.stop() == outcome.reports.reduce(0) { $0 + $1.messagesSent })
  }

  @Test(
    "1,000 ps added to one message's arrival change the final times as the evaluator predicts",
    arguments: Array(
      (100..<140 as Range<UInt64>).lazy.filter { SocketExperiment(seed: $0).delay != nil }.prefix(8)
    ))
  func tampered(seed: UInt64) throws {
    let experiment = SocketExperiment(seed: seed)
    let delay = try #require(experiment.delay, "some delay must matter")
    let coordinator = try Coordinator(address: "tcp://127.0.0.1:*")
    let proxy = try FrameProxy(coordinator: coordinator.endpoint, seed: seed) { header, rank in
      guard header.source == delay.from, rank == delay.to, header.stream == delay.stream,
        header.sequence == UInt64(delay.sequence)
      else { return }
      var account = header.arrival.account
      account.linkLatency += delay.by
      header.arrival = Stamp(time: header.arrival.time + delay.by, account: account)!
    }
    let outcome = try experiment.execute(through: proxy, of: coordinator)
    _ = try proxy.stop()
    let predicted = experiment.evaluate(delays: [delay]).map(\.digest)
    #expect(outcome.reports.map(\.clockDigest) == predicted, "\(experiment)")
  }
}
