/// How sure a figure is.
public enum Mark: String, CaseIterable, Hashable, Sendable {
  /// Read in the source itself.
  case published
  /// Read in a text that quotes the source.
  case secondary
  /// Arithmetic on other figures, which the source text shows.
  case derived
  /// Chosen by this project; the source text says why.
  case assumed
  /// Measured by this tool; the source text says when, on which host, and how much it varied.
  case measured
}

/// A number and where it comes from. No number of a preset stands alone.
public struct Figure<Value: Hashable & Sendable>: Hashable, Sendable {
  /// The number.
  public var value: Value
  /// How sure it is.
  public var mark: Mark
  /// Where it was read, or how it was derived, or why it was assumed.
  public var source: String

  /// A number with its mark and source.
  public init(_ value: Value, _ mark: Mark, source: String) {
    self.value = value
    self.mark = mark
    self.source = source
  }
}
