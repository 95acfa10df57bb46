import Quantities

/// What turns counts of work into cycles: coefficients that were fitted to measured figures, and what
/// those figures were measured on.
///
/// The coefficients are regression coefficients, not hardware rates: the cost of a chain step absorbs
/// the software of a collective, where the router alone would take 6 cycles. So they hold on the
/// grids, the clock and the lengths that they were fitted on, and pricing warns elsewhere.
public struct Calibration: Hashable, Sendable {
  /// How results and hardware presets call it.
  public let name: String
  /// The wafer that was measured.
  public let wafer: String
  /// Cycles for each count.
  public let coefficients: Coefficients
  /// The measured figures that the coefficients were fitted to.
  public let rows: [Row]
  /// Groups of the two-tree all-reduce on a line of so many PEs, where a configuration is published.
  public let groups: [Int: Int]

  private let coverages: [Phase: Coverage]

  /// - Precondition: the groups divide their lines.
  public init(
    name: String, wafer: String, coefficients: Coefficients, rows: [Row], groups: [Int: Int]
  ) {
    for (length, count) in groups {
      precondition(
        length >= 1 && count >= 1 && length % count == 0, "\(count) groups on \(length) PEs")
    }
    self.name = name
    self.wafer = wafer
    self.coefficients = coefficients
    self.rows = rows
    self.groups = groups
    coverages = Dictionary(grouping: rows, by: \.phase).mapValues(Coverage.init)
  }

  /// The two steps of inference that were measured apart.
  public enum Phase: String, CaseIterable, Hashable, Sendable {
    /// One token at a time: GEMVs.
    case decode
    /// A whole prompt: MeshGEMM.
    case prefill
  }

  /// One measured figure: tokens a second of a model on a square of PEs.
  public struct Row: Hashable, Sendable {
    /// Whether it is a decode or a prefill figure.
    public var phase: Phase
    /// The model as its source calls it.
    public var model: String
    /// Layers of the model.
    public var layers: Int
    /// Sizes of one layer.
    public var layer: LayerSlice
    /// PEs on a side of the square.
    public var side: Int
    /// Context of a decode step, or tokens of a prefill.
    public var tokens: Int
    /// What was measured.
    public var tokensPerSecond: Figure<Rational>
    /// What its authors did beside measuring it, such as scaling from a subset of layers.
    public var remarks: [Remark]
    /// 100 × (predicted − measured)/measured, as the file states it for its readers.
    public var residualPercent: Rational?

    /// A row of these values.
    public init(
      phase: Phase, model: String, layers: Int, layer: LayerSlice, side: Int, tokens: Int,
      tokensPerSecond: Figure<Rational>, remarks: [Remark] = [],
      residualPercent: Rational? = nil
    ) {
      self.phase = phase
      self.model = model
      self.layers = layers
      self.layer = layer
      self.side = side
      self.tokens = tokens
      self.tokensPerSecond = tokensPerSecond
      self.remarks = remarks
      self.residualPercent = residualPercent
    }

    /// Why a row is weaker evidence than a plain measurement.
    public enum Remark: String, CaseIterable, Hashable, Sendable {
      /// Its authors measured a subset of the layers and scaled it.
      case scaled
      /// Its weights do not fit the SRAM of that many PEs.
      case hypotheticalSRAM = "hypothetical-sram"
    }
  }

  /// What the rows of one phase cover.
  public struct Coverage: Hashable, Sendable {
    /// PEs on a side of the square.
    public let sides: ClosedRange<Int>
    /// Context of a decode step, or tokens of a prefill.
    public let tokens: ClosedRange<Int>

    /// - Precondition: there is a row.
    init(_ rows: [Row]) {
      let (sides, tokens) = (rows.map(\.side), rows.map(\.tokens))
      self.sides = sides.min()!...sides.max()!
      self.tokens = tokens.min()!...tokens.max()!
    }
  }

  /// The grids and lengths that a phase was calibrated on; `nil` when it has no rows.
  public func coverage(of phase: Phase) -> Coverage? { coverages[phase] }
}

extension Calibration {
  /// Cycles for each count of work, exact decimals.
  public struct Coefficients: Hashable, Sendable {
    /// Cycles a second of the wafer that was measured.
    public var clock: Rational
    /// Decode: cycles a row callback, one for each input element that a PE holds.
    public var decodeRow: Rational
    /// Decode: cycles a fused multiply-add.
    public var decodeFmac: Rational
    /// Decode: cycles a step of a collective's chain, software included.
    public var decodeChainStep: Rational
    /// Decode: cycles a collective, beside its chain and its hops.
    public var decodeFixed: Rational
    /// Prefill: cycles a row, one for each weight that a PE holds in a step.
    public var prefillRow: Rational
    /// Prefill: cycles a fused multiply-add.
    public var prefillFmac: Rational
    /// Prefill: cycles a compute-and-shift step.
    public var prefillStep: Rational
    /// Prefill: cycles an element shifted by one PE in the alignment before a product.
    public var prefillAlign: Rational

    /// Coefficients of these values.
    public init(
      clock: Rational, decodeRow: Rational, decodeFmac: Rational, decodeChainStep: Rational,
      decodeFixed: Rational, prefillRow: Rational, prefillFmac: Rational, prefillStep: Rational,
      prefillAlign: Rational
    ) {
      self.clock = clock
      self.decodeRow = decodeRow
      self.decodeFmac = decodeFmac
      self.decodeChainStep = decodeChainStep
      self.decodeFixed = decodeFixed
      self.prefillRow = prefillRow
      self.prefillFmac = prefillFmac
      self.prefillStep = prefillStep
      self.prefillAlign = prefillAlign
    }

    /// Each coefficient of cycles with its key, in the order of the file: decode, then prefill.
    public var cycles: [(key: FigureKey, value: Rational)] {
      Array(zip(Self.keys.dropFirst(), all)).map { (key: $0, value: $1) }
    }

    /// The same of one phase, in the order of the fit's unknowns.
    public func cycles(of phase: Calibration.Phase) -> [(key: FigureKey, value: Rational)] {
      Array(phase == .decode ? cycles.prefix(4) : cycles.suffix(4))
    }

    /// All coefficients of cycles, without the clock.
    var all: [Rational] {
      [
        decodeRow, decodeFmac, decodeChainStep, decodeFixed,
        prefillRow, prefillFmac, prefillStep, prefillAlign,
      ]
    }
  }
}

extension Calibration.Coefficients: PresetValue {
  /// The schema of the `figures` of `Configs/calibration`.
  public static let keys = [
    FigureKey("clock", Wafer.clockKind, meaning: "of the wafer that was measured"),
    FigureKey("decode_row", .decimal, meaning: "cycles a row callback"),
    FigureKey("decode_fmac", .decimal, meaning: "cycles a fused multiply-add"),
    FigureKey("decode_chain_step", .decimal, meaning: "cycles a step of a collective's chain"),
    FigureKey("decode_fixed", .decimal, meaning: "cycles a collective beside chain and hops"),
    FigureKey("prefill_row", .decimal, meaning: "cycles a row of MeshGEMM"),
    FigureKey("prefill_fmac", .decimal, meaning: "cycles a fused multiply-add of MeshGEMM"),
    FigureKey("prefill_step", .decimal, meaning: "cycles a compute-and-shift step"),
    FigureKey("prefill_align", .decimal, meaning: "cycles an element shifted by one PE"),
  ]

  /// Reads coefficients from the figures of their preset.
  public init(name: String, figures: FigureReader) throws(PresetError) {
    self.init(
      clock: try figures.required("clock"),
      decodeRow: try figures.required("decode_row"),
      decodeFmac: try figures.required("decode_fmac"),
      decodeChainStep: try figures.required("decode_chain_step"),
      decodeFixed: try figures.required("decode_fixed"),
      prefillRow: try figures.required("prefill_row"),
      prefillFmac: try figures.required("prefill_fmac"),
      prefillStep: try figures.required("prefill_step"),
      prefillAlign: try figures.required("prefill_align"))
  }
}

extension Calibration.Row: PresetValue {
  /// The schema of one of the `rows` of `Configs/calibration`; they share the row's mark and source.
  public static let keys = [
    FigureKey(
      "phase", .choice(Calibration.Phase.allCases.map(\.rawValue)), meaning: "what was measured"),
    FigureKey("model", .name, meaning: "the model as its source calls it"),
    FigureKey("layers", .count(1...10_000), meaning: "layers of the model"),
    FigureKey("width", .count(1...1_000_000), meaning: "width of the residual stream"),
    FigureKey("query_width", .count(1...1_000_000), meaning: "query heads × head size"),
    FigureKey("key_value_width", .count(1...1_000_000), meaning: "KV heads × head size"),
    FigureKey("head_size", .count(1...100_000), meaning: "width of one head"),
    FigureKey("feed_forward_width", .count(1...1_000_000), meaning: "inner width"),
    FigureKey("side", .count(1...10_000), meaning: "PEs on a side of the square"),
    FigureKey(
      "tokens", .count(1...1_000_000_000), meaning: "context of a decode, tokens of a prefill"),
    FigureKey("tokens_per_second", .decimal, meaning: "what was measured"),
    FigureKey(
      "scaled", .choice(["false", "true"]), isRequired: false,
      meaning: "whether its authors scaled it from a subset of layers"),
    FigureKey(
      "hypothetical_sram", .choice(["false", "true"]), isRequired: false,
      meaning: "whether its weights exceed the SRAM of its PEs"),
    FigureKey(
      "residual_percent", .signedDecimal, isRequired: false,
      meaning: "100 × (predicted − measured)/measured"),
  ]

  /// Reads a row from its fields.
  public init(name: String, figures: FigureReader) throws(PresetError) {
    let tokensPerSecond = try figures.required("tokens_per_second")
    guard tokensPerSecond > Rational(0) else {
      throw figures.contradiction("tokens_per_second", expected: "more than 0")
    }
    let provenance = figures.provenance("tokens_per_second")!
    self.init(
      phase: Calibration.Phase(rawValue: try figures.choice("phase"))!,
      model: try figures.name("model"),
      layers: try figures.count("layers"),
      layer: LayerSlice(
        width: try figures.count("width"), queryWidth: try figures.count("query_width"),
        keyValueWidth: try figures.count("key_value_width"),
        feedForwardWidth: try figures.count("feed_forward_width"),
        headSize: try figures.count("head_size")),
      side: try figures.count("side"),
      tokens: try figures.count("tokens"),
      tokensPerSecond: Figure(tokensPerSecond, provenance.mark, source: provenance.source),
      remarks: (try figures.choice("scaled") == "true" ? [.scaled] : [])
        + (try figures.choice("hypothetical_sram") == "true" ? [.hypotheticalSRAM] : []),
      residualPercent: try figures.number("residual_percent"))
  }
}
