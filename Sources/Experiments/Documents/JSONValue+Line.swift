extension JSONValue {
  /// The document on one line, without a line's end: a row of a `.jsonl` file.
  public var line: String {
    var text = ""
    writeLine(to: &text)
    return text
  }

  private func writeLine(to text: inout String) {
    switch self {
    case .null: text += "null"
    case .boolean(let value): text += value ? "true" : "false"
    case .number(let literal): text += literal
    case .string(let string): Self.write(string, to: &text)
    case .array(let elements):
      text += "["
      for (index, element) in elements.enumerated() {
        if index > 0 { text += ", " }
        element.writeLine(to: &text)
      }
      text += "]"
    case .object(let members):
      text += "{"
      let keys = members.keys.sorted { Array($0.utf8).lexicographicallyPrecedes(Array($1.utf8)) }
      for (index, key) in keys.enumerated() {
        if index > 0 { text += ", " }
        Self.write(key, to: &text)
        text += ": "
        members[key]!.writeLine(to: &text)
      }
      text += "}"
    }
  }
}

extension JSONValue {
  /// An object with one member more.
  ///
  /// - Precondition: it is an object.
  public func adding(_ key: String, _ value: JSONValue) -> JSONValue {
    guard case .object(var members) = self else { preconditionFailure("no object") }
    members[key] = value
    return .object(members)
  }
}
