import Quantities

/// Reads traces in the columns of the Azure LLM inference traces (Patel et al., Splitwise, ISCA 2024;
/// Stojkovic et al., DynamoLLM, HPCA 2025): `TIMESTAMP,ContextTokens,GeneratedTokens`.
///
/// A timestamp is `2023-11-16 18:15:46.6805900`, with an optional `T` between and an optional `Z` or
/// `+00:00` behind, or a number of seconds. Times count from the first row.
public enum Trace {
  /// Most rows: the public traces have some millions; each takes 24 bytes.
  public static let mostRows = 50_000_000
  /// Most tokens of a row, on either side.
  public static let mostTokens = 10_000_000

  /// Parts of a second that a timestamp may have: attoseconds, so that the sum with its hours stays exact.
  private static let finestSecond: Int128 = 1_000_000_000_000_000_000

  /// Picoseconds from first to last: half the range of emulated time, which leaves room to serve them.
  private static let longest: Int128 = 50 * 86_400 * Int128(EmulatedTime.picosecondsPerSecond)

  /// Reads a trace.
  ///
  /// Throws `TraceError` for the first row that is not as it should be, rows out of order among them.
  public static func rows(_ text: some StringProtocol) throws(TraceError) -> [TraceRow] {
    var rows: [TraceRow] = []
    var start: Int128?
    var last = Int128.min
    var line = 0
    for raw in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline) {
      line += 1
      if line == 1 {
        try checkHeader(raw)
        continue
      }
      if raw.allSatisfy(\.isWhitespace) { continue }
      let fields = raw.split(separator: ",", omittingEmptySubsequences: false)
      guard fields.count == 3 else {
        throw TraceError(line: line, problem: "has \(fields.count) fields, and a row has 3")
      }
      guard let time = picoseconds(trimmed(fields[0])) else {
        throw TraceError(
          line: line,
          problem: "'\(fields[0])' is no time, such as 2023-11-16 18:15:46.6805900 or 12.5")
      }
      guard time >= last else {
        throw TraceError(line: line, problem: "comes before the row above it")
      }
      last = time
      let first = start ?? time
      start = first
      guard rows.count < mostRows else {
        throw TraceError(line: line, problem: "is beyond the \(mostRows) rows that are read")
      }
      guard time - first <= longest else {
        throw TraceError(line: line, problem: "is more than 50 days after the first row")
      }
      rows.append(
        TraceRow(
          time: EmulatedTime(picoseconds: Int64(time - first)),
          promptTokens: try tokens(fields[1], "ContextTokens", line),
          outputTokens: try tokens(fields[2], "GeneratedTokens", line)))
    }
    guard !rows.isEmpty else { throw TraceError(line: max(line, 1), problem: "ends without a row") }
    return rows
  }

  private static func checkHeader(_ raw: some StringProtocol) throws(TraceError) {
    // Some of the published files begin with a byte order mark.
    let names = raw.split(separator: ",").map {
      trimmed($0).filter { $0 != "\u{FEFF}" }.lowercased()
    }
    guard names == ["timestamp", "contexttokens", "generatedtokens"] else {
      throw TraceError(
        line: 1,
        problem: "is '\(raw.prefix(80))'; it must be TIMESTAMP,ContextTokens,GeneratedTokens")
    }
  }

  private static func tokens(
    _ field: some StringProtocol, _ name: String, _ line: Int
  ) throws(TraceError) -> Int {
    guard let count = Int(trimmed(field)), (1...mostTokens).contains(count) else {
      throw TraceError(
        line: line, problem: "\(name) is '\(field)'; it must be from 1 to \(mostTokens)")
    }
    return count
  }

  private static func trimmed(_ field: some StringProtocol) -> String {
    var characters = Substring(field)
    while characters.first?.isWhitespace == true { characters.removeFirst() }
    while characters.last?.isWhitespace == true { characters.removeLast() }
    return String(characters)
  }

  /// Picoseconds since 2000, or since 0 for a plain number of seconds; `nil` when it is neither.
  private static func picoseconds(_ text: String) -> Int128? {
    let seconds = seconds(text)
    guard let seconds, seconds >= Rational(0), seconds < Rational(10_000_000_000) else {
      return nil
    }
    return (seconds * Rational(Int128(EmulatedTime.picosecondsPerSecond))).rounded
  }

  private static func seconds(_ text: String) -> Rational? {
    if let seconds = Rational(decimal: text) { return seconds }
    var rest = Substring(text)
    for suffix in ["Z", "+00:00"] where rest.hasSuffix(suffix) { rest.removeLast(suffix.count) }
    let halves = rest.split(whereSeparator: { $0 == " " || $0 == "T" })
    guard halves.count == 2 else { return nil }
    let day = halves[0].split(separator: "-").map { Int($0) }
    let clock = halves[1].split(separator: ":")
    guard day.count == 3, let year = day[0], let month = day[1], let date = day[2],
      (2000...2100).contains(year), (1...12).contains(month),
      (1...daysInMonth(year, month)).contains(date), clock.count == 3,
      let hour = Int(clock[0]), (0..<24).contains(hour),
      let minute = Int(clock[1]), (0..<60).contains(minute),
      let second = Rational(decimal: clock[2]), second >= Rational(0), second < Rational(60),
      second.denominator <= finestSecond
    else { return nil }
    let hours = daysSince2000(year, month, date) * 24 + hour
    return Rational(hours * 3600 + minute * 60) + second
  }

  private static func daysInMonth(_ year: Int, _ month: Int) -> Int {
    let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
    return [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1]
  }

  private static func daysSince2000(_ year: Int, _ month: Int, _ day: Int) -> Int {
    // Every fourth year from 2000 to 2096 is a leap year.
    (year - 2000) * 365 + (year - 2000 + 3) / 4
      + (1..<month).reduce(0) { $0 + daysInMonth(year, $1) } + day - 1
  }
}
