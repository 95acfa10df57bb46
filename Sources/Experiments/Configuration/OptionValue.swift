import Quantities

/// Reads the value of an option that belongs to no experiment, such as `--bytes` of `wafer collective`,
/// with the errors that settings have.
public enum OptionValue {
  /// A quantity in its dimension's base unit.
  ///
  /// Throws `ConfigurationError` when the number or its unit is missing or wrong, or it lies outside the
  /// range.
  public static func quantity(
    _ text: String, _ dimension: Dimension, in range: ClosedRange<Rational>, option: String
  ) throws(ConfigurationError) -> Rational {
    let key = SettingKey(option, .quantity(dimension, range), option: option, "")
    let value: Rational
    do { value = try dimension.parse(text) } catch {
      throw ConfigurationError(.option(option), "is wrong: \(error)", remedy: key.example)
    }
    guard range.contains(value) else { throw outside(text, key) }
    return value
  }

  /// A whole number.
  ///
  /// Throws `ConfigurationError` when it is none, or lies outside the range.
  public static func count(_ text: String, in range: ClosedRange<Int>, option: String)
    throws(ConfigurationError) -> Int
  {
    guard let count = Int(text), range.contains(count) else {
      throw outside(text, SettingKey(option, .count(range), option: option, ""))
    }
    return count
  }

  /// A case of an enumeration by its raw value.
  ///
  /// Throws `ConfigurationError` with the nearest and all of them when it is none.
  public static func choice<Choice: RawRepresentable<String> & CaseIterable>(
    _ text: String, of type: Choice.Type = Choice.self, option: String
  ) throws(ConfigurationError) -> Choice {
    if let choice = Choice(rawValue: text) { return choice }
    let words = Choice.allCases.map(\.rawValue)
    throw ConfigurationError(
      .option(option), "is '\(text)'", nearest: NearestName.of(text, among: words),
      remedy: "It must be one of " + words.joined(separator: ", "))
  }

  private static func outside(_ text: String, _ key: SettingKey) -> ConfigurationError {
    ConfigurationError(
      .option(key.name), "is '\(text)'", remedy: "It must be \(key.expectation)")
  }
}
