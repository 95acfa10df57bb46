import Foundation

/// The repository's own files, as the tests of its habits read them.
struct Repository {
  /// The folder that holds `Package.swift`.
  let root: URL

  init(file: String = #filePath) {
    root = URL(fileURLWithPath: file).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
  }

  /// Paths, relative to the root, of the files below a folder whose names end so, in order.
  func files(below folder: String, endingIn suffixes: [String]) -> [String] {
    let base = root.appendingPathComponent(folder)
    let found = FileManager.default.enumerator(atPath: base.path)?.compactMap { $0 as? String }
    return (found ?? []).filter { path in suffixes.contains { path.hasSuffix($0) } }
      .map { "\(folder)/\($0)" }.sorted()
  }

  /// Everything that people read and write here.
  var texts: [String] {
    let code = ["Sources", "Tests", "Benchmarks"].flatMap {
      files(below: $0, endingIn: [".swift", ".c", ".h", ".py"])
    }
    let words = files(below: "docs", endingIn: [".md"])
    let presets = files(below: "Configs", endingIn: [".yaml"])
    let scripts = files(below: "scripts", endingIn: [""]).filter { !isFolder($0) }
    let cluster = files(below: "Cluster", endingIn: [""]).filter { !isFolder($0) }
    return code + words + presets + scripts + cluster
      + ["Package.swift", "README.md", "CHANGELOG.md"]
  }

  func isFolder(_ path: String) -> Bool {
    var isFolder: ObjCBool = false
    return FileManager.default.fileExists(
      atPath: root.appendingPathComponent(path).path, isDirectory: &isFolder) && isFolder.boolValue
  }

  func exists(_ path: String) -> Bool {
    FileManager.default.fileExists(atPath: root.appendingPathComponent(path).path)
  }

  /// The lines of a file.
  func lines(_ path: String) throws -> [Substring] {
    let text = try String(contentsOf: root.appendingPathComponent(path), encoding: .utf8)
    return text.split(separator: "\n", omittingEmptySubsequences: false)
  }
}
