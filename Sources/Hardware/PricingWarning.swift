import Quantities

/// A kernel that was priced outside of what its coefficients were fitted on.
public struct PricingWarning: Hashable, Sendable, CustomStringConvertible {
  /// Which kernel.
  public let kernel: PricedKernel
  /// What lies outside, with its value or values and what is calibrated.
  public let cause: Cause

  /// What lies outside of the calibration.
  public enum Cause: Hashable, Sendable {
    /// No source measures this kernel: its price is an assumption.
    case unmeasured
    /// A part of the kernel that no measured model has: experts, latent attention.
    case part(String)
    /// Another wafer than the one that was measured.
    case wafer(String, calibrated: String)
    /// Another clock than the one the cycles were derived with.
    case clock(Rational, calibrated: Rational)
    /// A region that is not a square of a calibrated side.
    case region(Rectangle, calibratedSides: ClosedRange<Int>)
    /// Sequences in one step; one is calibrated.
    case batch(ClosedRange<Int>)
    /// Context of a decode step, or tokens of a prefill.
    case tokens(ClosedRange<Int>, calibrated: ClosedRange<Int>)
  }

  /// One sentence: kernel, what, value, calibrated range.
  public var description: String {
    let reason =
      switch cause {
      case .unmeasured: "its price is assumed; no source measures it"
      case .part(let part): "the price of its \(part) is assumed; no source measures it"
      case .wafer(let name, let calibrated): "priced on \(name), calibrated on \(calibrated)"
      case .clock(let clock, let calibrated):
        "priced at \(Self.gigahertz(clock)), calibrated at \(Self.gigahertz(calibrated))"
      case .region(let region, let sides):
        "priced on \(region) PEs, calibrated on squares of \(Self.text(sides))"
      case .batch(let sequences):
        "priced for \(Self.text(sequences)) sequences in a step, calibrated for 1; "
          + "the price of further ones is assumed"
      case .tokens(let tokens, let calibrated):
        "priced for \(Self.text(tokens)) tokens, calibrated for \(Self.text(calibrated))"
      }
    return "\(kernel.rawValue): \(reason)"
  }

  private static func text(_ range: ClosedRange<Int>) -> String {
    range.count == 1 ? "\(range.lowerBound)" : "\(range.lowerBound) to \(range.upperBound)"
  }

  private static func gigahertz(_ clock: Rational) -> String {
    "\((clock / Rational(1_000_000_000)).approximation) GHz"
  }
}

/// Warnings of many prices: each cause once a kernel, its values widened to a range, in the order of a
/// forward pass.
public struct PricingWarnings: Hashable, Sendable {
  private var kernels: [PricedKernel: [PricingWarning.Cause]] = [:]

  /// No warnings.
  public init() {}

  /// The warnings, in an order that depends on neither hashing nor the order of adding, as far as
  /// kernels and kinds of causes go.
  public var list: [PricingWarning] {
    PricedKernel.allCases.flatMap { kernel in
      (kernels[kernel] ?? []).sorted { $0.order < $1.order }
        .map { PricingWarning(kernel: kernel, cause: $0) }
    }
  }

  /// Adds a warning, or widens the range of the one that says the same.
  public mutating func add(_ warning: PricingWarning) {
    var causes = kernels[warning.kernel] ?? []
    if let index = causes.firstIndex(where: { $0.merged(with: warning.cause) != nil }) {
      causes[index] = causes[index].merged(with: warning.cause)!
    } else {
      causes.append(warning.cause)
    }
    kernels[warning.kernel] = causes
  }

  /// Adds all warnings of `other`.
  public mutating func add(_ warnings: [PricingWarning]) {
    for warning in warnings { add(warning) }
  }
}

extension PricingWarning.Cause {
  /// One cause that says both; `nil` when they are of different kinds or of different constants.
  fileprivate func merged(with other: Self) -> Self? {
    switch (self, other) {
    case (.batch(let a), .batch(let b)): .batch(a.union(b))
    case (.tokens(let a, let calibrated), .tokens(let b, let sameCalibrated))
    where calibrated == sameCalibrated:
      .tokens(a.union(b), calibrated: calibrated)
    default: self == other ? self : nil
    }
  }

  /// Kinds in the order of the enumeration, then constants by what they print.
  fileprivate var order: Order {
    switch self {
    case .unmeasured: Order(kind: 0, first: 0, second: 0, text: "")
    case .part(let part): Order(kind: 0, first: 1, second: 0, text: part)
    case .wafer(let name, _): Order(kind: 1, first: 0, second: 0, text: name)
    case .clock(let clock, _): Order(kind: 2, first: Int(clock.rounded), second: 0, text: "")
    case .region(let region, _):
      Order(kind: 3, first: region.columns, second: region.rows, text: "")
    case .batch(let range): Order(kind: 4, first: range.lowerBound, second: 0, text: "")
    case .tokens(let range, _): Order(kind: 5, first: range.lowerBound, second: 0, text: "")
    }
  }

  fileprivate struct Order: Comparable {
    let kind, first, second: Int
    let text: String

    static func < (a: Self, b: Self) -> Bool {
      (a.kind, a.first, a.second, a.text) < (b.kind, b.first, b.second, b.text)
    }
  }
}

extension ClosedRange<Int> {
  fileprivate func union(_ other: Self) -> Self {
    Swift.min(lowerBound, other.lowerBound)...Swift.max(upperBound, other.upperBound)
  }
}

extension WaferPricing {
  /// What a step's blocks are priced outside of; call it once for each distinct step.
  public func warnings(_ layer: LayerSlice, _ work: BatchWork) -> [PricingWarning] {
    guard !work.entries.isEmpty else { return [] }
    let attention = attentionChoice(layer, work).kernel
    let feedForward = feedForwardChoice(layer, work).kernel
    var parts: [PricingWarning] = []
    if layer.latentAttention != nil {
      parts.append(PricingWarning(kernel: attention, cause: .part("latent attention")))
    }
    if layer.experts != nil {
      parts.append(PricingWarning(kernel: feedForward, cause: .part("experts")))
    }
    return parts + warnings(attention, work) + warnings(feedForward, work)
  }

  /// What embedding, head and candidates are priced outside of: no source measures them.
  public func warnings(of kernels: [PricedKernel]) -> [PricingWarning] {
    kernels.filter { $0.calibratedOn == nil }
      .map { PricingWarning(kernel: $0, cause: .unmeasured) }
  }

  private func warnings(_ kernel: PricedKernel, _ work: BatchWork) -> [PricingWarning] {
    guard let phase = kernel.calibratedOn, let coverage = calibration.coverage(of: phase) else {
      return [PricingWarning(kernel: kernel, cause: .unmeasured)]
    }
    var causes: [PricingWarning.Cause] = []
    if wafer.name != calibration.wafer {
      causes.append(.wafer(wafer.name, calibrated: calibration.wafer))
    }
    if wafer.clock != calibration.coefficients.clock {
      causes.append(.clock(wafer.clock, calibrated: calibration.coefficients.clock))
    }
    if region.columns != region.rows || !coverage.sides.contains(region.columns) {
      causes.append(.region(region, calibratedSides: coverage.sides))
    }
    if work.entries.count > 1 { causes.append(.batch(work.entries.count...work.entries.count)) }
    for entry in work.entries {
      // Decode is calibrated on contexts, prefill on new tokens and, in its attention, on contexts.
      var values: [Int] = []
      if phase == .prefill { values.append(entry.newTokens) }
      if kernel.readsContext { values.append(entry.contextAfter) }
      for value in values where !coverage.tokens.contains(value) {
        causes.append(.tokens(value...value, calibrated: coverage.tokens))
      }
    }
    return causes.map { PricingWarning(kernel: kernel, cause: $0) }
  }
}
