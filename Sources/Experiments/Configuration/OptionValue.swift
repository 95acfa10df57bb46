import Programs
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

  /// Columns and rows, as in `4x2`.
  ///
  /// Throws `ConfigurationError` when the text is something else.
  public static func sides(_ text: String, option: String) throws(ConfigurationError)
    -> (columns: Int, rows: Int)
  {
    guard let sides = sides(text) else {
      throw outside(text, SettingKey(option, .sides, option: option, ""))
    }
    return sides
  }

  /// Columns and rows, as in `4x2`, each at most as many as there may be ranks; `nil` when the text is
  /// something else.
  static func sides(_ text: String) -> (columns: Int, rows: Int)? {
    let sides = text.split(separator: "x", omittingEmptySubsequences: false).map { Int($0) }
    guard sides.count == 2, let columns = sides[0], let rows = sides[1],
      (1...Rank.maximumCount).contains(columns), (1...Rank.maximumCount).contains(rows)
    else { return nil }
    return (columns, rows)
  }

  private static func outside(_ text: String, _ key: SettingKey) -> ConfigurationError {
    ConfigurationError(
      .option(key.name), "is '\(text)'", remedy: "It must be \(key.expectation)")
  }
}
