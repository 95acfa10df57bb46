import Plots
import Programs
import Quantities
import Serving

/// A timeline as tables of comma-separated values: a line a message, and a line a kernel. Emulated times
/// are whole picoseconds, measured ones nanoseconds from the start of the run.
struct TimelineTable {
  let timeline: Timeline

  /// Columns of `messages`. What was not recorded of the receiver's end is empty.
  static let messageColumns = [
    "step", "from", "to", "stream", "sequence", "elements", "bytes", "ready_ps",
    "egress_queue_ps", "departure_ps", "send_overhead_ps", "serialization_ps", "latency_ps",
    "arrival_ps", "ingress_queue_ps", "receive_overhead_ps", "exists_ps", "awaited_from_ps",
    "stall_ps", "egress_port", "ingress_port", "measured_sent_ns", "measured_received_ns",
  ]

  /// A line for each message, in the order in which the evaluator sent them.
  var messages: Plots.CSV {
    let measured = timeline.measuredMessages
    var csv = Plots.CSV(columns: Self.messageColumns)
    for message in timeline.recording.messages {
      let send = message.send
      let receipt = message.receipt
      let times = measured[message.name]
      func ps(_ time: EmulatedTime?) -> String { time.map { "\($0.picoseconds)" } ?? "" }
      func ns(_ time: MeasuredTime?) -> String { time.map { "\($0.nanoseconds)" } ?? "" }
      let flight = message.arrival - message.departure
      csv.append([
        "\(message.window)", "\(message.from.index)", "\(send.to.index)", "\(send.stream)",
        "\(message.sequence)", "\(send.elements)", "\(send.bytes)", ps(message.ready),
        ps(message.egressQueue), ps(message.departure), ps(send.overhead), ps(send.serialization),
        ps(flight - send.overhead - send.serialization), ps(message.arrival),
        ps(receipt.map { $0.served - message.arrival }),
        ps(receipt.map { $0.exists - $0.served }), ps(receipt?.exists),
        ps(receipt?.awaitedFrom), ps(receipt?.stall), "\(send.port)",
        receipt.map { "\($0.port)" } ?? "", ns(times?.sent), ns(times?.received),
      ])
    }
    return csv
  }

  /// Columns of `tokens`.
  static let tokenColumns = ["sequence", "token", "time_ps", "measured_ns"]

  /// A line for each token that was sampled, in all steps.
  var tokens: Plots.CSV {
    Plots.CSV(
      columns: Self.tokenColumns,
      rows: timeline.tokens.map {
        [
          "\($0.sequence)", "\($0.index)", "\($0.time.picoseconds)",
          $0.measured.map { "\($0.nanoseconds)" } ?? "",
        ]
      })
  }

  /// Columns of `requests`.
  static let requestColumns = [
    "request", "arrived_ps", "admitted_ps", "first_token_ps", "last_token_ps", "tokens",
    "queue_ps", "ttft_ps", "e2el_ps",
  ]

  /// A line for each request that came over time, of the whole run.
  var requests: Plots.CSV {
    var csv = Plots.CSV(columns: Self.requestColumns)
    for (index, answer) in timeline.requests.enumerated() {
      let times = [
        answer.arrived, answer.admitted, answer.first.time, answer.last.time,
      ]
      let spans = [answer.queueTime, answer.timeToFirstToken, answer.endToEnd]
      csv.append(
        ["\(index)"] + times.map { "\($0.picoseconds)" } + ["\(answer.tokens)"]
          + spans.map { "\($0.picoseconds)" })
    }
    return csv
  }

  /// Columns of `kernels`.
  static let kernelColumns = [
    "step", "rank", "region", "kernel", "layer", "batch", "start_ps", "end_ps",
  ]

  /// A line for each kernel that takes time. `layer` is empty where the kernel is not a layer's.
  var kernels: Plots.CSV {
    var csv = Plots.CSV(columns: Self.kernelColumns)
    for kernel in timeline.recording.kernels {
      let work = kernel.work
      csv.append([
        "\(kernel.window)", "\(kernel.rank.index)", "\(work.region)", "\(work.kernel)",
        work.kernel.isOfLayer ? "\(work.argument)" : "", "\(work.batch)",
        "\(kernel.start.picoseconds)", "\(kernel.end.picoseconds)",
      ])
    }
    return csv
  }
}

extension Kernel {
  /// Whether its argument is a layer.
  var isOfLayer: Bool { self == .attention || self == .feedForward }
}
