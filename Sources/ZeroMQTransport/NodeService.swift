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

/// A node process, from a coordinator's address to its leave.
///
/// `NodeLife` says what comes after what; this makes the sockets, loads the shard and executes windows, on one
/// thread, while a `ControlThread` speaks with the coordinator.
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
    /// Folder of the launch's `ipc` sockets, which are removed when the coordinator is lost; `nil` of a node that
    /// somebody else has started.
    public var launchFolder: String?
    /// Where the process ends itself, in tests of recovery.
    public var crash: CrashPoint?
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
        limits: .init(
          registration: options.registrationLimit.inNanoseconds,
          silence: options.silenceLimit.inNanoseconds),
        abortFlag: abortFlag, keys: options.keys, admission: admission)
      let thread = try control.start()
      var socket = try Socket<Pair>(in: context)
      try socket.connect(ControlThread.endpoint)
      let line = ControlLine(socket)
      let body = Body(
        service: self, context: context, line: line, abortFlag: abortFlag, cache: cache,
        admission: admission)
      let failure = try body.live()
      // The control thread sends what is left, and ends.
      try line.end()
      pthread_join(thread, nil)
      if control.hasLostCoordinator {
        body.abandoned.remove(launchFolder: options.launchFolder)
      }
      if let failure { throw failure }
    } catch let failure as NodeFailure {
      throw failure
    } catch {
      throw NodeFailure(reason: "\(error)", isOwn: true)
    }
  }

  /// A name of its own, which it keeps when its connection is made anew. The first byte is not zero, as
  /// libzmq asks.
  private static var identity: RoutingID {
    var generator = SystemRandomNumberGenerator()
    return RoutingID(
      [0x4E] + (0..<15).map { _ in UInt8.random(in: .min ... .max, using: &generator) })
  }

  /// A node while its control thread runs: it does what its life asks for.
  private final class Body {
    private let service: NodeService
    private let context: Context
    private let line: ControlLine
    private let abortFlag: AbortFlag
    private let cache: WeightCache?
    private let admission: Admission
    /// What is made for a run and goes with it: its sockets, and then what executes on them.
    private var sockets: (assignment: Assignment, transport: SocketTransport)?
    private var shard: LoadedShard?
    private(set) var abandoned = AbandonedSockets()

    init(
      service: NodeService, context: Context, line: ControlLine, abortFlag: AbortFlag,
      cache: WeightCache?, admission: Admission
    ) {
      self.service = service
      self.context = context
      self.line = line
      self.abortFlag = abortFlag
      self.cache = cache
      self.admission = admission
    }

    /// Lives until there are no more runs, or one has failed.
    ///
    /// Throws `ZeroMQError` when the control thread cannot be spoken with.
    func live() throws(ZeroMQError) -> NodeFailure? {
      var life = NodeLife(hello)
      var actions = life.begin()
      while true {
        var event: NodeLife.Event?
        for action in actions {
          switch action {
          case .say(let message): try line.say(message)
          case .letGo: (sockets, shard) = (nil, nil)
          case .lowerFlag: abortFlag.lower()
          case .leave(let failure): return failure
          case .bind(let assignment): event = result { .bound(try bind(assignment)) }
          case .load(let peers): event = result { .loaded(weightBytes: try load(peers)) }
          case .execute(let window):
            event = result { .executed(try shard!.executor.run(window)) }
          case .report: event = .reported(report())
          }
        }
        if event == nil { event = try listen(life) }
        actions = life.handle(event!)
      }
    }

    /// The end of a piece of work, good or bad.
    private func result(_ work: () throws -> NodeLife.Event) -> NodeLife.Event {
      do {
        return try work()
      } catch let failure as NodeFailure {
        return .failed(failure)
      } catch NodeError.aborted {
        return .aborted
      } catch {
        return .failed(NodeFailure(reason: "\(error)", isOwn: true))
      }
    }

    /// The coordinator's next word. When the flag is up, the reason is here already.
    private func listen(_ life: NodeLife) throws(ZeroMQError) -> NodeLife.Event {
      let heard =
        life.state == .interrupted && abortFlag.isRaised ? try line.waiting() : try line.next()
      switch heard {
      case .success(let message): return .message(message)
      case .failure(let error): return .unreadable(error)
      case nil: return .nothingSaid
      }
    }

    private func bind(_ assignment: Assignment) throws -> [ControlMessage.PeerEndpoint] {
      // libzmq's threads run already, and stay free.
      if let processor = assignment.processor { ProcessorAffinity.pin(toAllowed: processor) }
      let transport = SocketTransport(
        context: context,
        limits: .init(
          wait: .milliseconds(assignment.waitLimitMilliseconds), queue: assignment.queueLimit,
          largestPayload: assignment.largestPayload),
        abortFlag: abortFlag, keys: service.options.keys?.own)
      sockets = (assignment, transport)
      // Before the sockets are there to connect to.
      admission.admit(Set(assignment.sourceKeys.compactMap { CurvePublicKey(z85: $0) }))
      return try bind(transport, assignment)
    }

    /// Returns the bytes of the slices.
    private func load(_ peers: [ControlMessage.PeerEndpoint]) throws -> Int {
      let (assignment, transport) = sockets!
      for peer in peers {
        try transport.connect(
          Endpoint(rawValue: peer.endpoint), to: peer.peer, key: try key(of: peer))
      }
      let began = MonotonicClock.now
      let streamed = StreamedWeights(line, cache: cache)
      var model: ModelKernels?
      if case .model(let part) = assignment.payload {
        model = try ModelKernels(
          part, rank: assignment.rank, streamed: streamed,
          crash: service.options.crash)
      }
      let loading = MonotonicClock.now - began
      let executor = NodeExecutor(
        rank: assignment.rank, run: assignment.run, transport: transport,
        isPhantom: assignment.payload == .phantom, model: model, abortFlag: abortFlag,
        recording: assignment.recording, faults: assignment.faults,
        crash: service.options.crash)
      shard = LoadedShard(executor, streamed: streamed, loading: loading)
      return model?.weightBytes ?? 0
    }

    private func report() -> NodeReport {
      let shard = shard!
      var report = shard.executor.report()
      report.loading = shard.loading
      report.streamedBytes = shard.streamed.streamedBytes
      report.cachedBytes = shard.streamed.cachedBytes
      report.refusedPeers = admission.refused.count
      return report
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
          abandoned.bound(path, in: folder)
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

    private var hello: ControlMessage.Hello {
      .init(
        host: HostIdentity.name, process: getpid(),
        processors: sysconf(Int32(_SC_NPROCESSORS_ONLN)), instructions: "\(InstructionSet.best)",
        requestedRank: service.options.requestedRank, memory: HostIdentity.memory,
        boot: HostIdentity.boot,
        key: service.options.keys?.own.publicKey.z85 ?? "")
    }
  }
}

/// A rank's part of a model, with what executes it.
private final class LoadedShard {
  var executor: NodeExecutor
  let streamed: StreamedWeights
  /// What it took to load the slices.
  let loading: MeasuredTime

  init(
    _ executor: consuming NodeExecutor, streamed: StreamedWeights, loading: MeasuredTime
  ) {
    self.executor = executor
    self.streamed = streamed
    self.loading = loading
  }
}

extension Duration {
  fileprivate var inNanoseconds: Int64 {
    components.seconds * 1_000_000_000 + components.attoseconds / 1_000_000_000
  }
}
