import Messaging
import Programs
import Runtime
import Testing
import ZeroMQ
import ZeroMQTransport

@Suite("Weights over sockets")
struct StreamingTests {
  /// A real payload: a phantom one has no weights.
  private static let experiment = (0..<100).lazy.map { SocketExperiment(seed: $0) }
    .first { !$0.isPhantom }!

  private static func tokens(_ outcome: ClusterSession.Outcome) -> [[[Int32]]] {
    outcome.windows.map { $0.flatMap { $0.outputs.map(\.tokens) } }
  }

  @Test(
    "what is sent gives the numbers of what nodes make themselves, over connections that are cut too"
  )
  func cut() throws {
    let experiment = Self.experiment
    let made = try experiment.outcome(of: Coordinator(address: "tcp://127.0.0.1:*")) { _ in
      NodeService.Options()
    }
    let coordinator = try Coordinator(address: "tcp://127.0.0.1:*")
    let port = try #require(Endpoint(rawValue: coordinator.endpoint).port)
    // After the assignment, and long before the last of the weights.
    let proxy = try CuttingProxy(to: port, cuts: [6_000, 7_500, 9_000])
    defer { proxy.close() }
    let sent = try experiment.outcome(
      of: coordinator, at: proxy.endpoint, streamed: true
    ) { _ in NodeService.Options() }
    #expect(proxy.cutCount == 3)
    #expect(Self.tokens(sent) == Self.tokens(made))
    #expect(sent.reports.map(\.clockDigest) == made.reports.map(\.clockDigest))
    #expect(sent.reports.allSatisfy { $0.streamedBytes > 20_000 }, "\(sent.reports)")
    #expect(made.reports.allSatisfy { $0.streamedBytes == 0 })
  }
}
