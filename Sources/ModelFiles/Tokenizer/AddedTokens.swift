/// Tokens that are found in the text as they are, before anything is split: `<|im_start|>`.
struct AddedTokens: Sendable {
  /// One of them.
  struct Entry: Hashable, Sendable {
    let token: Int
    let bytes: [UInt8]
    /// A control token, which text may be kept from naming.
    let isSpecial: Bool
  }

  /// By their first byte, longest first.
  private let byFirstByte: [[Entry]]
  private let special: Set<Int>

  /// Entries with no bytes are left out.
  init(_ entries: [Entry]) {
    var table = [[Entry]](repeating: [], count: 256)
    for entry in entries where !entry.bytes.isEmpty { table[Int(entry.bytes[0])].append(entry) }
    byFirstByte = table.map { entries in
      entries.sorted { ($1.bytes.count, $0.token) < ($0.bytes.count, $1.token) }
    }
    special = Set(entries.lazy.filter(\.isSpecial).map(\.token))
  }

  /// Whether a token is a control token.
  func isSpecial(_ token: Int) -> Bool { special.contains(token) }

  /// The first added token in `text`, the longest where several start at one place.
  func first(
    in text: ArraySlice<UInt8>, recognizingSpecial: Bool
  ) -> (token: Int, range: Range<Int>)? {
    for start in text.indices {
      for entry in byFirstByte[Int(text[start])]
      where (recognizingSpecial || !entry.isSpecial) && text[start...].starts(with: entry.bytes) {
        return (entry.token, start..<start + entry.bytes.count)
      }
    }
    return nil
  }
}
