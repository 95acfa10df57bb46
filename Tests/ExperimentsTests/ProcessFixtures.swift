import Foundation
import Subprocess
import Synchronization
import TestSupport
import Testing

@testable import Experiments

#if canImport(System)
  import System
#else
  import SystemPackage
#endif

/// The programs of this package, as they were built beside the test bundle.
enum Products {
  /// The coordinator's command line.
  static let wafer = path("wafer")
  /// A node.
  static let node = path("wafer-node")

  /// The bundle is an executable of its own on Linux, and is loaded by one elsewhere; the folder of the
  /// package is the last resort.
  private static func path(_ name: String) -> String {
    let running = [Bundle.main.executablePath, CommandLine.arguments.first].compactMap { $0 }
    var folders = running.map { URL(fileURLWithPath: $0).deletingLastPathComponent() }
    folders += Bundle.allBundles.map { $0.bundleURL.deletingLastPathComponent() }
    folders.append(Fixtures.repository.appendingPathComponent(".build/debug"))
    let places = folders.map { $0.appendingPathComponent(name).path }
    guard let found = places.first(where: FileManager.default.isExecutableFile) else {
      preconditionFailure("no '\(name)' beside the tests; looked at \(places)")
    }
    return found
  }

  /// A node program of the shell's: something that is done before it becomes a node.
  ///
  /// - Parameters:
  ///   - folder: Where it is written, and `first` made by the first process that runs it.
  ///   - before: What every process does.
  ///   - beforeFirst: What only the first one does then. `$$` is the node to be.
  static func nodeProgram(
    in folder: String, before: String = ":", beforeFirst: String? = nil
  ) throws -> String {
    let program = "\(folder)/node"
    let first = beforeFirst.map { "if mkdir '\(folder)/first' 2>/dev/null; then\n\($0)\nfi" } ?? ""
    try """
    #!/bin/sh
    \(before)
    \(first)
    exec '\(node)' "$@"
    """.write(toFile: program, atomically: true, encoding: .utf8)
    chmod(program, 0o755)
    return program
  }
}

/// A program that was run to its end.
struct Ended: Sendable {
  let process: Int32
  /// `nil` when a signal ended it.
  let status: Int32?
  let output: String
  let errors: String

  /// The document on standard output. Fails when it is not one JSON document and nothing else.
  var document: JSONValue {
    get throws { try JSONDecoder().decode(JSONValue.self, from: Data(output.utf8)) }
  }
}

/// Runs a program of this package, or another, to its end.
///
/// - Parameters:
///   - folder: Where it keeps temporary files.
///   - variables: Added to the environment.
///   - onLine: Sees each line of standard error as it comes, with the process.
@discardableResult
func run(
  _ program: String, _ arguments: [String], temporary folder: String? = nil,
  variables: [String: String] = [:],
  onLine: @escaping @Sendable (Int32, String) -> Void = { _, _ in }
) async throws -> Ended {
  var environment: [Environment.Key: String?] = [
    "WAFER_CONFIGS": Fixtures.presets.folder, "NO_COLOR": "1",
  ]
  if let folder { environment["TMPDIR"] = folder }
  for (name, value) in variables { environment[.init(rawValue: name)!] = value }
  let result = try await Subprocess.run(
    .path(FilePath(program)), arguments: Arguments(arguments),
    environment: .inherit.updating(environment), input: .none,
    output: .string(limit: 64 << 20), error: .sequence
  ) { execution in
    var lines: [String] = []
    for try await line in execution.standardError.strings() {
      lines.append(line)
      onLine(execution.processIdentifier.value, line)
    }
    return lines
  }
  let status: Int32? =
    if case .exited(let code) = result.terminationStatus { code } else { nil }
  return Ended(
    process: result.processIdentifier.value, status: status,
    output: result.standardOutput, errors: result.closureResult.joined(separator: "\n"))
}

/// What `/proc` tells of processes.
enum Processes {
  /// Processes whose parent is `process`.
  static func children(of process: Int32) -> [Int32] {
    let all = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
    return all.compactMap { Int32($0) }.filter { parent(of: $0) == process }.sorted()
  }

  /// Whether a process is there and has not ended.
  static func isAlive(_ process: Int32) -> Bool {
    guard let state = fields(of: process)?.first else { return false }
    return state != "Z" && state != "X"
  }

  private static func parent(of process: Int32) -> Int32? {
    fields(of: process).flatMap { Int32($0[1]) }
  }

  /// State, parent and so on: what stands behind the name, which may hold anything.
  private static func fields(of process: Int32) -> [Substring]? {
    guard let text = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8),
      let end = text.lastIndex(of: ")")
    else { return nil }
    return text[end...].dropFirst(2).split(separator: " ")
  }
}

/// A list that several threads add to.
final class Collected<Element: Sendable>: Sendable {
  private let list = Mutex<[Element]>([])
  func append(_ element: Element) { list.withLock { $0.append(element) } }
  func append(contentsOf elements: [Element]) { list.withLock { $0 += elements } }
  var all: [Element] { list.withLock { $0 } }
}

extension Fixtures {
  /// A folder under /tmp that is removed after `body`: paths of sockets must be short.
  static func withShortFolder<Result>(
    _ body: (String) async throws -> Result
  ) async throws -> Result {
    let path = "/tmp/wafer-test-\(UInt32.random(in: 0...UInt32.max))"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
    defer { try? FileManager.default.removeItem(atPath: path) }
    return try await body(path)
  }
}

/// What a run must give whatever happened to it on the way.
struct Answer: Equatable {
  var emulated: String
  var tokens: [JSONValue?]

  init(_ ended: Ended) throws {
    let document = try ended.document
    emulated = try EmulatedDocument(run: document, place: .builtIn).json.document
    tokens = ["single", "cluster"].map { document[$0]?["tokens"] }
  }
}
