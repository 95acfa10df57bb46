import ModelFiles

/// A document of keys and values, as JSON and YAML have it, that may be made wrong and then written.
indirect enum Tree: Sendable {
  /// Keys in order; a key may stand twice.
  case object([(key: String, value: Tree)])
  case array([Tree])
  case string(String)
  /// A number, a word or whatever else is written as it is.
  case bare(String)

  static func number(_ value: Int) -> Tree { .bare("\(value)") }

  /// As JSON.
  var json: String {
    switch self {
    case .object(let pairs):
      "{" + pairs.map { "\(JSON.quoted($0.key)):\($0.value.json)" }.joined(separator: ",") + "}"
    case .array(let elements): "[" + elements.map(\.json).joined(separator: ",") + "]"
    case .string(let text): JSON.quoted(text)
    case .bare(let text): text
    }
  }

  /// As YAML in blocks; what is nested deeper than two levels stands on one line.
  func yaml(_ indent: Int = 0) -> String {
    guard case .object(let pairs) = self else { return json + "\n" }
    let spaces = String(repeating: " ", count: indent)
    return pairs.map { key, value in
      if case .object(let inner) = value, indent < 4, !inner.isEmpty {
        return "\(spaces)\(key):\n\(value.yaml(indent + 2))"
      }
      return "\(spaces)\(key): \(value.json)\n"
    }.joined()
  }
}

/// What is likely to mean something in a kind of document.
struct TreeWords: Sendable {
  var keys: [String]
  var values: [Tree]
}

extension Draw {
  /// Makes a tree wrong in one place.
  mutating func spoil(_ tree: inout Tree, _ words: TreeWords) {
    // Mostly further down, since most of a document is there.
    if chance(75), descend(&tree, words) { return }
    switch tree {
    case .object(var pairs):
      spoilObject(&pairs, words)
      tree = .object(pairs)
    case .array(var elements):
      switch below(4) {
      case 0 where !elements.isEmpty: elements.remove(at: below(elements.count))
      case 1 where !elements.isEmpty: elements.append(pick(elements))
      case 2: elements = []
      default: elements.append(value(words))
      }
      tree = .array(elements)
    case .string, .bare: tree = value(words)
    }
  }

  private mutating func descend(_ tree: inout Tree, _ words: TreeWords) -> Bool {
    switch tree {
    case .object(var pairs) where !pairs.isEmpty:
      let index = below(pairs.count)
      spoil(&pairs[index].value, words)
      tree = .object(pairs)
    case .array(var elements) where !elements.isEmpty:
      let index = below(elements.count)
      spoil(&elements[index], words)
      tree = .array(elements)
    default: return false
    }
    return true
  }

  private mutating func spoilObject(
    _ pairs: inout [(key: String, value: Tree)], _ words: TreeWords
  ) {
    switch below(7) {
    case 0 where !pairs.isEmpty: pairs.remove(at: below(pairs.count))
    case 1 where !pairs.isEmpty: pairs.append(pick(pairs))
    case 2 where !pairs.isEmpty: pairs[below(pairs.count)].key = key(words)
    case 3 where !pairs.isEmpty: pairs[below(pairs.count)].value = value(words)
    default:
      let new = (key(words), value(words))
      // In place of the key that is there already, mostly: a key twice hides all other faults.
      if let index = pairs.firstIndex(where: { $0.key == new.0 }), chance(90) {
        pairs[index] = new
      } else {
        pairs.append(new)
      }
    }
  }

  private mutating func key(_ words: TreeWords) -> String {
    chance(90) ? pick(words.keys) : text()
  }

  /// Any value: a word that means something, a number at an edge, a text, or a deep nest.
  mutating func value(_ words: TreeWords) -> Tree {
    switch below(10) {
    case 0...4: pick(words.values)
    case 5: .bare("\(Int64(bitPattern: edge()))")
    case 6: .bare(number())
    case 7: .string(text())
    case 8: pick([.bare("null"), .bare("true"), .bare("false"), .array([]), .object([])])
    default: nest()
    }
  }

  /// A number as text, at the edges of what number readers take.
  mutating func number() -> String {
    pick([
      "0", "-0", "-1", "1e5", "1.5", "0.1", "1e400", "-1e400", "1e-400", "1E+18", "1e-18", "1e19",
      "1e-36", "999999999999999999", "0.000000000000000001", "9999999999999999999999",
      "1e-9223372036854775808", "1e9223372036854775807", "18446744073709551616",
      "-9223372036854775808", "9223372036854775807", ".5", "5.", "1e", "+1", "nan", "inf", "NaN",
      "0x10", "1_000", "\(edge())", "\(Double(bitPattern: edge()))", "3.4e38", "3.5e38", "1e308",
    ])
  }

  private mutating func nest() -> Tree {
    var tree = Tree.bare("1")
    let isArray = chance(50)
    for _ in 0..<pick([2, 9, 100, 300, 600, 2000]) {
      tree = isArray ? .array([tree]) : .object([("a", tree)])
    }
    return tree
  }
}
