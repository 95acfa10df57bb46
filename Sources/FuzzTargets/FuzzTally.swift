#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// What became of many inputs of one target.
public struct FuzzTally: Sendable {
  /// Inputs so far.
  public private(set) var inputs = 0
  /// Those that were taken for what they should be.
  public private(set) var accepted = 0
  /// Those that were not refused for their first bytes, or for being no document at all.
  public private(set) var pastHeader = 0
  /// Cases of ``FuzzTarget/errorCases`` that were reached, by their place.
  public private(set) var reached: Set<Int> = []
  /// Errors that are in no case, with how often they came: the table is then not whole.
  public private(set) var unlisted: [String: Int] = [:]

  private let cases: [String]
  private let headerCases: Set<Int>
  private var known: [String: Int] = [:]

  /// Most different texts of errors that are remembered: they quote the input, so there are many.
  private static let mostKnown = 20_000
  /// Most errors outside the table that are kept: one is a finding already.
  private static let mostUnlisted = 1000

  /// Nothing yet.
  public init(_ target: FuzzTarget) {
    let cases = target.errorCases
    let header = target.headerCases
    self.cases = cases
    headerCases = Set(cases.indices.filter { header.contains(cases[$0]) })
  }

  /// Counts an outcome, and gives the case that it is; `nil` when it is accepted or in none.
  @discardableResult
  public mutating func add(_ outcome: FuzzTarget.Outcome) -> Int? {
    inputs += 1
    guard case .rejected(let error) = outcome else {
      accepted += 1
      pastHeader += 1
      return nil
    }
    guard let index = place(error) else {
      pastHeader += 1
      if unlisted.count < Self.mostUnlisted { unlisted[error, default: 0] += 1 }
      return nil
    }
    if !headerCases.contains(index) { pastHeader += 1 }
    reached.insert(index)
    return index
  }

  private mutating func place(_ error: String) -> Int? {
    if let index = known[error] { return index }
    // A zero that an error quotes would end the text for fnmatch.
    let text = error.utf8.contains(0) ? String(error.map { $0 == "\0" ? "?" : $0 }) : error
    guard let index = cases.firstIndex(where: { fnmatch($0, text, 0) == 0 }) else { return nil }
    if known.count < Self.mostKnown { known[error] = index }
    return index
  }

  /// Cases that no input has reached.
  public var missing: [String] { cases.indices.filter { !reached.contains($0) }.map { cases[$0] } }

  /// Share of the inputs past their header, in percent.
  public var percentPastHeader: Double { 100 * Double(pastHeader) / Double(max(inputs, 1)) }
}
