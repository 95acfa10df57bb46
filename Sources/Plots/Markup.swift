/// A piece of an SVG picture or an HTML page: an element, or text.
///
/// What is written into it is escaped once, here, so that no name, prompt or number can become markup.
public enum Markup: Hashable, Sendable {
  /// An element with its attributes, in this order, and what is inside it.
  case element(name: String, attributes: [Attribute], children: [Markup])
  /// Characters as they are to be read.
  case text(String)

  /// A name and a value.
  public struct Attribute: Hashable, Sendable {
    /// As the language spells it, such as `stroke-width`.
    public var name: String
    /// As it is to be read.
    public var value: String

    /// An attribute of an element.
    public init(_ name: String, _ value: String) {
      self.name = name
      self.value = value
    }
  }

  /// An element; its attributes as pairs, in the order in which they are to be written.
  public static func element(
    _ name: String, _ attributes: KeyValuePairs<String, String> = [:], _ children: [Markup] = []
  ) -> Markup {
    .element(name: name, attributes: attributes.map { Attribute($0, $1) }, children: children)
  }

  /// An element around text.
  public static func element(
    _ name: String, _ attributes: KeyValuePairs<String, String> = [:], text: String
  ) -> Markup {
    element(name, attributes, [.text(text)])
  }

  /// The same element with a further attribute; text has none and stays as it is.
  public func with(_ name: String, _ value: String) -> Markup {
    guard case .element(let element, let attributes, let children) = self else { return self }
    return .element(
      name: element, attributes: attributes + [Attribute(name, value)], children: children)
  }

  /// Characters of the document. Elements that hold elements only are broken into lines.
  public var rendered: String {
    var text = ""
    write(to: &text, depth: 0)
    return text
  }

  private func write(to text: inout String, depth: Int) {
    switch self {
    case .text(let characters): text += Self.escaped(characters)
    case .element(let name, let attributes, let children):
      text += "<\(name)"
      for attribute in attributes {
        text += " \(attribute.name)=\"\(Self.escaped(attribute.value))\""
      }
      // HTML closes these by themselves; an empty one of any other name is closed at once in SVG and with
      // an end tag in HTML, and an end tag is right in both.
      if children.isEmpty, Self.emptyElements.contains(name) {
        text += "/>"
        return
      }
      text += ">"
      let isBlock = !children.isEmpty && children.allSatisfy(\.isElement)
      for child in children {
        if isBlock { text += "\n" + String(repeating: " ", count: depth + 1) }
        child.write(to: &text, depth: depth + 1)
      }
      if isBlock { text += "\n" + String(repeating: " ", count: depth) }
      text += "</\(name)>"
    }
  }

  private var isElement: Bool {
    if case .element = self { true } else { false }
  }

  private static let emptyElements: Set<String> = [
    "meta", "link", "br", "hr", "img", "input", "rect", "line", "path", "circle", "polyline",
    "polygon", "use", "stop",
  ]

  /// Text as it stands in a document; characters that XML does not allow become a replacement.
  static func escaped(_ text: String) -> String {
    var result = ""
    for character in text.unicodeScalars {
      switch character {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      case "\t", "\n", "\r": result.unicodeScalars.append(character)
      case _ where character.value < 0x20 || character.value == 0xFFFE || character.value == 0xFFFF:
        result += "\u{FFFD}"
      default: result.unicodeScalars.append(character)
      }
    }
    return result
  }
}
