/// Input that cannot be used: where it stands, which key, what is wrong, what would be right.
///
/// Every command ends with exit status 2 on it.
public struct ConfigurationError: Error, Hashable, Sendable, CustomStringConvertible {
  /// Where it was written.
  public var place: Place
  /// The key at fault, dotted, such as `plan.tensor`; `nil` when it is no matter of one key.
  public var key: String?
  /// What is wrong with it; reads on from the key.
  public var problem: String
  /// The valid name that is nearest to a wrong one.
  public var nearest: String?
  /// What would be right, a sentence of its own.
  public var remedy: String?

  /// An error of these parts.
  public init(
    _ place: Place, key: String? = nil, _ problem: String, nearest: String? = nil,
    remedy: String? = nil
  ) {
    self.place = place
    self.key = key
    self.problem = problem
    self.nearest = nearest
    self.remedy = remedy
  }

  /// One line: place, key, what is wrong, the nearest valid name, what would be right.
  public var description: String {
    var text = "\(place): "
    if let key { text += "'\(key)' " }
    text += problem
    if let nearest { text += "; the nearest is '\(nearest)'" }
    if let remedy { text += ". \(remedy)" }
    return text
  }
}

/// Where a setting was written.
public enum Place: Hashable, Sendable, CustomStringConvertible {
  /// In the program: a default.
  case builtIn
  /// In a file; lines count from 1.
  case file(String, line: Int?)
  /// On the command line, as an option of this name.
  case option(String)
  /// On the command line, as `--set` with this argument.
  case set(String)

  /// As compilers write it: `file:line`, or the option.
  public var description: String {
    switch self {
    case .builtIn: "default"
    case .file(let path, let line?): "\(path):\(line)"
    case .file(let path, nil): path
    case .option(let name): name
    case .set(let argument): "--set \(argument)"
    }
  }

  /// The folder of the file; `nil` when it is no file. Paths in a file are relative to it.
  var folder: String? {
    guard case .file(let path, _) = self else { return nil }
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }
}
