import Foundation
import Quantities
import Runtime
import Subprocess
import Synchronization

#if canImport(System)
  import System
#else
  import SystemPackage
#endif

/// Node processes of this host: started, watched, and ended whatever happens to the run.
struct NodeProcesses {
  /// The node program.
  let executable: String
  let count: Int
  let coordinator: String
  /// Silence of the coordinator after which they end.
  let silenceLimit: MeasuredTime
  /// Folder of their sockets, which they remove when the coordinator is killed; `nil` over tcp.
  let socketFolder: String?

  /// Processes that have ended, for the coordinator's loop to collect, and the way to have another started.
  final class Exits: Sendable {
    private let ended = Mutex<[(process: Int32, status: String)]>([])
    private let requests: AsyncStream<Void>.Continuation

    fileprivate init(_ requests: AsyncStream<Void>.Continuation) { self.requests = requests }

    /// Starts a node in place of one that is lost.
    func startAnother() { requests.yield() }

    /// Forgets the end of a process that is known to be lost, whenever it comes.
    func ignore(_ process: Int32) { ignored.withLock { _ = $0.insert(process) } }

    private let ignored = Mutex<Set<Int32>>([])

    func append(_ process: Int32, _ status: String) {
      ended.withLock { $0.append((process, status)) }
    }

    /// Takes the first that has ended and was not taken before.
    func next() -> (process: Int32, status: String)? {
      let ignored = ignored.withLock { $0 }
      return ended.withLock { list in
        list.removeAll { ignored.contains($0.process) }
        return list.isEmpty ? nil : list.removeFirst()
      }
    }
  }

  /// How long a node may take to leave after its run, before it is ended.
  static let grace = Duration.seconds(5)

  /// Starts the nodes, runs `body` beside them on a thread of its own, and returns when all are gone.
  ///
  /// When `body` throws, or this task is cancelled, the nodes are asked to end, and after two seconds
  /// killed.
  func around<Result: Sendable>(
    _ body: @escaping @Sendable (Exits) throws -> Result
  ) async throws -> Result {
    let (requests, continuation) = AsyncStream<Void>.makeStream()
    let exits = Exits(continuation)
    return try await withThrowingTaskGroup(of: Child<Result>.self) { group in
      for _ in 0..<count {
        group.addTask {
          await run(exits)
          return .node
        }
      }
      group.addTask {
        defer { continuation.finish() }
        return .body(try await Self.onThread { try body(exits) })
      }
      group.addTask { await Self.next(requests) }
      var result: Result?
      var alive = count
      // A throwing body leaves the group, which cancels, and so ends, the nodes.
      while alive > 0 || result == nil, let child = try await group.next() {
        switch child {
        case .node: alive -= 1
        case .another:
          alive += 1
          group.addTask {
            await run(exits)
            return .node
          }
          group.addTask { await Self.next(requests) }
        case .noMore: break
        case .body(let value):
          result = value
          // Nodes leave by themselves; one that does not is ended.
          group.addTask {
            try? await Task.sleep(for: Self.grace)
            return .graceOver
          }
        case .graceOver: group.cancelAll()
        }
      }
      group.cancelAll()
      return result!
    }
  }

  /// What a task of the group comes back with.
  private enum Child<Result: Sendable>: Sendable {
    case node
    case body(Result)
    case graceOver
    /// One more node is wanted.
    case another
    case noMore
  }

  private static func next<Result>(_ requests: AsyncStream<Void>) async -> Child<Result> {
    for await _ in requests { return .another }
    return .noMore
  }

  private var arguments: [String] {
    // Whole seconds, and at least the limit that was asked for.
    let seconds = max(1, (silenceLimit.nanoseconds + 999_999_999) / 1_000_000_000)
    return ["--coordinator", coordinator, "--silence-limit", "\(seconds)"]
      + (socketFolder.map { ["--launch-folder", $0] } ?? [])
  }

  private func run(_ exits: Exits) async {
    var options = PlatformOptions()
    // A process group of their own: Ctrl-C reaches the coordinator, which ends the nodes in order.
    options.processGroupID = 0
    options.teardownSequence = [.gracefulShutDown(allowedDurationToNextStep: .seconds(2))]
    do {
      let outcome = try await Subprocess.run(
        .path(FilePath(executable)), arguments: Arguments(arguments),
        platformOptions: options, output: .discarded, error: .string(limit: 64 << 10))
      guard !outcome.terminationStatus.isSuccess else {
        exits.append(outcome.processIdentifier.value, outcome.terminationStatus.words)
        return
      }
      let words = outcome.standardError.trimmingCharacters(in: .whitespacesAndNewlines)
      exits.append(
        outcome.processIdentifier.value,
        outcome.terminationStatus.words + (words.isEmpty ? "" : ", saying: \(words)"))
    } catch {
      exits.append(0, "could not be started: \(error)")
    }
  }

  /// The coordinator's loop blocks, and a blocked thread must not be one of the concurrency runtime's.
  static func onThread<Result: Sendable>(
    _ body: @escaping @Sendable () throws -> Result
  ) async throws -> Result {
    try await withCheckedThrowingContinuation { continuation in
      let thread = Thread { continuation.resume(with: Swift.Result { try body() }) }
      thread.stackSize = 8 << 20
      thread.start()
    }
  }
}

extension TerminationStatus {
  /// What became of a process, for people.
  fileprivate var words: String {
    switch self {
    case .exited(let status): "exit status \(status)"
    case .signaled(let signal): "signal \(signal) (\(String(cString: strsignal(signal))))"
    }
  }
}
