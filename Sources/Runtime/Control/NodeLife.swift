import Messaging
import Programs

/// The life of a node's data path, as a value: what it was told and what it has done go in, what to do comes out.
///
/// ```
/// waiting       has said hello               assigned               ▶ binding
/// binding       makes endpoints              they are there         ▶ connecting   (says bound)
/// connecting    waits for all peers'         they are told          ▶ loading
/// loading       connects, reads slices       done                   ▶ ready        (says ready)
/// ready         takes windows                begin                  ▶ running, executing
/// running       waits for windows            a window               ▶ executing
/// executing     a window                     done                   ▶ running      (says so)
/// ready, running                             finish                 ▶ reporting
/// reporting     sums up                      done                   ▶ waiting      (says done, hello)
/// connecting to running                      a word is missing      ▶ interrupted  (says astray)
/// binding to reporting                       the flag is up         ▶ interrupted
/// interrupted   looks for the word that ended the run; hears nothing else
/// connecting to interrupted                  again                  ▶ waiting      (says hello)
/// waiting                                    dismissed              ▶ left
/// any                                        refused, aborted, something fails     ▶ left, with the reason
/// ```
/// While it works (binding, loading, executing, reporting) it hears nothing: words wait in their queue, and the
/// abort flag, which whoever works looks at, stands for the urgent ones. An action that is work comes last, and
/// its end is the next event.
public struct NodeLife: Sendable {
  /// Where it is.
  public enum State: Hashable, Sendable {
    case waiting, binding, connecting, loading
    /// Windows that came before the beginning.
    case ready([NodeWindow])
    /// The next window.
    case running(next: Int)
    /// A window, and those that came before the beginning and are still to be done.
    case executing(Int, then: [NodeWindow])
    case reporting
    case interrupted
    case left
  }

  /// What happens to it.
  public enum Event {
    case message(ControlMessage)
    /// What the coordinator said is no message.
    case unreadable(FrameError)
    // Ends of work.
    case bound([ControlMessage.PeerEndpoint])
    case loaded(weightBytes: Int)
    case executed(WindowReport)
    case reported(NodeReport)
    case failed(NodeFailure)
    /// The flag was up. Why has been said.
    case aborted
    /// Nothing was said where an interrupted node looked for the reason.
    case nothingSaid
  }

  /// What the shell must do.
  public enum Action {
    case say(ControlMessage)
    /// Let go of what was made for the run: sockets, shard, executor.
    case letGo
    /// Lower the abort flag: the run for which it was raised is over.
    case lowerFlag
    // Work.
    case bind(Assignment)
    /// Connect to these, and load the slices.
    case load([ControlMessage.PeerEndpoint])
    case execute(NodeWindow)
    case report
    /// The end; `nil` is a good one.
    case leave(NodeFailure?)
  }

  /// Windows that may come before the beginning: as many as a coordinator hands out ahead.
  static let mostWaiting = ClusterSession.windowsAhead

  /// Where it is.
  public private(set) var state = State.waiting
  /// The rank that it has, had last, or asks for.
  public private(set) var rank: Int?
  /// The last run of which it has heard.
  private var run: UInt64 = 0
  private let hello: ControlMessage.Hello

  /// - Parameter hello: Who the node is, and which rank it asks for.
  public init(_ hello: ControlMessage.Hello) {
    self.hello = hello
    rank = hello.requestedRank
  }

  /// The first words.
  public func begin() -> [Action] {
    var hello = hello
    // The same part again where there is another run: what is measured is then of the same hosts.
    hello.requestedRank = rank
    hello.run = run
    return [.say(.hello(hello))]
  }

  /// Whether it works, and so hears nothing.
  public var isWorking: Bool {
    switch state {
    case .binding, .loading, .executing, .reporting: true
    case .waiting, .connecting, .ready, .running, .interrupted, .left: false
    }
  }

  /// Takes an event and says what to do.
  public mutating func handle(_ event: Event) -> [Action] {
    switch (state, event) {
    case (.left, _): return []
    case (_, .message(let message)):
      precondition(!isWorking, "'\(message.name)' was heard while \(state)")
      return hear(message)
    case (.interrupted, .unreadable): return []
    case (_, .unreadable(let error)):
      return leave(.init(reason: "the coordinator sent an unreadable frame: \(error)", isOwn: true))
    case (_, .failed(let failure)): return leave(failure)
    case (_, .aborted):
      state = .interrupted
      return []
    case (_, .nothingSaid):
      return leave(.init(reason: "the run was aborted", isOwn: false))
    case (.binding, .bound(let endpoints)):
      state = .connecting
      return [.say(.bound(endpoints))]
    case (.loading, .loaded(let bytes)):
      state = .ready([])
      return [.say(.ready(weightBytes: bytes))]
    case (.executing(let index, let windows), .executed(let report)):
      state = .running(next: index + 1)
      return [.say(.windowDone(report))] + execute(windows)
    case (.reporting, .reported(let report)):
      state = .waiting
      return [.say(.done(report)), .letGo] + begin()
    case (_, .bound), (_, .loaded), (_, .executed), (_, .reported):
      preconditionFailure("\(event) while \(state)")
    }
  }

  private mutating func hear(_ message: ControlMessage) -> [Action] {
    switch (state, message) {
    case (_, .refuse(let reason)):
      return leave(.init(reason: "the coordinator refused this node: \(reason)", isOwn: false))
    case (_, .abort(let reason)): return leave(.init(reason: reason, isOwn: false))
    // It has said all of that run already, and hello.
    case (.waiting, .again(_, let run)):
      guard run != self.run else { return [.lowerFlag] }
      // Its assignment was lost.
      self.run = run
      return [.lowerFlag] + begin()
    case (_, .again(_, let run)):
      self.run = run
      state = .waiting
      return [.letGo, .lowerFlag] + begin()
    case (.interrupted, _): return []
    case (.waiting, .assign(let assignment)):
      state = .binding
      rank = assignment.rank.index
      run = assignment.run
      return [.bind(assignment)]
    case (.waiting, .dismiss): return leave(nil)
    case (.waiting, _):
      return leave(.init(reason: Self.unexpected(message, "assign"), isOwn: true))
    case (.connecting, .connect(let peers)):
      state = .loading
      return [.load(peers)]
    // An answer to what was asked again, because it came late.
    case (.ready, .weights), (.running, .weights): return []
    case (.ready(let windows), .window(let window)):
      guard window.index == windows.count, windows.count < Self.mostWaiting else {
        return stray("window \(window.index) came where \(windows.count) belongs")
      }
      state = .ready(windows + [window])
      return []
    case (.ready(let windows), .begin):
      state = .running(next: 0)
      return execute(windows)
    case (.running(let next), .window(let window)):
      guard window.index == next else {
        return stray("window \(window.index) came where \(next) belongs")
      }
      return execute([window])
    case (.ready([]), .finish), (.running, .finish):
      state = .reporting
      return [.report]
    case (.connecting, _): return stray(Self.unexpected(message, "connect"))
    default: return stray(Self.unexpected(message, "window"))
    }
  }

  /// The first of the windows; the others follow when it is done.
  private mutating func execute(_ windows: [NodeWindow]) -> [Action] {
    guard let window = windows.first else { return [] }
    state = .executing(window.index, then: Array(windows.dropFirst()))
    return [.execute(window)]
  }

  /// What is executed must be all that was said, in its order; else the numbers would be wrong.
  private mutating func stray(_ reason: String) -> [Action] {
    state = .interrupted
    return [.say(.astray(reason))]
  }

  private mutating func leave(_ failure: NodeFailure?) -> [Action] {
    state = .left
    if let failure, failure.isOwn { return [.say(.failed(failure.reason)), .leave(failure)] }
    return [.leave(failure)]
  }

  private static func unexpected(_ message: ControlMessage, _ expected: String) -> String {
    "the coordinator said '\(message.name)' where '\(expected)' belongs"
  }
}
