import Plots

/// What ranks did in some steps, as pictures of kernels, messages and waits.
extension RunReport {
  /// Most ranks, kernels and messages that are drawn of a step.
  private static let mostTracks = 12
  private static let mostSpans = 4000
  private static let mostArrows = 120

  private static let kinds = [
    "attention", "feed-forward", "other kernels", "sending", "peer late", "in flight",
  ]

  var timeline: [ReportPage.Piece?] {
    guard let kernels = folder.kernels, let messages = folder.messages else {
      return [
        .text(
          "None was recorded: the folder has no \(TimelineFiles.kernelsName) and "
            + "\(TimelineFiles.messagesName).")
      ]
    }
    let steps = Set(kernels.rows.compactMap { Int($0[0]) }).sorted()
    guard let first = steps.first, let last = steps.last else { return [] }
    let table = TimelineRows(kernels: kernels, messages: messages)
    let prefill = prefillSteps
    return (first == last ? [first] : [first, last]).map { step in
      .figure(
        name: "timeline-step-\(step)",
        chart(
          step: step, table,
          title: step < prefill
            ? "Step \(step): the prompt, up to the first token" : "Step \(step): one token"))
    } + [
      .text(
        "\(TimelineFiles.traceName) beside this page holds steps \(first) to \(last) of both clocks; "
          + "https://ui.perfetto.dev opens it.")
    ]
  }

  private var prefillSteps: Int {
    let workload = modelled["workload"]
    let prompt = workload?["prompt_tokens"]?.whole ?? 1
    let chunk = max(1, workload?["prefill_chunk_tokens"]?.whole ?? prompt)
    return (prompt + chunk - 1) / chunk
  }

  private func chart(step: Int, _ table: TimelineRows, title: String) -> Gantt {
    let shown = min(nodes, Self.mostTracks)
    var spans = table.kernels(step: step).filter { $0.track < shown }
    spans += table.sends(step: step).filter { $0.track < shown }
    spans += table.waits(step: step).filter { $0.track < shown }
    spans.sort { ($0.start, $0.track, $0.kind) < ($1.start, $1.track, $1.kind) }
    let left = max(0, spans.count - Self.mostSpans)
    if left > 0 { spans = Array(spans.prefix(Self.mostSpans)) }
    let end = spans.map(\.end).max() ?? 0
    let arrows = table.arrows(step: step).filter {
      $0.from < shown && $0.to < shown && $0.arrival <= end
    }
    return Gantt(
      title: title,
      description: title + ". Emulated time; lines between tracks are activations and tokens."
        + (shown < nodes ? " The first \(shown) of \(nodes) ranks." : "")
        + (left > 0 ? " \(left) later events are left out." : ""),
      unit: .picoseconds, tracks: (0..<shown).map { "rank \($0)" }, kinds: Self.kinds,
      spans: spans, arrows: Array(arrows.prefix(Self.mostArrows)))
  }
}

/// Lines of a timeline's tables as spans of a picture.
private struct TimelineRows {
  let kernels: Plots.CSV
  let messages: Plots.CSV
  private let place: [String: Int]

  init(kernels: Plots.CSV, messages: Plots.CSV) {
    self.kernels = kernels
    self.messages = messages
    place = Dictionary(
      uniqueKeysWithValues: messages.columns.enumerated().map { ($0.element, $0.offset) })
  }

  private func number(_ row: [String], _ column: String) -> Double? { Double(row[place[column]!]) }

  private func messages(step: Int) -> [[String]] { messages.rows.filter { Int($0[0]) == step } }

  func kernels(step: Int) -> [Gantt.Span] {
    kernels.rows.compactMap { row in
      guard Int(row[0]) == step, let rank = Int(row[1]), let start = Double(row[6]),
        let end = Double(row[7])
      else { return nil }
      let kind = row[3] == "attention" ? 0 : row[3] == "feedForward" ? 1 : 2
      let name = row[4].isEmpty ? row[3] : "\(row[3]) \(row[4])"
      return Gantt.Span(track: rank, kind: kind, name: name, start: start, end: end)
    }
  }

  /// While a port works for a message.
  func sends(step: Int) -> [Gantt.Span] {
    messages(step: step).compactMap { row in
      guard let from = number(row, "from"), let start = number(row, "departure_ps"),
        let overhead = number(row, "send_overhead_ps"),
        let serialization = number(row, "serialization_ps")
      else { return nil }
      return Gantt.Span(
        track: Int(from), kind: 3, name: "\(row[3]) to \(row[2])", start: start,
        end: start + overhead + serialization)
    }
  }

  func waits(step: Int) -> [Gantt.Span] {
    messages(step: step).flatMap { row -> [Gantt.Span] in
      guard let to = number(row, "to"), let begin = number(row, "awaited_from_ps"),
        let departure = number(row, "departure_ps"), let end = number(row, "exists_ps"),
        end > begin
      else { return [] }
      let name = "\(row[3]) of \(row[1])"
      let departed = min(max(begin, departure), end)
      return [
        Gantt.Span(track: Int(to), kind: 4, name: name, start: begin, end: departed),
        Gantt.Span(track: Int(to), kind: 5, name: name, start: departed, end: end),
      ].filter { $0.end > $0.start }
    }
  }

  /// Messages between stages; those of collectives would cover everything.
  func arrows(step: Int) -> [Gantt.Arrow] {
    messages(step: step).compactMap { row in
      guard ["activation", "token"].contains(row[3]), let from = Int(row[1]),
        let to = Int(row[2]), let departure = number(row, "departure_ps"),
        let arrival = number(row, "arrival_ps")
      else { return nil }
      return Gantt.Arrow(from: from, to: to, departure: departure, arrival: arrival)
    }
  }
}
