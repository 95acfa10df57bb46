import Foundation
import Yams

/// Reads YAML files so that nothing in them goes unnoticed: duplicate keys, anchors, nulls and lists
/// where a value belongs are errors with their line.
struct StrictYAML {
  /// The path, as errors call it.
  let path: String
  /// The mapping at the top.
  let root: Node.Mapping

  /// Largest file. The largest preset takes 12 KiB; a prompt may take more.
  static let largestFile = 1 << 20

  /// Deepest nesting; experiments need 2, presets 4.
  private static let deepest = 8

  /// Throws `ConfigurationError` when the file cannot be read, is too large, is not YAML, or is not a
  /// mapping.
  init(path: String) throws(ConfigurationError) {
    try self.init(path: path, text: try Self.text(path))
  }

  /// Reads `text`; `path` is what errors call it.
  init(path: String, text: String) throws(ConfigurationError) {
    self.path = path
    try Self.checkNesting(text, path: path)
    let parser: Parser
    let node: Node?
    do {
      parser = try Parser(yaml: text)
      node = try parser.singleRoot()
    } catch {
      throw Self.syntaxError(error, path: path)
    }
    // Nodes hold their anchors weakly; the parser owns them.
    defer { withExtendedLifetime(parser) {} }
    guard let node else {
      throw ConfigurationError(
        .file(path, line: nil), "is empty", remedy: "Write keys and values as 'key: value'")
    }
    guard case .mapping(let mapping) = node else {
      throw ConfigurationError(
        .file(path, line: node.mark?.line), "holds no mapping",
        remedy: "Write keys and values as 'key: value'")
    }
    root = mapping
    try checkPlainness(node, depth: 0)
  }

  /// Where a node stands.
  func place(_ node: Node) -> Place { .file(path, line: node.mark?.line) }

  /// The key of a pair, as text.
  func key(_ node: Node) throws(ConfigurationError) -> String {
    guard case .scalar(let scalar) = node else {
      throw ConfigurationError(place(node), "a key is no word", remedy: "Keys are words")
    }
    return scalar.string
  }

  /// A scalar's text and whether it stood in quotes.
  ///
  /// Throws `ConfigurationError` when it is a list, a mapping, or nothing.
  func scalar(_ node: Node, key: String) throws(ConfigurationError)
    -> (text: String, isQuoted: Bool)
  {
    switch node {
    case .scalar(let scalar):
      let isPlain = scalar.style == .plain || scalar.style == .any
      if isPlain, ["", "~", "null", "Null", "NULL"].contains(scalar.string) {
        throw ConfigurationError(
          place(node), key: key, "has no value", remedy: "Give it a value, or remove the key")
      }
      return (scalar.string, !isPlain)
    case .sequence:
      throw ConfigurationError(place(node), key: key, "is a list where one value belongs")
    default:
      throw ConfigurationError(place(node), key: key, "holds keys where one value belongs")
    }
  }

  /// The mapping that a node is.
  func mapping(_ node: Node, key: String) throws(ConfigurationError) -> Node.Mapping {
    guard case .mapping(let mapping) = node else {
      throw ConfigurationError(
        place(node), key: key, "is a value where keys belong",
        remedy: "Write keys and values below it, further in")
    }
    return mapping
  }

  /// The bytes of a file of bounded size.
  static func bytes(_ path: String) throws(ConfigurationError) -> Data {
    let place = Place.file(path, line: nil)
    do {
      let handle = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
      defer { try? handle.close() }
      let data = try handle.read(upToCount: largestFile + 1) ?? Data()
      guard data.count <= largestFile else {
        throw ConfigurationError(
          place, "is larger than \(largestFile) bytes",
          remedy: "It must be a YAML file; models are given by 'model'")
      }
      return data
    } catch let error as ConfigurationError {
      throw error
    } catch {
      let isFolder = (try? FileManager.default.contentsOfDirectory(atPath: path)) != nil
      throw ConfigurationError(
        place,
        isFolder
          ? "is a folder"
          : FileManager.default.fileExists(atPath: path)
            ? "cannot be read: \(error.localizedDescription)" : "does not exist",
        remedy: "Give the path of a YAML file that can be read")
    }
  }

  private static func text(_ path: String) throws(ConfigurationError) -> String {
    guard let text = String(data: try bytes(path), encoding: .utf8) else {
      throw ConfigurationError(
        .file(path, line: nil), "is not UTF-8 text", remedy: "It must be a YAML file")
    }
    return text
  }

  /// Refuses anchors, tags and depth, which files of this kind do not need and which can hide
  /// a value from its reader.
  private func checkPlainness(_ node: Node, depth: Int) throws(ConfigurationError) {
    if let anchor = node.anchor {
      throw ConfigurationError(
        place(node), "has the anchor '&\(anchor.rawValue)'", remedy: "Write the value out")
    }
    guard depth <= Self.deepest else {
      throw ConfigurationError(place(node), "is nested deeper than \(Self.deepest) levels")
    }
    switch node {
    case .mapping(let mapping):
      for (key, value) in mapping {
        try checkPlainness(key, depth: depth + 1)
        try checkPlainness(value, depth: depth + 1)
      }
    case .sequence(let sequence):
      for element in sequence { try checkPlainness(element, depth: depth + 1) }
    default: break
    }
  }

  /// Refuses lines that nest brackets without end before the parser recurses into them.
  private static func checkNesting(_ text: String, path: String) throws(ConfigurationError) {
    var line = 1
    var open = 0
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "\n"):
        line += 1
      case UInt8(ascii: "["), UInt8(ascii: "{"): open += 1
      case UInt8(ascii: "]"), UInt8(ascii: "}"): open = max(0, open - 1)
      default: break
      }
      guard open <= 256 else {
        throw ConfigurationError(.file(path, line: line), "opens more than 256 brackets")
      }
    }
  }

  private static func syntaxError(_ error: any Error, path: String) -> ConfigurationError {
    switch error as? YamlError {
    case .scanner(let context, let problem, let mark, _),
      .parser(let context, let problem, let mark, _),
      .composer(let context, let problem, let mark, _):
      let before = context.map { "\($0.text) from line \($0.mark.line), " } ?? ""
      return ConfigurationError(
        .file(path, line: mark.line), "is not YAML: \(before)\(problem)",
        remedy: "Write keys and values as 'key: value', with spaces and no tabs before them")
    case .duplicatedKeysInMapping(let duplicates, let context):
      return ConfigurationError(
        .file(path, line: context.mark.line), key: duplicates.sorted().first,
        "stands twice in one mapping", remedy: "Keep one")
    case .reader(let problem, _, _, _):
      return ConfigurationError(.file(path, line: nil), "is not YAML: \(problem)")
    default:
      return ConfigurationError(.file(path, line: nil), "is not YAML: \(error)")
    }
  }
}
