import Messaging
import Programs
import Quantities
import Runtime
import ZeroMQ
import ZeroMQTransport

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// How long a message takes from one node process to another, one way: the data path of a node as it is,
/// from the instruction to the socket and back, between two processes.
///
/// ```
/// message-bench tcp://127.0.0.1:* pong 16384 20000     prints the endpoint it is bound to
/// message-bench <that endpoint>   ping 16384 20000     prints "median <ns> mean <ns>", one way
/// message-bench tcp://127.0.0.1:* sink 1024 2000       the same, for
/// message-bench <that endpoint>   flood 1024 2000      prints "rate <messages a second>": 64 a round, then an answer
/// ```
/// A fifth word, `curve`, given to both, encrypts the data sockets as in a secured cluster.
///
/// Arguments, output and what is timed of ping and pong are those of `scripts/bench.d/pingpong.c`, which does the same
/// with libzmq alone and is what this is held against; `scripts/bench` runs them in turns.
@main
struct MessageBench {
  static func main() throws {
    guard let arguments = Arguments(CommandLine.arguments.dropFirst()) else {
      Self.say(
        "usage: message-bench endpoint ping|pong|flood|sink bytes rounds [curve]\n",
        on: STDERR_FILENO)
      exit(2)
    }
    let context = try Context()
    // Who leads is rank 0.
    let (rank, peer) = arguments.leads ? (Rank(0), Rank(1)) : (Rank(1), Rank(0))
    let transport = SocketTransport(
      context: context,
      limits: .init(
        wait: .seconds(60), queue: ProgramCheck.maximumUnderWay, largestPayload: arguments.bytes),
      abortFlag: AbortFlag(), keys: arguments.keys)
    try Self.meet(arguments, peer: peer, transport: transport, context: context)

    var executor = NodeExecutor(rank: rank, run: 1, transport: transport, isPhantom: false)
    let warmup = arguments.rounds / 10
    var times: [Int64] = []
    times.reserveCapacity(arguments.rounds)
    for round in 0..<warmup + arguments.rounds {
      let window = Self.round(round, arguments, rank: rank, peer: peer)
      let start = MonotonicClock.now
      _ = try executor.run(window)
      if round >= warmup { times.append((MonotonicClock.now - start).nanoseconds) }
    }
    guard arguments.leads else { return }
    times.sort()
    let total = times.reduce(0, +)
    guard arguments.burst == 1 else {
      let messages = Double(arguments.rounds * arguments.burst)
      return Self.say("rate \(Int(messages * 1e9 / Double(total)))\n", on: STDOUT_FILENO)
    }
    let mean = total / Int64(times.count)
    Self.say("median \(times[times.count / 2] / 2) mean \(mean / 2)\n", on: STDOUT_FILENO)
  }

  /// What the command line says.
  struct Arguments {
    let endpoint: Endpoint
    /// Whether it sends first, and is timed.
    let leads: Bool
    /// Messages of a round one way; the other way one.
    let burst: Int
    let bytes: Int
    let rounds: Int
    let keys: CurveKeyPair?
    /// What the other side must know; a word for no key, since an empty message would be none.
    var ownKey: String { keys?.publicKey.z85 ?? "none" }

    init?(_ words: ArraySlice<String>) {
      let words = Array(words)
      guard (4...5).contains(words.count), words.count == 4 || words[4] == "curve",
        ["ping", "pong", "flood", "sink"].contains(words[1]),
        let bytes = Int(words[2]), bytes > 0, bytes.isMultiple(of: 4),
        let rounds = Int(words[3]), rounds > 0
      else { return nil }
      endpoint = Endpoint(rawValue: words[0])
      leads = ["ping", "flood"].contains(words[1])
      burst = ["flood", "sink"].contains(words[1]) ? 64 : 1
      self.bytes = bytes
      self.rounds = rounds
      keys = words.count == 5 ? try? CurveKeyPair() : nil
    }
  }

  /// Connects both ways. Each listens for the other, as nodes do; in place of a coordinator, ping tells
  /// pong where it listens, through pong's first socket.
  static func meet(
    _ arguments: Arguments, peer: Rank, transport: SocketTransport, context: Context
  ) throws {
    let bound = try transport.bind("tcp://127.0.0.1:*", for: peer)
    if arguments.leads {
      var introduction = try Socket<Push>(in: context)
      try introduction.connect(arguments.endpoint)
      try introduction.send(bound.rawValue)
      try introduction.send(arguments.ownKey)
      var answer = try Socket<Pull>(in: context)
      // Pong's data socket has a port of its own; it comes back the same way.
      let way = try answer.bind("tcp://127.0.0.1:*")
      try introduction.send(way.rawValue)
      let endpoint = Endpoint(rawValue: try Self.text(from: &answer))
      try transport.connect(
        endpoint, to: peer, key: CurvePublicKey(z85: try Self.text(from: &answer)))
    } else {
      var introduction = try Socket<Pull>(in: context)
      Self.say("\(try introduction.bind(arguments.endpoint).rawValue)\n", on: STDOUT_FILENO)
      let endpoint = Endpoint(rawValue: try Self.text(from: &introduction))
      try transport.connect(
        endpoint, to: peer, key: CurvePublicKey(z85: try Self.text(from: &introduction)))
      var answer = try Socket<Push>(in: context)
      try answer.connect(Endpoint(rawValue: try Self.text(from: &introduction)))
      try answer.send(bound.rawValue)
      try answer.send(arguments.ownKey)
    }
  }

  private static func text(from socket: inout Socket<Pull>) throws -> String {
    let message = try socket.receive()
    return message.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
  }

  /// One round as a node's window: who leads sends and receives, the other receives and sends back.
  static func round(_ index: Int, _ arguments: Arguments, rank: Rank, peer: Rank) -> NodeWindow {
    let elements = arguments.bytes / 4
    let values = Values(first: 0, count: 1)
    let send = Instruction.send(
      Send(
        to: peer, stream: .activation, port: 0, holdsPortUntilDelivery: false, values: values,
        elements: elements, bytes: elements * 2, overhead: .zero, serialization: .zero,
        latency: EmulatedTime(picoseconds: 1)))
    let receive = Instruction.receive(
      Receive(
        from: peer, stream: .activation, port: 0, values: values, elements: elements,
        bytes: elements * 2, serialization: .zero, overhead: .zero))
    let work = RankWindow(
      values: [ValuePlace(buffer: 0, offset: 0, elements: elements)],
      instructions: arguments.leads
        ? Array(repeating: send, count: arguments.burst) + [receive]
        : Array(repeating: receive, count: arguments.burst) + [send])
    return NodeWindow(
      Window(
        index: index, batches: [],
        ranks: rank.index == 0 ? [work, RankWindow()] : [RankWindow(), work]),
      rank: rank)
  }

  /// Writes at once: the reader at the other end of a pipe waits for the endpoint.
  private static func say(_ text: String, on descriptor: Int32) {
    var text = text
    text.withUTF8 { _ = write(descriptor, $0.baseAddress, $0.count) }
  }
}
