import Messaging
import Programs

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Runs a program with nodes as threads of this process.
///
/// The same executor, the same frames and the same windows as over processes; no sockets and no control
/// plane, since a thread cannot be lost.
public struct InProcessCluster {
  private let network: InProcessNetwork
  private let ranks: Int
  private let payload: @Sendable (Rank) -> Assignment.Payload
  private let run: UInt64
  private let pinsThreads: Bool
  private let recording: Recording.Limits?
  private let faults: FaultPlan

  /// - Parameters:
  ///   - pinsThreads: Whether each node's thread stays on a processor of its own.
  ///   - recording: Windows whose activities nodes report, and how many a node at most.
  ///   - faults: What goes wrong, in emulated time.
  ///   - payload: What each rank computes and sends.
  ///   - intercept: See `InProcessNetwork`.
  public init(
    ranks: Int, run: UInt64, waitLimitMilliseconds: Int, pinsThreads: Bool = false,
    recording: Recording.Limits? = nil, faults: FaultPlan = FaultPlan(),
    intercept: (@Sendable (inout MessageHeader, Rank) -> Void)? = nil,
    payload: @escaping @Sendable (Rank) -> Assignment.Payload
  ) {
    self.ranks = ranks
    self.run = run
    self.pinsThreads = pinsThreads
    self.recording = recording
    self.faults = faults
    self.payload = payload
    network = InProcessNetwork(
      ranks: ranks, waitLimitMilliseconds: waitLimitMilliseconds, intercept: intercept)
  }

  private enum Event: Sendable {
    case ready
    case window(WindowReport)
    case done(NodeReport)
    case failed(String)
  }

  private typealias Events = BlockingQueue<(rank: Rank, event: Event)>
  /// `nil` ends a node's program.
  private typealias Work = BlockingQueue<NodeWindow?>

  /// Runs `windowCount` windows, or as many as `observe` allows.
  ///
  /// - Parameters:
  ///   - nextWindow: Compiles the next window; `nil` ends the program, where its length is not known
  ///     before.
  ///   - observe: Sees every report; `false` ends the program after what has been handed out.
  ///
  /// Throws `RunError` for the first rank that fails, and what `nextWindow` throws.
  public func run(
    windowCount: Int = .max, nextWindow: () throws -> Window?,
    observe: (WindowReport, Rank) -> Bool = { _, _ in true }
  ) throws -> (reports: [NodeReport], windows: [[WindowReport]]) {
    let events = Events()
    let work = (0..<ranks).map { _ in Work() }
    let threads = (0..<ranks).map { start(Rank($0), work[$0], events) }
    defer { for thread in threads { pthread_join(thread, nil) } }
    var isEnded = false
    // Whatever ends this function lets the threads end too, before they are joined.
    defer {
      if !isEnded {
        network.abort()
        for queue in work { queue.put(nil) }
      }
    }
    var done = Array(repeating: 0, count: ranks)
    var reports = Array(repeating: NodeReport?.none, count: ranks)
    var windows: [[WindowReport?]] = []
    var ready = 0
    var hasStopped = false
    while reports.contains(where: { $0 == nil }) {
      let (rank, event) = events.take()
      switch event {
      case .failed(let reason): throw RunError.node(rank, reason)
      case .done(let report): reports[rank.index] = report
      case .ready: ready += 1
      case .window(let report):
        windows[report.index][rank.index] = report
        done[rank.index] += 1
        if !observe(report, rank) { hasStopped = true }
      }
      guard ready == ranks, !isEnded else { continue }
      while !hasStopped, windows.count < min(windowCount, done.min()! + ClusterSession.windowsAhead)
      {
        guard let window = try nextWindow() else {
          hasStopped = true
          break
        }
        windows.append(Array(repeating: nil, count: ranks))
        for (index, queue) in work.enumerated() {
          queue.put(NodeWindow(window, rank: Rank(index)))
        }
      }
      if hasStopped || windows.count == windowCount, done.min()! == windows.count {
        isEnded = true
        for queue in work { queue.put(nil) }
      }
    }
    return (reports.map { $0! }, windows.map { $0.map { $0! } })
  }

  private func start(_ rank: Rank, _ work: Work, _ events: Events) -> pthread_t {
    let body = Body { [network, payload, run, pinsThreads, recording, faults] in
      do {
        if pinsThreads { ProcessorAffinity.pin(toAllowed: rank.index) }
        var model: ModelKernels?
        let payload = payload(rank)
        if case .model(let part) = payload { model = try ModelKernels(part, rank: rank) }
        var executor = NodeExecutor(
          rank: rank, run: run, transport: network.transport(for: rank),
          isPhantom: payload == .phantom, model: model, recording: recording,
          faults: faults.share(of: rank))
        events.put((rank, .ready))
        while let window = work.take() { events.put((rank, .window(try executor.run(window)))) }
        events.put((rank, .done(executor.report())))
      } catch NodeError.aborted {
        return
      } catch {
        events.put((rank, .failed("\(error)")))
      }
    }
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    // The data path needs little; the default of 8 MiB a thread would only crowd the address space.
    pthread_attr_setstacksize(&attributes, 2 << 20)
    defer { pthread_attr_destroy(&attributes) }
    var thread = pthread_t()
    let status = pthread_create(
      &thread, &attributes,
      { pointer in
        Unmanaged<Body>.fromOpaque(pointer!).takeRetainedValue().call()
        return nil
      }, Unmanaged.passRetained(body).toOpaque())
    precondition(status == 0, "pthread_create: \(status)")
    return thread
  }

  /// What a thread runs, in a box that can cross `pthread_create`.
  private final class Body: Sendable {
    let call: @Sendable () -> Void
    init(_ call: @escaping @Sendable () -> Void) { self.call = call }
  }
}
