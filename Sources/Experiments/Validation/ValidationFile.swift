import Foundation
import Hardware
import Programs
import Quantities
import Yams

/// Reads a table of published figures, strictly: every error names file, line and key.
///
/// ```yaml
/// validation: waferllm-decode      # the file's name
/// summary: "Decode on a WSE-2"
/// defaults:                        # what rows share; a row's own keys come over it
///   metric: decode-tokens-per-second
///   experiment: {model: llama-3.1-8b, hardware: {name: wse-2}, workload: {output_tokens: 2}}
/// rows:
///   - name: 8B on 420
///     experiment: {hardware: {grid: 420}}
///     published: 2699.9
///     tolerance: 1.5 %
///     mark: published
///     source: "a paper, Table 4"
///     role: calibrated
/// ```
struct ValidationFile {
  private let yaml: StrictYAML
  private let top: YAMLFields
  private let defaults: YAMLFields
  private let sha256: String
  private let expectedName: String

  /// Keys that rows share or have.
  static let sharedKeys = [
    "metric", "experiment", "prefill", "collective", "pipeline", "gemv", "ratio", "tolerance",
    "mark", "source", "role", "remarks", "note",
  ]
  /// Keys of a row.
  static let rowKeys = ["name", "published", "band"] + sharedKeys

  /// Throws `ConfigurationError` when it cannot be read or is no table.
  init(path: String) throws(ConfigurationError) {
    let bytes = try StrictYAML.bytes(path)
    try self.init(yaml: try StrictYAML(path: path), sha256: SHA256.hexadecimal(bytes))
  }

  init(yaml: StrictYAML, sha256: String) throws(ConfigurationError) {
    self.yaml = yaml
    self.sha256 = sha256
    let file = Place.file(yaml.path, line: nil)
    expectedName = URL(fileURLWithPath: yaml.path).deletingPathExtension().lastPathComponent
    top = try YAMLFields(
      yaml.root, "a validation table", at: file,
      allowed: ["validation", "summary", "defaults", "rows"], in: yaml)
    try top.require(["validation", "summary", "rows"])
    defaults =
      top.has("defaults")
      ? try top.inner("defaults", "the defaults of rows", allowed: Self.sharedKeys)
      : try YAMLFields(
        [:], "the defaults of rows", at: file, allowed: Self.sharedKeys, in: yaml)
  }

  /// The table.
  func table() throws(ConfigurationError) -> ValidationTable {
    let name = try top.text("validation")
    guard name == expectedName else {
      throw top.error(
        "validation", "is '\(name)'",
        remedy: "It must be '\(expectedName)', as the file is called")
    }
    guard case .sequence(let elements) = top.node("rows"), !elements.isEmpty else {
      throw top.error("rows", "is no list of rows", remedy: "List at least one row")
    }
    var rows: [ValidationTable.Row] = []
    for (index, element) in elements.enumerated() {
      let row = try row(element, under: "rows[\(index)]")
      if let same = rows.first(where: { $0.name == row.name }) {
        throw ConfigurationError(
          row.place, key: "name", "is '\(row.name)', as that of the row at \(same.place)",
          remedy: "Give each row of a table a name of its own")
      }
      rows.append(row)
    }
    for row in rows { try checkRatio(row, among: rows) }
    return ValidationTable(
      name: name, summary: try top.text("summary"), file: yaml.path, sha256: sha256, rows: rows)
  }

  // MARK: Rows

  private func row(_ node: Node, under section: String) throws(ConfigurationError)
    -> ValidationTable.Row
  {
    let place = yaml.place(node)
    let own = try YAMLFields(
      try yaml.mapping(node, key: section), "a row", under: section, at: place,
      allowed: Self.rowKeys, in: yaml)
    let fields = own.over(defaults)
    try fields.require(["name", "metric", "mark", "source", "role"])
    let metric: ValidationMetric = try fields.choice("metric")
    try fields.require([metric.subject])
    let subjects = Set(ValidationMetric.allCases.map(\.subject)).sorted()
    if let other = subjects.first(where: { $0 != metric.subject && own.has($0) }) {
      throw own.error(
        other, "does not go with the metric '\(metric.rawValue)'",
        remedy: "That metric takes '\(metric.subject)'")
    }
    if metric != .endToEndRate, own.has("prefill") {
      throw own.error(
        "prefill", "does not go with the metric '\(metric.rawValue)'",
        remedy: "Only \(ValidationMetric.endToEndRate.rawValue) takes it")
    }
    let published = try published(own, metric)
    var remarks: [Calibration.Row.Remark] = []
    for word in try fields.list("remarks") {
      remarks.append(try fields.choice(word, of: "remarks"))
    }
    return ValidationTable.Row(
      name: try fields.text("name"), place: place, metric: metric,
      subject: try subject(of: metric, own: own, fields: fields), published: published,
      allowed: try allowance(own: own, fields: fields, metric, published: published),
      mark: try fields.choice("mark"), source: try fields.text("source"),
      role: try fields.choice("role"), remarks: remarks, note: try fields.optionalText("note"))
  }

  private func published(_ own: YAMLFields, _ metric: ValidationMetric)
    throws(ConfigurationError) -> Rational?
  {
    guard own.has("published") else {
      guard own.has("band") else { try own.require(["published"]); return nil }
      return nil
    }
    let value = try figure(try own.text("published"), of: "published", own, metric)
    guard value > Rational(0) else {
      throw own.error("published", "is 0", remedy: "It must be more, to be compared with")
    }
    return value
  }

  private func figure(
    _ text: String, of key: String, _ fields: YAMLFields, _ metric: ValidationMetric
  ) throws(ConfigurationError) -> Rational {
    guard let value = metric.unit.parse(text) else {
      throw fields.error(key, "is '\(text)'", remedy: "It must be \(metric.unit.expectation)")
    }
    return value
  }

  private func allowance(
    own: YAMLFields, fields: YAMLFields, _ metric: ValidationMetric, published: Rational?
  ) throws(ConfigurationError) -> ValidationTable.Allowance {
    if own.has("band") {
      guard !own.has("tolerance") else {
        throw own.error("tolerance", "stands beside a band", remedy: "Keep one of them")
      }
      let words = try own.list("band")
      guard words.count == 2 else {
        throw own.error("band", "has \(words.count) bounds", remedy: "Write [low, high]")
      }
      let low = try figure(words[0], of: "band", own, metric)
      let high = try figure(words[1], of: "band", own, metric)
      guard low < high else {
        throw own.error("band", "is empty", remedy: "The first bound must be below the second")
      }
      return .band(low, high)
    }
    guard let text = try fields.optionalText("tolerance"), text != "none" else { return .any }
    guard let tolerance = Percent.parse(text) else {
      throw fields.error(
        "tolerance", "is '\(text)'", remedy: "It must be a percentage, such as 1.5 %, or none")
    }
    return .tolerance(tolerance)
  }

  private func checkRatio(_ row: ValidationTable.Row, among rows: [ValidationTable.Row])
    throws(ConfigurationError)
  {
    guard case .ratio(let of, let to) = row.subject else { return }
    for name in [of, to] {
      let names = rows.filter { $0.metric != .ratio }.map(\.name)
      guard names.contains(name) else {
        throw ConfigurationError(
          row.place, key: "ratio", "names '\(name)', which is no row of the table",
          nearest: NearestName.of(name, among: names),
          remedy: "A ratio is of two rows that are no ratios themselves")
      }
    }
  }

  // MARK: Subjects

  private func subject(of metric: ValidationMetric, own: YAMLFields, fields: YAMLFields)
    throws(ConfigurationError) -> ValidationTable.Subject
  {
    switch metric {
    case .collectiveTime: .collective(try collective(own))
    case .pipelineTime: .pipeline(try pipeline(own))
    case .productTime: .product(try product(own))
    case .ratio:
      try ratio(own)
    default:
      .experiment(
        try settings("experiment", own),
        prefill: fields.has("prefill") ? try settings("prefill", own) : nil)
    }
  }

  /// The settings of a row over those of the defaults.
  private func settings(_ key: String, _ own: YAMLFields) throws(ConfigurationError) -> Settings {
    var settings = Settings()
    for layer in [defaults, own] where layer.has(key) {
      settings.merge(try Settings(try layer.mapping(key), of: yaml))
    }
    return settings
  }

  /// The keys of a row's mapping over those of the defaults.
  private func merged(
    _ key: String, _ own: YAMLFields, _ what: String, required: [String], optional: [String] = []
  ) throws(ConfigurationError) -> YAMLFields {
    let allowed = required + optional
    let shared =
      defaults.has(key) ? try defaults.inner(key, what, allowed: allowed) : nil
    let inner = own.has(key) ? try own.inner(key, what, allowed: allowed) : nil
    let fields = inner.map { inner in shared.map { inner.over($0) } ?? inner } ?? shared!
    try fields.require(required)
    return fields
  }

  private static let linkKeys = ["latency", "bandwidth"]
  private static let linkOptions = ["ports", "hold"]

  private func collective(_ own: YAMLFields) throws(ConfigurationError)
    -> ValidationTable.CollectiveCase
  {
    let fields = try merged(
      "collective", own, "a collective",
      required: ["operation", "algorithm", "ranks", "bytes"] + Self.linkKeys,
      optional: Self.linkOptions)
    let result = ValidationTable.CollectiveCase(
      operation: try fields.choice("operation"), algorithm: try fields.choice("algorithm"),
      ranks: try fields.count("ranks", in: 1...PlainLimits.ranks),
      elements: try elements(fields), link: try link(fields))
    guard result.operation.algorithms.contains(result.algorithm) else {
      throw fields.error(
        "algorithm",
        "is '\(result.algorithm.rawValue)', which makes no \(result.operation.rawValue)",
        remedy: "Use one of "
          + result.operation.algorithms.map(\.rawValue).joined(separator: ", "))
    }
    return result
  }

  private func pipeline(_ own: YAMLFields) throws(ConfigurationError)
    -> ValidationTable.PipelineCase
  {
    let fields = try merged(
      "pipeline", own, "a pipeline",
      required: ["stages", "micro_batches", "stage_time", "bytes"] + Self.linkKeys,
      optional: Self.linkOptions)
    return ValidationTable.PipelineCase(
      stages: try fields.count("stages", in: 1...PlainLimits.ranks),
      microBatches: try fields.count("micro_batches", in: 1...PlainLimits.microBatches),
      stageTime: EmulatedTime(
        seconds: try fields.quantity(
          "stage_time", .time, in: Rational(0)...PlainLimits.stageTime)),
      elements: try elements(fields), link: try link(fields))
  }

  private func product(_ own: YAMLFields) throws(ConfigurationError)
    -> ValidationTable.ProductCase
  {
    let fields = try merged(
      "gemv", own, "a product", required: ["hardware", "side", "inputs", "outputs"])
    let sizes = 1...1_000_000
    return ValidationTable.ProductCase(
      wafer: try fields.text("hardware"),
      grid: Rectangle(square: try fields.count("side", in: 1...10_000)),
      inputs: try fields.count("inputs", in: sizes),
      outputs: try fields.count("outputs", in: sizes))
  }

  private func ratio(_ own: YAMLFields) throws(ConfigurationError) -> ValidationTable.Subject {
    let fields = try merged("ratio", own, "a ratio", required: ["of", "to"])
    return .ratio(of: try fields.text("of"), to: try fields.text("to"))
  }

  /// Numbers of a message: they are 4-byte floats.
  private func elements(_ fields: YAMLFields) throws(ConfigurationError) -> Int {
    let bytes = try fields.quantity("bytes", .bytes, in: Rational(4)...PlainLimits.bytes)
    guard bytes.denominator == 1, bytes.numerator % 4 == 0 else {
      throw fields.error(
        "bytes", "is no whole number of 4-byte floats", remedy: "Give a multiple of 4 B")
    }
    return Int(bytes.numerator) / 4
  }

  private func link(_ fields: YAMLFields) throws(ConfigurationError) -> Link {
    let latency = try fields.quantity("latency", .time, in: Rational(0)...Rational(1))
    return Link(
      latency: EmulatedTime(seconds: latency),
      bandwidth: try fields.text("bandwidth") == "infinite"
        ? nil
        : try fields.quantity(
          "bandwidth", .bandwidth, in: Link.minimumBandwidth...Rational(Int128(1) << 60)),
      ports: fields.has("ports") ? try fields.choice("ports") : .shared,
      hold: fields.has("hold") ? try fields.choice("hold") : .serialization)
  }
}

/// Bounds of programs without a model in a table, so that one row cannot take a machine.
private enum PlainLimits {
  /// More wafers than any figure is published for.
  static let ranks = 1024
  static let microBatches = 10_000
  static let stageTime = Rational(3600)
  /// 1 TiB a rank: no number is stored, only timed.
  static let bytes = Rational(Int128(1) << 40)
}
