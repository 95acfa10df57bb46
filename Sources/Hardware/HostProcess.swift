import Quantities

/// One process of a host as a device: what the kernels of a real node take there, as they were measured.
///
/// A roofline would need the host's caches, its kernels' blocking and what a quantised weight costs to
/// widen. A host can be asked instead: each kernel with weights has a fixed time and a time a weight that
/// depends on the number of tokens, a table of measured points. So a preset holds for the model, the
/// precision and the number of busy processes that it was measured with, and says which.
public struct HostProcess: Hashable, Sendable {
  /// How results call it.
  public var name: String
  /// Name of the model whose weights were multiplied: their types decide what a weight costs.
  public var model: String
  /// How kernels treated activations, as `host.precision` is written.
  public var precision: String
  /// Processes of the host that computed at once, and shared its memory.
  public var busyProcesses: Int
  /// An attention block's projections, and the residual after it.
  public var attention: MatrixKernel
  /// Seconds of a pair of a new token and a token that it looks back on, for each number of a query row.
  public var pair: Rational
  /// A feed-forward block, and the residual after it.
  public var feedForward: MatrixKernel
  /// The final norm and the LM head.
  public var head: MatrixKernel
  /// The lookup of rows; by values of the residual. Taking in a sampled token is in it.
  public var embedding: LinearKernel
  /// The choice of candidates, and of a token from them; by logits.
  public var candidates: LinearKernel
  /// Seconds between the last kernel of a step and the first of the next one, where one rank has the whole
  /// pipeline: telling of a window and taking the next.
  public var step: Rational
  /// Name of the link that was measured between two of its processes.
  public var link: String
  /// Watts of the host under load; `nil` where nobody measured it.
  public var power: Rational?

  /// Takes each field as it is.
  public init(
    name: String, model: String, precision: String, busyProcesses: Int, attention: MatrixKernel,
    pair: Rational, feedForward: MatrixKernel, head: MatrixKernel, embedding: LinearKernel,
    candidates: LinearKernel, step: Rational, link: String, power: Rational? = nil
  ) {
    self.name = name
    self.model = model
    self.precision = precision
    self.busyProcesses = busyProcesses
    self.attention = attention
    self.pair = pair
    self.feedForward = feedForward
    self.head = head
    self.embedding = embedding
    self.candidates = candidates
    self.step = step
    self.link = link
    self.power = power
  }

  /// A kernel that multiplies by weights.
  public struct MatrixKernel: Hashable, Sendable {
    /// Seconds beside its weights.
    public var fixed: Rational
    /// Seconds a weight, by tokens of the batch, the fewest first.
    public var points: [Point]

    /// A measured number of tokens.
    public struct Point: Hashable, Sendable {
      /// Tokens that were multiplied together.
      public var tokens: Int
      /// Seconds that a weight took for all of them.
      public var perWeight: Rational

      /// Takes each field as it is.
      public init(tokens: Int, perWeight: Rational) {
        self.tokens = tokens
        self.perWeight = perWeight
      }
    }

    /// - Precondition: there is a point of one token, and tokens grow.
    public init(fixed: Rational, points: [Point]) {
      precondition(
        points.first?.tokens == 1
          && zip(points, points.dropFirst()).allSatisfy { $0.tokens < $1.tokens },
        "points at \(points.map(\.tokens)) tokens")
      self.fixed = fixed
      self.points = points
    }

    /// Most tokens that were measured; beyond them time grows in proportion.
    public var mostTokens: Int { points.last!.tokens }

    /// Seconds of so many weights and tokens: between two points as on a line through them, beyond the last in
    /// proportion to it. Fewer tokens may take longer, where a kernel takes several rows at once.
    public func seconds(weights: Int, tokens: Int) -> Rational {
      precondition(tokens >= 1 && weights >= 0, "\(tokens) tokens, \(weights) weights")
      return fixed + Rational(weights) * perWeight(tokens)
    }

    private func perWeight(_ tokens: Int) -> Rational {
      guard let right = points.firstIndex(where: { $0.tokens >= tokens }) else {
        let last = points.last!
        return last.perWeight * Rational(Int128(tokens), over: Int128(last.tokens))
      }
      let high = points[right]
      guard high.tokens > tokens else { return high.perWeight }
      let low = points[right - 1]
      let part = Rational(Int128(tokens - low.tokens), over: Int128(high.tokens - low.tokens))
      return low.perWeight + part * (high.perWeight - low.perWeight)
    }
  }

  /// A kernel whose time grows with a count.
  public struct LinearKernel: Hashable, Sendable {
    /// Seconds beside what is counted.
    public var fixed: Rational
    /// Seconds of each.
    public var each: Rational

    /// Takes each field as it is.
    public init(fixed: Rational, each: Rational) {
      self.fixed = fixed
      self.each = each
    }

    /// Seconds of so many.
    public func seconds(_ count: Int) -> Rational { fixed + Rational(count) * each }
  }
}

extension HostProcess: PresetValue {
  /// Tokens of a batch that a preset may have points for. Small batches differ much, as kernels take several
  /// rows at once.
  public static let tokenGrid = [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 512]

  /// Weights, pairs, values and logits are counted in millions, so that a figure is a time one can read.
  public static let million = 1_000_000

  /// The kernels with weights, as keys begin.
  static let matrixKernels = ["attention", "feed_forward", "head"]

  /// The schema of `preset: host`.
  public static let keys: [FigureKey] =
    [
      FigureKey("model", .name, meaning: "the model whose weights were multiplied"),
      FigureKey(
        "precision", .choice(["float32", "reduced"]),
        meaning: "how kernels treated activations, as host.precision"),
      FigureKey(
        "busy_processes", .count(1...4096), meaning: "processes that computed at once"),
      FigureKey("link", .name, meaning: "the link between two of its processes"),
      FigureKey(
        "power", .quantity(.power, Rational(0)...Rational(1_000_000)), isRequired: false,
        meaning: "of the host under load; without it, energy is 0"),
      FigureKey(
        "step_overhead", times, meaning: "between two steps of a rank that has all stages"),
      FigureKey("embedding_fixed", times, meaning: "a lookup beside its values"),
      FigureKey("embedding_values", times, meaning: "a million values that are looked up"),
      FigureKey("candidates_fixed", times, meaning: "a choice beside its logits"),
      FigureKey("candidates_logits", times, meaning: "a million logits that are chosen from"),
      FigureKey(
        "attention_pairs", times,
        meaning: "a million of: pairs of a new token and one before it x numbers of a query row"),
    ]
    + matrixKernels.flatMap { kernel in
      [FigureKey("\(kernel)_fixed", times, meaning: "the kernel beside its weights")]
        + tokenGrid.map { tokens in
          FigureKey(
            "\(kernel)_weights_\(tokens)", times, isRequired: tokens == 1,
            meaning: "a million weights, of a batch of \(tokens) token\(tokens == 1 ? "" : "s")")
        }
    }

  private static let times = FigureKey.Kind.quantity(.time, Rational(0)...Rational(3600))

  /// Reads a host from the figures of its preset.
  public init(name: String, figures: FigureReader) throws(PresetError) {
    let million = Rational(Self.million)
    func each(_ key: String) throws(PresetError) -> Rational {
      try figures.required(key) / million
    }
    func matrix(_ kernel: String) throws(PresetError) -> MatrixKernel {
      var points: [MatrixKernel.Point] = []
      for tokens in Self.tokenGrid {
        guard let time = try figures.number("\(kernel)_weights_\(tokens)") else { continue }
        points.append(MatrixKernel.Point(tokens: tokens, perWeight: time / million))
      }
      return MatrixKernel(fixed: try figures.required("\(kernel)_fixed"), points: points)
    }
    self.init(
      name: name, model: try figures.name("model"), precision: try figures.choice("precision"),
      busyProcesses: try figures.count("busy_processes"), attention: try matrix("attention"),
      pair: try each("attention_pairs"), feedForward: try matrix("feed_forward"),
      head: try matrix("head"),
      embedding: LinearKernel(
        fixed: try figures.required("embedding_fixed"), each: try each("embedding_values")),
      candidates: LinearKernel(
        fixed: try figures.required("candidates_fixed"), each: try each("candidates_logits")),
      step: try figures.required("step_overhead"), link: try figures.name("link"),
      power: try figures.number("power"))
  }
}
