import Hardware
import Programs
import Quantities
import Runtime

/// Timelines as a trace in Chrome's JSON format, which https://ui.perfetto.dev opens.
///
/// A *process* of the trace is one clock of one half; the two clocks are never on one axis but by the
/// reader's eye. A process has a track for each region of each rank, one for what the rank waited for,
/// and one for each port. A message is a flow from its sender's port to its receiver's. Times are
/// microseconds, as the format has them, with all digits; `args` repeat them as whole picoseconds, since
/// viewers round to nanoseconds.
struct ChromeTrace {
  private var lines: [String] = []
  private var flows = 0
  private var tracks: [Track: Int] = [:]

  /// Processes of a trace, in the order in which a viewer shows them.
  enum Process: Int {
    case clusterEmulated = 1
    case clusterMeasured, singleEmulated, singleMeasured
  }

  /// A line of a process.
  struct Track: Hashable {
    let process: Process
    let rank: Int
    let kind: Kind

    enum Kind: Hashable {
      case region(Int32)
      case waits
      case egress(Int32)
      case ingress(Int32)
      case node

      /// Order within a rank; ports are numbered below `Rank.maximumCount`, regions below the layers.
      fileprivate var order: Int {
        switch self {
        case .node: 0
        case .waits: 1
        case .region(let index): 2 + Int(index)
        case .egress(let index): 1 << 20 + Int(index)
        case .ingress(let index): 1 << 21 + Int(index)
        }
      }

      fileprivate var name: String {
        switch self {
        case .node: "node"
        case .waits: "waits"
        case .region(let index): "region \(index)"
        case .egress(let index): "egress \(index)"
        case .ingress(let index): "ingress \(index)"
        }
      }
    }
  }

  /// A trace of both halves, as far as they were recorded.
  init(cluster: Timeline?, single: Timeline?) {
    if let cluster {
      add(cluster, .clusterEmulated, .clusterMeasured, name: "cluster")
    }
    if let single { add(single, .singleEmulated, .singleMeasured, name: "single") }
  }

  /// The file.
  var text: String {
    "{\"displayTimeUnit\":\"ns\",\"traceEvents\":[\n" + lines.joined(separator: ",\n") + "\n]}\n"
  }

  private mutating func add(
    _ timeline: Timeline, _ emulated: Process, _ measured: Process, name: String
  ) {
    title(emulated, "\(name), emulated time")
    for kernel in timeline.recording.kernels { add(kernel, to: emulated) }
    for message in timeline.recording.messages { add(message, to: emulated) }
    guard let times = timeline.measured else { return }
    title(measured, "\(name), measured time of this host")
    add(times, to: measured)
  }

  // MARK: Emulated time

  private mutating func add(_ kernel: Recording.Kernel, to process: Process) {
    let work = kernel.work
    let track = track(process, kernel.rank.index, .region(work.region))
    slice(
      track, kernel.work.kernel.isOfLayer ? "\(work.kernel) \(work.argument)" : "\(work.kernel)",
      category: "kernel", Self.microseconds(kernel.start),
      Self.microseconds(kernel.end - kernel.start),
      """
      "step":\(kernel.window),"batch":\(work.batch),"start_ps":\(kernel.start.picoseconds),\
      "end_ps":\(kernel.end.picoseconds),"compute_ps":\(work.cost.compute.picoseconds),\
      "fabric_ps":\(work.cost.fabric.picoseconds),"memory_ps":\(work.cost.memory.picoseconds)
      """)
  }

  private mutating func add(_ message: Recording.Message, to process: Process) {
    let send = message.send
    let egress = track(process, message.from.index, .egress(send.port))
    let free =
      send.overhead + send.serialization + (send.holdsPortUntilDelivery ? send.latency : .zero)
    let name = "\(send.stream) \(message.sequence)"
    slice(
      egress, "\(name) to \(send.to.index)", category: "message",
      Self.microseconds(message.departure), Self.microseconds(free),
      """
      "step":\(message.window),"bytes":\(send.bytes),"elements":\(send.elements),\
      "ready_ps":\(message.ready.picoseconds),"departure_ps":\(message.departure.picoseconds),\
      "arrival_ps":\(message.arrival.picoseconds)
      """)
    guard let receipt = message.receipt else { return }
    let ingress = track(process, send.to.index, .ingress(receipt.port))
    let start = receipt.served - receipt.serialization
    slice(
      ingress, "\(name) from \(message.from.index)", category: "message",
      Self.microseconds(start), Self.microseconds(receipt.serialization),
      """
      "step":\(message.window),"bytes":\(send.bytes),"arrival_ps":\(message.arrival.picoseconds),\
      "served_ps":\(receipt.served.picoseconds),"exists_ps":\(receipt.exists.picoseconds)
      """)
    flow(
      from: egress, at: Self.microseconds(message.departure), to: ingress,
      at: Self.microseconds(max(start, message.departure)))
    addWait(for: message, receipt, to: process)
  }

  /// What the receiver did while it waited: nothing, first since the peer was late, then while the
  /// message was in flight.
  private mutating func addWait(
    for message: Recording.Message, _ receipt: Recording.Receipt, to process: Process
  ) {
    guard receipt.stall > .zero else { return }
    let track = track(process, message.send.to.index, .waits)
    let parts = [
      ("peer late", receipt.awaitedFrom, min(message.departure, receipt.exists)),
      ("in flight", max(receipt.awaitedFrom, message.departure), receipt.exists),
    ]
    for (name, start, end) in parts where end > start {
      slice(
        track, "\(name): \(message.send.stream) of \(message.from.index)", category: "stall",
        Self.microseconds(start), Self.microseconds(end - start),
        "\"start_ps\":\(start.picoseconds),\"end_ps\":\(end.picoseconds)")
    }
  }

  // MARK: Measured time

  private mutating func add(_ times: Timeline.Measured, to process: Process) {
    var senders: [Timeline.MessageName: (track: Int, begin: MeasuredTime)] = [:]
    for (rank, activities) in times.activities.enumerated() {
      for item in activities {
        guard case .send(let peer, let stream, let sequence) = item.activity.kind else { continue }
        senders[.init(from: Rank(rank), to: peer, stream: stream, sequence: sequence)] = (
          track(process, rank, .node), item.activity.begin
        )
      }
    }
    for (rank, activities) in times.activities.enumerated() {
      for item in activities {
        let track = track(process, rank, .node)
        let begin = item.activity.begin - times.start
        let name: String
        let category: String
        switch item.activity.kind {
        case .kernel(let kernel, let argument, _):
          name = kernel.isOfLayer ? "\(kernel) \(argument)" : "\(kernel)"
          category = "kernel"
        case .send(let peer, let stream, let sequence):
          name = "send \(stream) \(sequence) to \(peer.index)"
          category = "message"
        case .receive(let peer, let stream, let sequence):
          name = "receive \(stream) \(sequence) from \(peer.index)"
          category = "message"
        }
        slice(
          track, name, category: category, Self.microseconds(begin),
          Self.microseconds(item.activity.end - item.activity.begin),
          "\"step\":\(item.window)")
        guard case .receive(let peer, let stream, let sequence) = item.activity.kind,
          let sender = senders[
            .init(from: peer, to: Rank(rank), stream: stream, sequence: sequence)]
        else { continue }
        flow(
          from: sender.track, at: Self.microseconds(sender.begin - times.start), to: track,
          at: Self.microseconds(max(item.activity.begin, sender.begin) - times.start))
      }
    }
  }

  // MARK: Events

  private mutating func title(_ process: Process, _ text: String) {
    lines.append(
      """
      {"ph":"M","pid":\(process.rawValue),"name":"process_name","args":{"name":"\(text)"}}
      """)
    lines.append(
      """
      {"ph":"M","pid":\(process.rawValue),"name":"process_sort_index",\
      "args":{"sort_index":\(process.rawValue)}}
      """)
  }

  /// The number of a track, which is named when it is new.
  private mutating func track(_ process: Process, _ rank: Int, _ kind: Track.Kind) -> Int {
    let track = Track(process: process, rank: rank, kind: kind)
    if let number = tracks[track] { return number }
    let number = tracks.count + 1
    tracks[track] = number
    processes.append(process)
    lines.append(
      """
      {"ph":"M","pid":\(process.rawValue),"tid":\(number),"name":"thread_name",\
      "args":{"name":"rank \(rank) \(kind.name)"}}
      """)
    lines.append(
      """
      {"ph":"M","pid":\(process.rawValue),"tid":\(number),"name":"thread_sort_index",\
      "args":{"sort_index":\(rank << 22 + kind.order)}}
      """)
    return number
  }

  /// processes[track − 1]
  private var processes: [Process] = []

  private mutating func slice(
    _ track: Int, _ name: String, category: String, _ start: String, _ duration: String,
    _ arguments: String
  ) {
    lines.append(
      """
      {"ph":"X","pid":\(processes[track - 1].rawValue),"tid":\(track),"ts":\(start),\
      "dur":\(duration),"name":"\(name)","cat":"\(category)","args":{\(arguments)}}
      """)
  }

  private mutating func flow(from: Int, at start: String, to: Int, at end: String) {
    flows += 1
    for (phase, track, time) in [("\"s\"", from, start), ("\"f\",\"bp\":\"e\"", to, end)] {
      lines.append(
        """
        {"ph":\(phase),"id":\(flows),"pid":\(processes[track - 1].rawValue),"tid":\(track),\
        "ts":\(time),"name":"message","cat":"message"}
        """)
    }
  }

  /// Microseconds with all digits.
  static func microseconds(_ time: EmulatedTime) -> String {
    decimal(time.picoseconds, digits: 6)
  }

  private static func microseconds(_ time: MeasuredTime) -> String {
    decimal(time.nanoseconds, digits: 3)
  }

  private static func decimal(_ value: Int64, digits: Int) -> String {
    let text = "\(value.magnitude)"
    let padded = String(repeating: "0", count: max(0, digits + 1 - text.count)) + text
    return (value < 0 ? "-" : "") + padded.dropLast(digits) + "." + padded.suffix(digits)
  }
}
