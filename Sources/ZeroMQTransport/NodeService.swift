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
/// hello ▸ assigned ▸ bound ▸ connected, loading ▸ ready ▸ running ▸ done ▸ hello … ▸ dismissed
/// ```
/// A run that another node's loss has ended leads back to hello too.
/// Each state is one place in `live` and `serve`, and says what it waits for; an abort, a refusal or a silent
/// coordinator ends it from anywhere.
public struct NodeService {
  private let coordinator: Endpoint
  private let options: Options

  /// What a node may be told beside the coordinator's address.
  public struct Options: Sendable {
    /// The rank to ask for; `nil` takes one that is free.
    public var requestedRank: Int?
    /// Address, name or interface at which other nodes reach it; `nil` finds it out.
    public var address: String?
    /// Address or interface to bind to; `nil` finds it out.
    public var bind: String?
    /// Ports for data connections; `nil` is any free one.
    public var ports: ClosedRange<UInt16>?
    /// Folder of weights that have come before; `nil` keeps none.
    public var cache: String?
    /// Its keys, and the coordinator's; `nil` in an open cluster.
    public var keys: NodeKeys?
    /// How long to wait for a coordinator that is not there yet.
    public var registrationLimit = Duration.seconds(60)
    /// How long a coordinator may be silent.
    public var silenceLimit = Duration.seconds(15)

    /// Nothing but defaults.
    public init() {}
  }

  /// - Parameter coordinator: The address of its control socket, such as `tcp://10.0.0.1:5555`.
  public init(coordinator: String, options: Options = Options()) {
    self.coordinator = Endpoint(rawValue: coordinator)
    self.options = options
  }

  /// Serves runs until there are no more.
  ///
  /// Throws `NodeFailure`, whose message has been given to the coordinator where it could be.
  public func run() throws(NodeFailure) {
    let abortFlag = AbortFlag()
    do {
      let cache = try options.cache.map { folder throws(NodeError) in
        try WeightCache(folder: folder)
      }
      let context = try Context()
      let admission = Admission()
      let control = ControlThread(
        context: context, coordinator: coordinator, identity: Self.identity,
        limits: .init(registration: options.registrationLimit, silence: options.silenceLimit),
        abortFlag: abortFlag, keys: options.keys, admission: admission)
      let thread = try control.start()
      var socket = try Socket<Pair>(in: context)
      try socket.connect(ControlThread.endpoint)
      let line = ControlLine(socket)
      let result = guarded(line) {
        try Life(
          service: self, context: context, line: line, abortFlag: abortFlag, cache: cache,
          admission: admission
        )
        .live()
      }
      if case .failure(let failure) = result, failure.isOwn {
        try line.say(.failed(failure.reason))
      }
      // The control thread sends what is left, and ends.
      try line.end()
      pthread_join(thread, nil)
      try result.get()
    } catch let failure as NodeFailure {
      throw failure
    } catch {
      throw NodeFailure(reason: "\(error)", isOwn: true)
    }
  }

  private func guarded(_ line: ControlLine, _ body: () throws -> Void) -> Result<Void, NodeFailure>
  {
    Result { () throws(NodeFailure) in
      do {
        try body()
      } catch let failure as NodeFailure {
        throw failure
      } catch NodeError.aborted {
        guard case .abort(let reason) = line.takeEnding() else {
          throw NodeFailure(reason: "the run was aborted", isOwn: false)
        }
        throw NodeFailure(reason: reason, isOwn: false)
      } catch {
        throw NodeFailure(reason: "\(error)", isOwn: true)
      }
    }
  }

  /// A name of its own, which it keeps when its connection is made anew. The first byte is not zero, as
  /// libzmq asks.
  private static var identity: RoutingID {
    var generator = SystemRandomNumberGenerator()
    return RoutingID(
      [0x4E] + (0..<15).map { _ in UInt8.random(in: .min ... .max, using: &generator) })
  }

  /// A node while its control thread runs.
  private struct Life {
    let service: NodeService
    let context: Context
    let line: ControlLine
    let abortFlag: AbortFlag
    let cache: WeightCache?
    let admission: Admission

    /// One run after the other.
    func live() throws {
      var rank = service.options.requestedRank
      while true {
        try line.say(.hello(hello(rank)))
        switch try line.next() {
        case .assign(let assignment):
          do {
            try serve(assignment)
          } catch NodeError.aborted {
            let ending = line.takeEnding()
            guard case .again = ending else {
              if case .abort(let reason) = ending {
                throw NodeFailure(reason: reason, isOwn: false)
              }
              throw NodeError.aborted
            }
            abortFlag.lower()
          }
          // The same part again where there is another run: what is measured is then of the same hosts.
          rank = assignment.rank.index
        case .dismiss: return
        case let message: throw unexpected(message, "assign")
        }
      }
    }

    /// A run.
    private func serve(_ assignment: Assignment) throws {
      // libzmq's threads run already, and stay free.
      if let processor = assignment.processor { ProcessorAffinity.pin(toAllowed: processor) }
      let transport = SocketTransport(
        context: context,
        limits: .init(
          wait: .milliseconds(assignment.waitLimitMilliseconds), queue: assignment.queueLimit,
          largestPayload: assignment.largestPayload),
        abortFlag: abortFlag, keys: service.options.keys?.own)
      // Before the sockets are there to connect to.
      admission.admit(Set(assignment.sourceKeys.compactMap { CurvePublicKey(z85: $0) }))
      try line.say(.bound(try bind(transport, assignment)))

      guard case .connect(let peers) = try next(expecting: "connect") else { return }
      for peer in peers {
        try transport.connect(
          Endpoint(rawValue: peer.endpoint), to: peer.peer, key: try key(of: peer))
      }
      let began = MonotonicClock.now
      let streamed = StreamedWeights(line, cache: cache)
      var model: ModelKernels?
      if case .model(let part) = assignment.payload {
        model = try ModelKernels(part, rank: assignment.rank, streamed: streamed)
      }
      let loading = MonotonicClock.now - began
      try line.say(.ready(weightBytes: model?.weightBytes ?? 0))

      var executor = NodeExecutor(
        rank: assignment.rank, run: assignment.run, transport: transport,
        isPhantom: assignment.payload == .phantom, model: model, abortFlag: abortFlag,
        recording: assignment.recording, faults: assignment.faults)
      try execute(&executor)
      var report = executor.report()
      report.loading = loading
      report.streamedBytes = streamed.streamedBytes
      report.cachedBytes = streamed.cachedBytes
      report.refusedPeers = admission.refused.count
      try line.say(.done(report))
    }

    /// Windows come ahead of `begin`, wait for it, and are then done as they come.
    private func execute(_ executor: inout NodeExecutor) throws {
      var waiting: [NodeWindow] = []
      var hasBegun = false
      while true {
        switch try next(expecting: "window") {
        case .window(let window):
          if hasBegun {
            try line.say(.windowDone(try executor.run(window)))
          } else {
            waiting.append(window)
          }
        case .begin:
          hasBegun = true
          for window in waiting { try line.say(.windowDone(try executor.run(window))) }
          waiting = []
        case .finish: return
        case let message: throw unexpected(message, "window")
        }
      }
    }

    private func bind(
      _ transport: SocketTransport, _ assignment: Assignment
    ) throws -> [ControlMessage.PeerEndpoint] {
      switch assignment.transport {
      case .ipc(let folder):
        return try assignment.sources.map { peer in
          // A run that is run again has paths of its own: the sockets before may not be gone yet.
          let run = String(assignment.run, radix: 36)
          let path = "\(folder)/\(run)-\(peer.index)-\(assignment.rank.index)"
          let bound = try transport.bind(.ipc(path: path), for: peer)
          return ControlMessage.PeerEndpoint(peer: peer, endpoint: bound.rawValue)
        }
      case .tcp:
        let options = service.options
        let address = try HostAddress(
          advertised: options.address, bound: options.bind, ports: options.ports,
          coordinator: service.coordinator)
        return try assignment.sources.map { peer in
          let port = try transport.bind(at: address, for: peer)
          return ControlMessage.PeerEndpoint(
            peer: peer, endpoint: Endpoint.tcp(host: address.advertised, port: port).rawValue)
        }
      }
    }

    /// A node with keys connects to nobody without.
    private func key(of peer: ControlMessage.PeerEndpoint) throws -> CurvePublicKey? {
      guard service.options.keys != nil else { return nil }
      guard let key = CurvePublicKey(z85: peer.key) else {
        throw NodeFailure(
          reason: "\(peer.peer) has no key, and this node is secured; start it with --key too",
          isOwn: true)
      }
      return key
    }

    private func next(expecting expected: String) throws -> ControlMessage {
      let message = try line.next()
      switch message {
      case .connect where expected == "connect": return message
      case .window, .begin, .finish:
        if expected == "window" { return message }
      // An answer to what was asked again, because it came late.
      case .weights where expected == "window": return try next(expecting: expected)
      default: break
      }
      throw unexpected(message, expected)
    }

    private func unexpected(_ message: ControlMessage, _ expected: String) -> NodeFailure {
      NodeFailure(
        reason: "the coordinator said '\(message.name)' where '\(expected)' belongs", isOwn: true)
    }

    private func hello(_ rank: Int?) -> ControlMessage.Hello {
      .init(
        host: HostIdentity.name, process: getpid(),
        processors: sysconf(Int32(_SC_NPROCESSORS_ONLN)), instructions: "\(InstructionSet.best)",
        requestedRank: rank, memory: HostIdentity.memory, boot: HostIdentity.boot,
        key: service.options.keys?.own.publicKey.z85 ?? "")
    }
  }
}
