import Foundation
import Hardware
import Placement
import Programs
import Quantities
import Runtime

/// Runs a program without a model, such as one collective, evaluated and over nodes.
public struct PlainRun: Sendable {
  private let window: Window
  private let transport: Transport
  private let payload: Payload
  private let launch: NodeLaunch
  private let waitLimit: MeasuredTime
  private let progress: @Sendable (String) -> Void
  private let interruption: @Sendable () -> String?

  /// Takes each field as it is.
  public init(
    _ window: Window, transport: Transport, payload: Payload, launch: NodeLaunch,
    waitLimit: MeasuredTime, progress: @escaping @Sendable (String) -> Void = { _ in },
    interruption: @escaping @Sendable () -> String? = { nil }
  ) {
    self.window = window
    self.transport = transport
    self.payload = payload
    self.launch = launch
    self.waitLimit = waitLimit
    self.progress = progress
    self.interruption = interruption
  }

  /// What it gave.
  public struct Result: Sendable {
    /// The latest output, and its account.
    public var total: Stamp
    /// What crossed each link.
    public var links: [Traffic.Link]
    /// From the first instruction of any rank to the last; `nil` without nodes.
    public var measured: MeasuredTime?
    /// Payload bytes between nodes, on the host's wire.
    public var payloadBytes: Int
    /// Messages between nodes.
    public var messages: Int
    /// Of each rank's result, in rank order; empty without numbers.
    public var digests: [UInt64]
  }

  /// Evaluates the program, and with a transport runs it on nodes and holds their times against the
  /// evaluator's.
  ///
  /// Throws `ProgramError`, `RunError` or `LawViolation`.
  public func run() async throws -> Result {
    guard transport != .none else {
      let program = EvaluatedProgram(window)
      try program.finish()
      return result(program.summary, nil)
    }
    let nodes = NodeRun(
      transport: transport, launch: launch, waitLimit: waitLimit, pinning: .automatic,
      recording: nil,
      progress: progress,
      interruption: interruption)
    let part: Assignment.Payload = payload == .real ? .plain : .phantom
    let (outcome, program) = try await nodes.run(
      { [window] in EvaluatedProgram(window) }, connectionWindows: { [window] in [window] },
      payload: { _ in part })
    return result(program, outcome)
  }

  private func result(_ program: EvaluatedProgram.Summary, _ outcome: NodeRun.Outcome?) -> Result {
    var total = Stamp.zero
    for output in program.outputs where output.stamp.time > total.time { total = output.stamp }
    let reports = outcome?.reports ?? []
    let start = reports.compactMap(\.started).min()
    let end = reports.compactMap(\.finished).max()
    return Result(
      total: total, links: program.traffic.links,
      measured: start.flatMap { start in end.map { $0 - start } },
      payloadBytes: reports.reduce(0) { $0 + $1.payloadBytesSent },
      messages: reports.reduce(0) { $0 + $1.messagesSent },
      digests: payload == .real ? reports.map(\.resultDigest.value) : [])
  }
}
