/// Finds the name that was probably meant.
enum NearestName {
  /// The valid name at the smallest edit distance, the first of several; `nil` when there is none.
  ///
  /// A dotted key is also compared by its last part, so that `tenser` and `tensor` alike lead to
  /// `plan.tensor`.
  static func of(_ wrong: String, among names: [String]) -> String? {
    let short = lastPart(wrong)
    var best: (distance: Int, whole: Int, name: String)?
    for name in names {
      let whole = distance(wrong, name)
      // A match of the last part alone is worth less than one of the whole.
      let nearer = min(whole, distance(short, lastPart(name)) + 1)
      if best == nil || (nearer, whole) < (best!.distance, best!.whole) {
        best = (nearer, whole, name)
      }
    }
    return best?.name
  }

  /// Levenshtein distance: insertions, deletions and replacements of one character. Names longer than
  /// `longest` are cut, so that a long wrong word costs nothing.
  static func distance(_ a: String, _ b: String) -> Int {
    let (a, b) = (Array(a.lowercased().prefix(longest)), Array(b.lowercased().prefix(longest)))
    var row = Array(0...b.count)
    for (i, left) in a.enumerated() {
      var diagonal = row[0]
      row[0] = i + 1
      for (j, right) in b.enumerated() {
        let replaced = diagonal + (left == right ? 0 : 1)
        diagonal = row[j + 1]
        row[j + 1] = min(replaced, row[j] + 1, diagonal + 1)
      }
    }
    return row[b.count]
  }

  private static let longest = 64

  private static func lastPart(_ name: String) -> String {
    name.split(separator: ".").last.map(String.init) ?? name
  }
}
