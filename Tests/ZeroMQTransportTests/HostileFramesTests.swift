import Messaging
import Placement
import Programs
import Runtime
import Synchronization
import TestSupport
import Testing
import ZeroMQTransport

/// One data message that is not what it should be ends the run, with the rank that found it and what it found.
@Suite("Hostile data messages", .serialized)
struct HostileFramesTests {
  /// What is done to one message on its way.
  enum Fault: String, CaseIterable, Sendable {
    case corrupt, foreign, cutShort, tooLong, oversized, extraFrame, withoutPayload
    case otherRun, replayed, reordered, lost, otherSource

    /// Words of the error: one of these.
    var words: [String] {
      switch self {
      case .corrupt: ["its account adds up to"]
      case .foreign: ["not with WaferCluster's mark"]
      case .cutShort: ["bytes where"]
      case .tooLong: ["was received into a buffer of"]
      case .extraFrame: ["a message of 3 frames"]
      case .withoutPayload: ["a message of 1 frames"]
      case .otherRun: ["run is"]
      case .otherSource: ["source is"]
      case .replayed, .reordered: ["sequence is"]
      // The socket drops it with its connection; what follows is out of turn, or nothing follows.
      case .oversized, .lost: ["sequence is", "waited 2.0 s"]
      }
    }
  }

  /// The first message of a shard's exchange that is met, done something to.
  private final class Once: Sendable {
    private let held = Mutex<(done: Bool, kept: [[UInt8]]?)>((false, nil))
    let fault: Fault

    init(_ fault: Fault) { self.fault = fault }

    func replace(_ frames: [[UInt8]], to rank: Rank) -> [[[UInt8]]] {
      guard rank.index == 0,
        let header = try? frames[0].withUnsafeBytes({ bytes in try MessageHeader(reading: bytes) }),
        header.source.index == 1, header.stream == .collective
      else { return [frames] }
      return held.withLock { state in
        if let kept = state.kept {
          state.kept = nil
          return [frames, kept]
        }
        guard !state.done else { return [frames] }
        state.done = true
        if fault == .reordered {
          state.kept = frames
          return []
        }
        return fault.applied(to: frames, header)
      }
    }
  }

  /// Real numbers, so that messages have payloads; shards, so that there are exchanges.
  private static let experiment = (0..<64 as Range<UInt64>).lazy.map { SocketExperiment(seed: $0) }
    .first { !$0.isPhantom && $0.split.pipeline == 1 && $0.workload.outputTokens > 2 }!

  @Test("a message that is not the program's ends the run and is named", arguments: Fault.allCases)
  func hostile(fault: Fault) throws {
    let coordinator = try Coordinator(address: "tcp://127.0.0.1:*")
    let once = Once(fault)
    let proxy = try FrameProxy(
      coordinator: coordinator.endpoint, seed: 1, replace: { once.replace($0, to: $1) })
    var words = ""
    do {
      _ = try Self.experiment.execute(
        through: proxy, of: coordinator, waitLimitMilliseconds: 2000)
      Issue.record("\(fault) went unnoticed")
    } catch {
      words = "\(error)"
    }
    _ = try proxy.stop()
    #expect(fault.words.contains { words.contains($0) }, "\(words)")
    #expect(words.contains("rank 0"), "\(words)")
    #expect(words.contains("from rank 1"), "\(words)")
  }
}

extension HostileFramesTests.Fault {
  fileprivate func applied(to frames: [[UInt8]], _ header: MessageHeader) -> [[[UInt8]]] {
    var frames = frames
    var header = header
    func rewritten() -> [UInt8] {
      var frame = frames[0]
      frame.withUnsafeMutableBytes { header.write(into: $0) }
      return frame
    }
    switch self {
    case .corrupt: frames[0][frames[0].count - 1] ^= 1
    case .foreign: frames[0][0] ^= 0xFF
    case .cutShort: frames[1].removeLast(4)
    case .tooLong: frames[1] += [0, 0, 0, 0]
    case .oversized: frames[1] = [UInt8](repeating: 0, count: 2 << 20)
    case .extraFrame: frames.append([1, 2, 3])
    case .withoutPayload: frames.removeLast()
    case .otherRun:
      header.run += 1
      frames[0] = rewritten()
    case .otherSource:
      header.source = Rank(header.source.index + 1)
      frames[0] = rewritten()
    case .replayed: return [frames, frames]
    case .lost: return []
    case .reordered: break
    }
    return [frames]
  }
}
