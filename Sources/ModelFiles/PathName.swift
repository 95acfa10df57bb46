/// Parts of a path, as text.
enum PathName {
  /// The last part: `model.gguf` of `/models/model.gguf`, `smol` of `/models/smol/`.
  static func last(_ path: String) -> String {
    path.split(separator: "/").last.map(String.init) ?? path
  }

  /// The last part without its extension.
  static func stem(_ path: String) -> String {
    let last = last(path)
    guard let dot = last.lastIndex(of: "."), dot != last.startIndex else { return last }
    return String(last[..<dot])
  }

  /// The folder that a file is in; `.` where the path has none.
  static func folder(_ path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }
}
