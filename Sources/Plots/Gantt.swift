/// What happened when, a track for each who did it, with messages between them.
public struct Gantt: Chart {
  /// What it shows, in a few words.
  public var title: String
  /// What a reader who does not see it should know.
  public var description: String
  /// What the times measure.
  public var unit: ValueUnit
  /// Names of the tracks, from top to bottom.
  public var tracks: [String]
  /// Names of what spans can be; each has a colour.
  public var kinds: [String]
  /// What happened.
  public var spans: [Span]
  /// What went from track to track.
  public var arrows: [Arrow]

  /// Something that took time on a track.
  public struct Span: Hashable, Sendable {
    /// Index of its track.
    public var track: Int
    /// Index of its kind.
    public var kind: Int
    /// What it is, for whoever looks closer.
    public var name: String
    /// When it began.
    public var start: Double
    /// When it ended.
    public var end: Double

    /// A span of a track.
    public init(track: Int, kind: Int, name: String, start: Double, end: Double) {
      self.track = track
      self.kind = kind
      self.name = name
      self.start = start
      self.end = end
    }
  }

  /// A message.
  public struct Arrow: Hashable, Sendable {
    /// Index of the track it leaves.
    public var from: Int
    /// Index of the track it reaches.
    public var to: Int
    /// When it left.
    public var departure: Double
    /// When it arrived.
    public var arrival: Double

    /// A message between tracks.
    public init(from: Int, to: Int, departure: Double, arrival: Double) {
      self.from = from
      self.to = to
      self.departure = departure
      self.arrival = arrival
    }
  }

  /// A timeline.
  ///
  /// - Precondition: spans and arrows name tracks and kinds that there are.
  public init(
    title: String, description: String, unit: ValueUnit, tracks: [String], kinds: [String],
    spans: [Span], arrows: [Arrow] = []
  ) {
    precondition(
      spans.allSatisfy { tracks.indices.contains($0.track) && kinds.indices.contains($0.kind) }
        && arrows.allSatisfy { tracks.indices.contains($0.from) && tracks.indices.contains($0.to) },
      "spans of \(tracks.count) tracks and \(kinds.count) kinds")
    self.title = title
    self.description = description
    self.unit = unit
    self.tracks = tracks
    self.kinds = kinds
    self.spans = spans
    self.arrows = arrows
  }

  private static let trackHeight = 26.0
  /// Points below which neighbours of one kind are drawn as one.
  private static let finest = 0.5

  /// The picture, laid out for a width in points.
  public func drawing(width: Double) -> Drawing {
    var drawing = Drawing(width: width, height: 0)
    let size = Drawing.smallSize
    let used = Set(spans.map(\.kind)).sorted()
    let legend = Legend(used.map { ($0, kinds[$0]) }, key: .box)
    let top = legend.draw(in: &drawing, x: 4, y: 0) + 4
    let names = tracks.map { TextMeasure.fitted($0, size: size, into: width * 0.28) }
    let left = ((names.map { TextMeasure.width($0, size: size) }.max() ?? 0) + 12).rounded(.up)
    let right = width - 16
    let bottom = top + Double(tracks.count) * Self.trackHeight
    let start = (spans.map(\.start) + arrows.map(\.departure)).min() ?? 0
    let end = (spans.map(\.end) + arrows.map(\.arrival)).max() ?? 1
    let length = max(end - start, .leastNonzeroMagnitude)
    func at(_ time: Double) -> Double { left + (time - start) / length * (right - left) }
    for (index, name) in names.enumerated() {
      let y = top + Double(index) * Self.trackHeight
      drawing.text(name, x: left - 6, y: y + 17, anchor: .end, classes: "faint small")
      drawing.line(
        left, y + Self.trackHeight, right, y + Self.trackHeight, classes: "grid")
    }
    for span in merged(at: at) {
      drawing.rectangle(
        x: at(span.start), y: top + Double(span.track) * Self.trackHeight + 4,
        width: max(Self.finest, at(span.end) - at(span.start)), height: Self.trackHeight - 8,
        classes: "f\(span.kind % Palette.count)",
        tip: "\(tracks[span.track]), \(span.name): \(unit.text(span.start)) + "
          + unit.text(span.end - span.start))
    }
    for arrow in arrows {
      func middle(_ track: Int) -> Double { top + (Double(track) + 0.5) * Self.trackHeight }
      drawing.line(
        at(arrow.departure), middle(arrow.from), at(arrow.arrival), middle(arrow.to),
        classes: "axis")
    }
    drawAxis(in: &drawing, from: start, to: end, left: left, right: right, y: bottom, at: at)
    drawing.height = bottom + 42
    return drawing
  }

  /// Spans that can be seen: on each track, what is too short to see joins its neighbour of the same
  /// kind.
  private func merged(at: (Double) -> Double) -> [Span] {
    var result: [Span] = []
    var last: [Int: Int] = [:]
    for span in spans.sorted(by: { ($0.track, $0.start, $0.end) < ($1.track, $1.start, $1.end) })
    where span.end > span.start {
      if let index = last[span.track], result[index].kind == span.kind,
        at(span.start) - at(result[index].end) < Self.finest,
        at(span.end) - at(result[index].start) < 3
      {
        result[index].end = max(result[index].end, span.end)
        if result[index].name != span.name { result[index].name = kinds[span.kind] }
      } else {
        last[span.track] = result.count
        result.append(span)
      }
    }
    return result
  }

  private func drawAxis(
    in drawing: inout Drawing, from start: Double, to end: Double, left: Double, right: Double,
    y: Double, at: (Double) -> Double
  ) {
    let step = unit.step(for: max(start.magnitude, end.magnitude))
    let most = max(2, Int((right - left) / 90))
    let scale = Scale.linear([start, end], includesZero: false, most: most, unit: step.size)
    var free = -Double.infinity
    for tick in scale.ticks where tick >= start && tick <= end {
      let text = NumberText.significant(tick / step.size, digits: 7)
      let half = TextMeasure.width(text, size: Drawing.smallSize) / 2
      let x = min(at(tick), drawing.width - half)
      guard x - half > free else { continue }
      drawing.line(at(tick), y, at(tick), y + 4, classes: "axis")
      drawing.text(text, x: x, y: y + 17, anchor: .middle, classes: "faint small")
      free = x + half + 6
    }
    drawing.text(
      "time (\(step.name))", x: (left + right) / 2, y: y + 34, anchor: .middle, classes: "faint")
  }

  /// The data that it shows.
  public var csv: CSV {
    var csv = CSV(
      columns: ["track", "kind", "name", "start_\(unit.base)", "end_\(unit.base)", "to"])
    for span in spans {
      csv.append([
        tracks[span.track], kinds[span.kind], span.name, NumberText.plain(span.start),
        NumberText.plain(span.end), "",
      ])
    }
    for arrow in arrows {
      csv.append([
        tracks[arrow.from], "message", "", NumberText.plain(arrow.departure),
        NumberText.plain(arrow.arrival), tracks[arrow.to],
      ])
    }
    return csv
  }
}
