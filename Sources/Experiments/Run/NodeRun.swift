import Foundation
import Messaging
import Placement
import Programs
import Quantities
import Runtime
import ZeroMQTransport

/// Executes a program on nodes, over any transport, beside its evaluation.
struct NodeRun {
  let transport: Transport
  let launch: NodeLaunch
  let waitLimit: MeasuredTime
  /// Whether nodes of this host stay on processors of their own, where there are enough.
  let pinning: Pinning
  /// Windows whose activities nodes report, and how many of all nodes at most; `nil` is none.
  var recording: Recording.Limits?
  /// What becomes of the run when a node is lost.
  var onFailure = FailurePolicy.abort
  /// Weights for nodes that have no file; `nil` where none are needed.
  var weights: WeightServer?
  /// Called when a phase of a process run is reached.
  let progress: @Sendable (String) -> Void
  /// A reason to give up: a signal.
  let interruption: @Sendable () -> String?

  /// What nodes gave.
  struct Outcome: Sendable {
    var reports: [NodeReport]
    var windows: [[WindowReport]]
    var nodes: [ControlMessage.Hello]
    var clocks: [ClockEstimate]
    /// How often the program was run again, because a node was lost.
    var restarts = 0
  }

  /// Runs `program` and holds every emulated time that nodes computed against the evaluator's.
  ///
  /// - Parameters:
  ///   - payload: What each rank computes and sends.
  ///   - connectionWindows: Windows that together use every connection, and the largest message.
  ///   - observe: Sees every report; `false` ends the program after what has been handed out.
  ///
  /// Throws `RunError`, `ProgramError`, or `LawViolation`.
  func run(
    _ makeProgram: @escaping @Sendable () -> EvaluatedProgram,
    connectionWindows: @escaping @Sendable () -> [Window],
    payload: @escaping @Sendable (Rank) -> Assignment.Payload,
    observe: @escaping @Sendable (WindowReport, Rank) -> Bool = { _, _ in true }
  ) async throws -> (outcome: Outcome, program: EvaluatedProgram.Summary) {
    switch transport {
    case .none: preconditionFailure("no nodes without a transport")
    case .inproc:
      return try await Self.onThread {
        let program = makeProgram()
        let cluster = InProcessCluster(
          ranks: program.ranks, run: Self.newNumber,
          waitLimitMilliseconds: Int(waitLimit.nanoseconds / 1_000_000),
          pinsThreads: pins(program.ranks), recording: recording(ofOneOf: program.ranks),
          faults: program.faults, payload: payload)
        let result = try cluster.run(
          windowCount: program.windowCount, nextWindow: { try program.nextWindow() },
          observe: observe)
        try LawViolation.check(program, reports: result.reports, windows: result.windows)
        return (
          Outcome(reports: result.reports, windows: result.windows, nodes: [], clocks: []),
          program.summary
        )
      }
    case .ipc, .tcp:
      return try await overProcesses(
        makeProgram, connectionWindows: connectionWindows, payload: payload,
        observe: observe)
    }
  }

  private func overProcesses(
    _ makeProgram: @escaping @Sendable () -> EvaluatedProgram,
    connectionWindows: @escaping @Sendable () -> [Window],
    payload: @escaping @Sendable (Rank) -> Assignment.Payload,
    observe: @escaping @Sendable (WindowReport, Rank) -> Bool
  ) async throws -> (outcome: Outcome, program: EvaluatedProgram.Summary) {
    let folder = try transport == .ipc ? SocketFolder() : nil
    defer { folder?.remove() }
    let coordinator =
      try launch.external?.coordinator
      ?? Coordinator(
        address: launch.coordinator ?? folder.map { "ipc://\($0.path)/coordinator" }
          ?? "tcp://127.0.0.1:*")
    let ranks = makeProgram().ranks
    if launch.external != nil {
      progress(
        "awaited: start each with wafer-node --coordinator \(coordinator.endpoint)")
    }
    let nodes = NodeProcesses(
      executable: launch.program ?? "", count: launch.program == nil ? 0 : ranks,
      coordinator: coordinator.endpoint, silenceLimit: launch.silenceLimit,
      socketFolder: folder?.path)
    return try await nodes.around { exits in
      var policy = RestartPolicy(isOn: onFailure == .restart)
      while true {
        do {
          var (outcome, summary) = try attempt(
            makeProgram(), on: coordinator, folder: folder, keepsSurvivors: policy.keepsSurvivors,
            exits: exits, connectionWindows: connectionWindows, payload: payload, observe: observe)
          outcome.restarts = policy.restarts
          return (outcome, summary)
        } catch let error as RunError {
          guard case .again(let gone, let replaces) = policy.failed(error) else { throw error }
          progress("run again, restart \(policy.restarts): \(error)")
          guard launch.program != nil else { continue }
          if let gone {
            exits.ignore(gone)
            kill(gone, SIGKILL)
          }
          if replaces { exits.startAnother() }
        }
      }
    }
  }

  /// One execution of the program, from its first instruction.
  private func attempt(
    _ program: EvaluatedProgram, on coordinator: Coordinator, folder: SocketFolder?,
    keepsSurvivors: Bool, exits: NodeProcesses.Exits, connectionWindows: () -> [Window],
    payload: (Rank) -> Assignment.Payload, observe: @escaping (WindowReport, Rank) -> Bool
  ) throws -> (outcome: Outcome, program: EvaluatedProgram.Summary) {
    let ranks = program.ranks
    let connections = EvaluatedProgram.connections(of: connectionWindows(), ranks: ranks)
    let run = Self.newNumber
    let assignments = (0..<ranks).map { index in
      Assignment(
        run: run, rank: Rank(index), sources: connections.sources[index],
        transport: folder.map { .ipc(folder: $0.path) } ?? .tcp,
        waitLimitMilliseconds: Int(waitLimit.nanoseconds / 1_000_000),
        queueLimit: ProgramCheck.maximumUnderWay,
        largestPayload: connections.largest * 4,
        // Nodes that somebody else starts may be anywhere.
        processor: launch.program != nil && pins(ranks) ? index : nil,
        payload: payload(Rank(index)), recording: recording(ofOneOf: ranks),
        faults: program.faults.share(of: Rank(index)))
    }
    let outcome = try coordinator.run(
      Coordinator.Plan(
        assignments: assignments, windowCount: program.windowCount, limits: launch.limits,
        keepsNodes: launch.external != nil,
        keepsSurvivors: keepsSurvivors),
      Coordinator.Callbacks(
        nextWindow: { try program.nextWindow() }, observe: observe,
        nextExit: { exits.next() }, interruption: interruption,
        progress: { phase, registered in
          guard phase == .registering else { return progress(phase.rawValue) }
          // Nodes of the coordinator's own come within milliseconds.
          if launch.external != nil { progress("registered: \(registered) of \(ranks)") }
        }, noticed: { progress($1.words(of: $0)) }, weights: weights))
    try LawViolation.check(program, reports: outcome.reports, windows: outcome.windows)
    return (
      Outcome(
        reports: outcome.reports, windows: outcome.windows, nodes: outcome.nodes,
        clocks: outcome.clocks),
      program.summary
    )
  }

  /// A node's share of what is recorded.
  private func recording(ofOneOf ranks: Int) -> Recording.Limits? {
    recording.map { Recording.Limits(windows: $0.windows, events: max(1, $0.events / ranks)) }
  }

  /// One run at a time has this number, whatever else is under way.
  private static var newNumber: UInt64 { UInt64.random(in: 1...UInt64.max) }

  private func pins(_ ranks: Int) -> Bool {
    pinning == .automatic && ranks <= ProcessorAffinity.allowedProcessors
  }

  private static func onThread<Result: Sendable>(
    _ body: @escaping @Sendable () throws -> Result
  ) async throws -> Result {
    try await NodeProcesses.onThread(body)
  }
}

extension Liveness.Change {
  /// The end of a line for people that begins with how many nodes there are.
  fileprivate func words(of rank: Rank) -> String {
    switch self {
    case .suspected(let silence):
      "of which \(rank) has said nothing for \(silence / 1_000_000_000) s, and may be lost"
    case .disconnected: "of which \(rank) has lost its connection, and may be gone"
    case .returned(let silence): "of which \(rank) is back after \(silence / 1_000_000_000) s"
    case .lost(let silence, _): "of which \(rank) is lost after \(silence / 1_000_000_000) s"
    }
  }
}

/// A folder for the sockets of one run, short enough for a socket's path (108 bytes).
struct SocketFolder: Sendable {
  let path: String

  /// Throws `RunError.coordinator` when it cannot be made.
  init() throws(RunError) {
    let name = "wafer-\(getpid())-\(UInt32.random(in: 0...UInt32.max))"
    path = URL(fileURLWithPath: NSTemporaryDirectory()).appendingPathComponent(name).path
    do {
      try FileManager.default.createDirectory(
        atPath: path, withIntermediateDirectories: true,
        attributes: [.posixPermissions: 0o700])
    } catch {
      throw .coordinator("no folder for sockets at \(path): \(error.localizedDescription)")
    }
  }

  func remove() { try? FileManager.default.removeItem(atPath: path) }
}
