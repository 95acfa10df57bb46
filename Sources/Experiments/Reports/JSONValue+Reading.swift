extension JSONValue {
  /// A number as a double, for a picture; `nil` for anything else.
  var double: Double? {
    if case .number(let text) = self { Double(text) } else { nil }
  }

  /// A whole number; `nil` for anything else.
  var whole: Int? {
    if case .number(let text) = self { Int(text) } else { nil }
  }

  /// Characters of a string; `nil` for anything else.
  var string: String? {
    if case .string(let text) = self { text } else { nil }
  }

  /// Elements of a list; `nil` for anything else.
  var list: [JSONValue]? {
    if case .array(let elements) = self { elements } else { nil }
  }

  /// The value at the end of a path of keys.
  func at(_ path: String...) -> JSONValue? {
    path.reduce(self) { $0?[$1] }
  }

  /// Keys and values below this one that are no objects, by dotted name, in the order of keys.
  var leaves: [(name: String, value: JSONValue)] {
    guard case .object(let members) = self else { return [] }
    return members.keys.sorted().flatMap { key -> [(name: String, value: JSONValue)] in
      let value = members[key]!
      if case .object(let inner) = value, !inner.isEmpty {
        return value.leaves.map { ("\(key).\($0.name)", $0.value) }
      }
      return [(key, value)]
    }
  }

  /// The value on one line, for a table.
  var words: String {
    switch self {
    case .null: "none"
    case .boolean(let value): value ? "yes" : "no"
    case .number(let text): text
    case .string(let text): text
    case .array(let elements):
      elements.count > 32
        ? elements.prefix(32).map(\.words).joined(separator: ", ")
          + ", and \(elements.count - 32) more"
        : elements.map(\.words).joined(separator: ", ")
    case .object(let members):
      members.keys.sorted().map { "\($0) \(members[$0]!.words)" }.joined(separator: ", ")
    }
  }
}
