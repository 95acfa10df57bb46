import Messaging
import Programs
import Quantities
import Runtime
import Testing

@Suite("Whether a node is there")
struct LivenessTests {
  private static func at(_ milliseconds: Int64) -> MeasuredTime {
    MeasuredTime(nanoseconds: milliseconds * 1_000_000)
  }

  private static let limit: Int64 = 15_000_000_000

  @Test("alive, suspect after three missed heartbeats, and alive again with the first word")
  func suspect() {
    var node = Liveness(limit: Self.limit, now: Self.at(0))
    #expect(node.tick(now: Self.at(3000)) == nil)
    #expect(node.state == .alive)
    #expect(node.tick(now: Self.at(3001)) == .suspected(silence: 3_001_000_000))
    #expect(node.state == .suspect(since: Self.at(0)))
    #expect(node.tick(now: Self.at(9000)) == nil, "people are told once")
    #expect(node.heard(now: Self.at(9500)) == .returned(silence: 9_500_000_000))
    #expect(node.state == .alive)
    #expect(node.heard(now: Self.at(9600)) == nil)
  }

  @Test("lost after the limit, from either state, and for ever")
  func lost() {
    for steps in [[16_000], [5000, 16_000]] as [[Int64]] {
      var node = Liveness(limit: Self.limit, now: Self.at(0))
      let changes = steps.map { node.tick(now: Self.at($0)) }
      #expect(changes.last == .lost(silence: 16_000_000_000, isDisconnected: false))
      #expect(node.heard(now: Self.at(16_001)) == nil)
      #expect(node.tick(now: Self.at(50_000)) == nil)
      #expect(node.state == .lost)
    }
  }

  @Test("disconnected when its connection ends; back with a word, else lost after five heartbeats")
  func disconnected() {
    var node = Liveness(limit: Self.limit, now: Self.at(0))
    #expect(node.disconnected(now: Self.at(500)) == .disconnected)
    #expect(node.state == .disconnected(since: Self.at(500)))
    #expect(node.disconnected(now: Self.at(600)) == nil, "people are told once")
    #expect(node.tick(now: Self.at(5500)) == nil)
    #expect(node.heard(now: Self.at(5500)) == .returned(silence: 5_500_000_000))
    #expect(node.state == .alive)
    // One that is suspect may hang up too; the limit counts from there.
    #expect(node.tick(now: Self.at(9000)) == .suspected(silence: 3_500_000_000))
    #expect(node.disconnected(now: Self.at(10_000)) == .disconnected)
    #expect(node.tick(now: Self.at(15_000)) == nil)
    #expect(
      node.tick(now: Self.at(15_001)) == .lost(silence: 9_501_000_000, isDisconnected: true))
    #expect(node.disconnected(now: Self.at(15_002)) == nil)
    #expect(node.heard(now: Self.at(15_003)) == nil)
    // The limit of silence holds all the same, where it is shorter.
    var short = Liveness(limit: 1_000_000_000, now: Self.at(0))
    _ = short.disconnected(now: Self.at(100))
    #expect(
      short.tick(now: Self.at(1101)) == .lost(silence: 1_101_000_000, isDisconnected: true))
  }

  @Test("where the limit is short, a node is suspect at half of it")
  func short() {
    var node = Liveness(limit: 1_000_000_000, now: Self.at(0))
    #expect(node.tick(now: Self.at(501)) == .suspected(silence: 501_000_000))
  }

  @Test("a session tells people of a node that is suspect and is back, and whoever asks sees it")
  func session() {
    var session = ClusterSessionTests.running()
    let start = ClusterSessionTests.start.nanoseconds
    func after(_ seconds: Int64) -> MeasuredTime {
      MeasuredTime(nanoseconds: start + seconds * 1_000_000_000)
    }
    func notices(_ actions: [ClusterSession.Action]) -> [String] {
      actions.compactMap {
        guard case .noticed(let rank, let change) = $0 else { return nil }
        return "\(rank) \(change)"
      }
    }
    _ = session.handle(.message(.alive, from: ClusterSessionTests.node(0)), now: after(4))
    #expect(
      notices(session.handle(.tick, now: after(4))) == ["rank 1 suspected(silence: 4000000000)"])
    let status = session.status(now: after(4))
    #expect(status.members.map(\.isSuspect) == [false, true])
    let frame = ControlMessage.members(status).encoded()
    guard case .success(.members(let read)) = ControlMessage.reading(frame) else {
      Issue.record("a status cannot be read")
      return
    }
    #expect(read == status)
    #expect(
      notices(
        session.handle(.message(.alive, from: ClusterSessionTests.node(1)), now: after(5)))
        == ["rank 1 returned(silence: 5000000000)"])
    #expect(session.status(now: after(5)).members.map(\.isSuspect) == [false, false])
  }
}

@Suite("Counting words")
struct WordCountTests {
  @Test("a word that was lost either way ends the run as a loss, with both counts")
  func counts() throws {
    // Told assign, connect; said bound, ready.
    for (run, heard, said, words) in [
      (7, 2, 2, nil), (7, 1, 2, "of 2 words to it 1 have come"),
      (7, 2, 3, "and 2 of its own 3"), (6, 2, 2, "its assignment did not come"),
    ] as [(UInt64, Int, Int, String?)] {
      var session = ClusterSessionTests.running()
      let pong = ControlMessage.Pong(
        ping: .init(run: 7, sent: ClusterSessionTests.start, words: 2),
        node: ClusterSessionTests.start, run: run, heard: heard, said: said)
      let actions = session.handle(
        .message(.pong(pong), from: ClusterSessionTests.node(1)), now: ClusterSessionTests.start)
      let ending = ClusterSessionTests.ending(actions)
      guard let words else {
        #expect(ending == nil)
        continue
      }
      guard case .failure(let error) = try #require(ending) else { continue }
      #expect(error.isLoss && error.lost == nil, "all nodes are there")
      #expect(error.description.contains(words), "\(error)")
    }
  }
}
