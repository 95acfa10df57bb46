import Yams

extension Settings {
  /// Reads an experiment file.
  ///
  /// `model`, `hardware` and `link` may be given as a word instead of their keys: `model: NAME` is
  /// `model: {name: NAME}`. Throws `ConfigurationError` for anything that is not a key with a value.
  public init(file path: String) throws(ConfigurationError) {
    try self.init(yaml: try StrictYAML(path: path))
  }

  /// Reads the text of an experiment file; `path` is what errors call it.
  public init(yaml text: String, path: String) throws(ConfigurationError) {
    try self.init(yaml: try StrictYAML(path: path, text: text))
  }

  private init(yaml: StrictYAML) throws(ConfigurationError) {
    try self.init(yaml.root, of: yaml)
  }

  /// Reads an experiment that stands inside another file.
  init(_ mapping: Node.Mapping, of yaml: StrictYAML) throws(ConfigurationError) {
    self.init()
    try read(mapping, under: "", of: yaml)
  }

  private mutating func read(
    _ mapping: Node.Mapping, under section: String, of yaml: StrictYAML
  ) throws(ConfigurationError) {
    for (keyNode, node) in mapping {
      let word = try yaml.key(keyNode)
      let name = section.isEmpty ? word : "\(section).\(word)"
      let place = yaml.place(keyNode)
      // A dotted word is not a path: only nesting is, so that a key has one spelling in files.
      guard !word.contains(".") else {
        throw ConfigurationError(
          place, key: name, "has a dot", nearest: ExperimentSchema.lookUp(name)?.name,
          remedy: "In a file, write the second part below the first; dots are for --set")
      }
      if name == "sweep" {
        set(axes: try SweepAxis.axes(node, of: yaml))
      } else if case .mapping(let inner) = node {
        guard ExperimentSchema.isSection(name) else {
          guard ExperimentSchema.lookUp(name) == nil else {
            throw ConfigurationError(place, key: name, "holds keys where one value belongs")
          }
          throw ExperimentSchema.unknown(name, at: place)
        }
        try read(inner, under: name, of: yaml)
      } else {
        try set(name, to: try Self.value(node, key: name, of: yaml), at: place)
      }
    }
  }

  private static func value(
    _ node: Node, key: String, of yaml: StrictYAML
  ) throws(ConfigurationError) -> Value {
    guard case .sequence(let elements) = node else {
      let (text, isQuoted) = try yaml.scalar(node, key: key)
      return isQuoted ? .quoted(text) : .plain(text)
    }
    if case .items = ExperimentSchema.lookUp(key)?.kind, !elements.isEmpty {
      return .items(try items(Array(elements), key: key, of: yaml) { yaml.place($0) })
    }
    var list: [String] = []
    for element in elements {
      let (text, isQuoted) = try yaml.scalar(element, key: key)
      // A quoted number is no number; the reader of the list then says what belongs there.
      list.append(isQuoted ? "\"\(text)\"" : text)
    }
    return .list(list)
  }

  /// Mappings of a list, each of which holds values only.
  private static func items(
    _ elements: [Node], key: String, of yaml: StrictYAML, at place: (Node) -> Place
  ) throws(ConfigurationError) -> [Item] {
    var items: [Item] = []
    for element in elements {
      guard case .mapping(let mapping) = element else {
        throw ConfigurationError(
          place(element), key: key, "is a list of values where one of keys belongs",
          remedy: ExperimentSchema.lookUp(key)?.example)
      }
      var pairs: [Item.Pair] = []
      for (keyNode, node) in mapping {
        let word = try yaml.key(keyNode)
        pairs.append(
          Item.Pair(key: word, text: try yaml.scalar(node, key: "\(key).\(word)").text))
      }
      items.append(Item(place: place(element), pairs: pairs))
    }
    return items
  }

  /// Mappings of a list that was written in one line, as on a command line.
  ///
  /// Throws `ConfigurationError` when it is no such list.
  static func items(_ text: String, key: String, at place: Place) throws(ConfigurationError)
    -> [Item]
  {
    do throws(ConfigurationError) {
      let yaml = try StrictYAML(path: "", text: "items: \(text)")
      guard case .sequence(let elements)? = yaml.root.first?.value else {
        throw ConfigurationError(place, "is no list")
      }
      return try items(Array(elements), key: key, of: yaml) { _ in place }
    } catch {
      throw ConfigurationError(
        place, key: error.key ?? key, error.problem,
        remedy: error.remedy ?? ExperimentSchema.lookUp(key)?.example)
    }
  }
}
