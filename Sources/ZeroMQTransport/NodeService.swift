import Messaging
import Programs
import Quantities
import Runtime
import Tensors
import ZeroMQ

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// The life of a node process, from a coordinator's address to its leave.
///
/// ```
/// hello ▸ assigned ▸ bound ▸ connected, loading ▸ ready ▸ running ▸ done
/// ```
/// Each state is one place in `run`, and says what it waits for; an abort, a refusal or a silent
/// coordinator ends it from anywhere.
public struct NodeService {
  private let coordinator: Endpoint
  private let requestedRank: Int?
  private let registrationLimit: Duration
  private let silenceLimit: Duration

  /// - Parameters:
  ///   - coordinator: The address of its control socket, such as `tcp://10.0.0.1:5555`.
  ///   - requestedRank: The rank to ask for; `nil` takes the next free one.
  ///   - registrationLimit: How long to wait for a coordinator that is not there yet.
  ///   - silenceLimit: How long a coordinator may be silent.
  public init(
    coordinator: String, requestedRank: Int? = nil,
    registrationLimit: Duration = .seconds(60), silenceLimit: Duration = .seconds(15)
  ) {
    self.coordinator = Endpoint(rawValue: coordinator)
    self.requestedRank = requestedRank
    self.registrationLimit = registrationLimit
    self.silenceLimit = silenceLimit
  }

  /// Serves one run.
  ///
  /// Throws `NodeFailure`, whose message has been given to the coordinator where it could be.
  public func run() throws(NodeFailure) {
    let abortFlag = AbortFlag()
    do {
      let context = try Context()
      let control = ControlThread(
        context: context, coordinator: coordinator,
        limits: .init(registration: registrationLimit, silence: silenceLimit),
        abortFlag: abortFlag)
      let thread = try control.start()
      var socket = try Socket<Pair>(in: context)
      try socket.connect(ControlThread.endpoint)
      let result = serve(context, &socket, abortFlag)
      if case .failure(let failure) = result, failure.isOwn {
        try socket.send(ControlMessage.failed(failure.reason).encoded())
      }
      // An empty frame: the control thread sends what is left, and ends.
      try socket.send([UInt8]())
      pthread_join(thread, nil)
      try result.get()
    } catch let failure as NodeFailure {
      throw failure
    } catch {
      throw NodeFailure(reason: "\(error)", isOwn: true)
    }
  }

  private func serve(
    _ context: Context, _ socket: inout Socket<Pair>, _ abortFlag: AbortFlag
  ) -> Result<Void, NodeFailure> {
    Result { () throws(NodeFailure) in
      do {
        try live(context, &socket, abortFlag)
      } catch let failure as NodeFailure {
        throw failure
      } catch NodeError.aborted {
        throw NodeFailure(reason: abortReason(&socket) ?? "the run was aborted", isOwn: false)
      } catch {
        throw NodeFailure(reason: "\(error)", isOwn: true)
      }
    }
  }

  /// What was said when the abort flag was raised, behind windows that are no longer wanted.
  private func abortReason(_ socket: inout Socket<Pair>) -> String? {
    while let frame = try? socket.nextFrame() {
      if case .success(.abort(let reason)) = ControlMessage.reading(frame) { return reason }
    }
    return nil
  }

  /// The states in order.
  private func live(
    _ context: Context, _ socket: inout Socket<Pair>, _ abortFlag: AbortFlag
  ) throws {
    try socket.send(hello.encoded())

    guard case .assign(let assignment) = try next(&socket, expecting: "assign") else { return }
    // libzmq's threads run already, and stay free.
    if let processor = assignment.processor { ProcessorAffinity.pin(toAllowed: processor) }
    let transport = SocketTransport(
      context: context,
      limits: .init(
        wait: .milliseconds(assignment.waitLimitMilliseconds), queue: assignment.queueLimit,
        largestPayload: assignment.largestPayload),
      abortFlag: abortFlag)
    try socket.send(
      ControlMessage.bound(try bind(transport, assignment)).encoded())

    guard case .connect(let peers) = try next(&socket, expecting: "connect") else { return }
    for peer in peers {
      try transport.connect(Endpoint(rawValue: peer.endpoint), to: peer.peer)
    }
    var model: ModelKernels?
    if case .model(let part) = assignment.payload {
      model = try ModelKernels(part, rank: assignment.rank)
    }
    try socket.send(ControlMessage.ready(weightBytes: model?.weightBytes ?? 0).encoded())

    var executor = NodeExecutor(
      rank: assignment.rank, run: assignment.run, transport: transport,
      isPhantom: assignment.payload == .phantom, model: model, abortFlag: abortFlag,
      recording: assignment.recording)
    try execute(&executor, &socket)
  }

  /// Windows come ahead of `begin`, wait for it, and are then done as they come.
  private func execute(
    _ executor: inout NodeExecutor, _ socket: inout Socket<Pair>
  ) throws {
    var waiting: [NodeWindow] = []
    var hasBegun = false
    while true {
      switch try next(&socket, expecting: "window") {
      case .window(let window):
        if hasBegun {
          try run(window, &executor, &socket)
        } else {
          waiting.append(window)
        }
      case .begin:
        hasBegun = true
        for window in waiting { try run(window, &executor, &socket) }
        waiting = []
      case .finish:
        try socket.send(ControlMessage.done(executor.report()).encoded())
        return
      case let message:
        throw NodeFailure(reason: "'\(message.name)' while running", isOwn: true)
      }
    }
  }

  private func run(
    _ window: NodeWindow, _ executor: inout NodeExecutor, _ socket: inout Socket<Pair>
  ) throws {
    let report = try executor.run(window)
    try socket.send(ControlMessage.windowDone(report).encoded())
  }

  private func bind(
    _ transport: SocketTransport, _ assignment: Assignment
  ) throws -> [ControlMessage.PeerEndpoint] {
    try assignment.sources.map { peer in
      let wanted: Endpoint =
        switch assignment.transport {
        case .tcp(let host): Endpoint(rawValue: "tcp://\(host):*")
        case .ipc(let folder):
          .ipc(path: "\(folder)/\(peer.index)-\(assignment.rank.index)")
        }
      let bound = try transport.bind(wanted, for: peer)
      return ControlMessage.PeerEndpoint(peer: peer, endpoint: bound.rawValue)
    }
  }

  /// Waits for the coordinator's next word; a refusal or an abort ends the node.
  private func next(
    _ socket: inout Socket<Pair>, expecting expected: String
  ) throws -> ControlMessage {
    let message = try socket.receive()
    let read = try message.withUnsafeBytes { (bytes) throws(FrameError) in
      try ControlMessage(reading: bytes)
    }
    switch read {
    case .refuse(let reason):
      throw NodeFailure(reason: "the coordinator refused this node: \(reason)", isOwn: false)
    case .abort(let reason): throw NodeFailure(reason: reason, isOwn: false)
    case .assign where expected == "assign", .connect where expected == "connect": return read
    case .window, .begin, .finish:
      if expected == "window" { return read }
    default: break
    }
    throw NodeFailure(
      reason: "the coordinator said '\(read.name)' where '\(expected)' belongs", isOwn: true)
  }

  private var hello: ControlMessage {
    var name = [CChar](repeating: 0, count: 256)
    gethostname(&name, name.count - 1)
    let host = String(decoding: name.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    return .hello(
      .init(
        host: host, process: getpid(), processors: sysconf(Int32(_SC_NPROCESSORS_ONLN)),
        instructions: "\(InstructionSet.best)", requestedRank: requestedRank))
  }
}

/// Why a node ended before its run was done.
public struct NodeFailure: Error, Hashable, CustomStringConvertible {
  /// What went wrong, for a person.
  public let reason: String
  /// Whether this node is at fault, and so must tell the coordinator; else it was told.
  public let isOwn: Bool

  /// One sentence.
  public var description: String { reason }
}
