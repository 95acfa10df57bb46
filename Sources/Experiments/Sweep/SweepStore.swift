import Foundation

/// The folder of a sweep: `sweep.json`, and the rows as they come, as `rows.csv` and `rows.jsonl`.
///
/// A row counts when its line is whole in both files. So an interrupted sweep goes on where it was, and a
/// crash or a full disk costs the row that was being written.
public final class SweepStore {
  /// Rows that were there before, whole.
  public let finished: [JSONValue]
  private let path: String
  private let columns: [String]
  private let csv: Int32
  private let lines: Int32

  /// Bytes of a row in both files, about: a sweep whose rows do not fit the disk is refused.
  private static let bytesPerRow = 2500

  /// Opens a folder for a sweep, anew or where an earlier call ended.
  ///
  /// - Parameter document: What `sweep.json` is to hold.
  ///
  /// Throws `ConfigurationError` when it cannot be written, has too little room, or holds another sweep.
  public init(_ path: String, sweep document: JSONValue, columns: [String], rows: Int)
    throws(ConfigurationError)
  {
    self.path = path
    self.columns = columns
    do {
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    } catch {
      throw Self.error(path, "cannot be made: \(error.localizedDescription)")
    }
    try Self.checkSweep(path, document)
    try Self.checkRoom(path, rows: rows)
    csv = try Self.open("\(path)/rows.csv")
    lines = try Self.open("\(path)/rows.jsonl")
    finished = try Self.wholeRows(path, csv: csv, lines: lines)
    do {
      if !FileManager.default.fileExists(atPath: "\(path)/sweep.json") {
        try Data(document.document.utf8).write(
          to: URL(fileURLWithPath: "\(path)/sweep.json"), options: .atomic)
      }
      if lseek(csv, 0, SEEK_END) == 0 {
        try Self.write(columns.map { RowField.text($0) }.joined(separator: ",") + "\n", to: csv)
      }
    } catch {
      throw Self.error(path, "cannot be written: \(error)")
    }
  }

  deinit {
    close(csv)
    close(lines)
  }

  /// Appends a row to both files.
  ///
  /// Throws `SweepStoreError` when it cannot be written.
  public func append(_ row: JSONValue) throws {
    do {
      try Self.write(row.line + "\n", to: lines)
      try Self.write(SweepRow.csv(row, columns: columns), to: csv)
    } catch {
      throw SweepStoreError(path: path, reason: "\(error)")
    }
  }

  // MARK: Files

  private static func error(_ path: String, _ problem: String, remedy: String? = nil)
    -> ConfigurationError
  {
    ConfigurationError(
      .option("--output"), "'\(path)' \(problem)",
      remedy: remedy ?? "Give a folder that this user may write")
  }

  private static func open(_ path: String) throws(ConfigurationError) -> Int32 {
    let descriptor = Foundation.open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else {
      throw error(path, "cannot be written: \(String(cString: strerror(errno)))")
    }
    return descriptor
  }

  private static func checkRoom(_ path: String, rows: Int) throws(ConfigurationError) {
    var room = statvfs()
    guard statvfs(path, &room) == 0 else { return }
    let free = UInt64(room.f_bavail) * UInt64(room.f_frsize)
    let needed = UInt64(rows * bytesPerRow)
    guard free >= needed else {
      throw error(
        path, "has \(free) bytes of room, and \(rows) rows need about \(needed)",
        remedy: "Free some, or give another folder")
    }
  }

  /// Throws when the folder holds another sweep, or rows of none.
  private static func checkSweep(_ path: String, _ document: JSONValue) throws(ConfigurationError) {
    let file = "\(path)/sweep.json"
    guard FileManager.default.fileExists(atPath: file) else {
      for rows in ["rows.csv", "rows.jsonl"]
      where FileManager.default.fileExists(atPath: "\(path)/\(rows)") {
        throw error(
          path, "holds \(rows) and no sweep.json", remedy: "Give a folder of its own to the sweep")
      }
      return
    }
    let other = "Give another folder, or remove this one to begin anew"
    guard let data = try? Data(contentsOf: URL(fileURLWithPath: file)),
      let found = try? JSONDecoder().decode(JSONValue.self, from: data),
      case .object(let before) = found, case .object(let now) = document
    else { throw error(path, "holds a sweep.json that cannot be read", remedy: other) }
    let keys = Set(before.keys).union(now.keys).subtracting(["command"]).sorted()
    if let key = keys.first(where: { before[$0] != now[$0] }) {
      throw error(
        path, "holds another sweep: its \(key) differ\(key.hasSuffix("s") ? "" : "s")",
        remedy: other)
    }
  }

  /// Reads the rows whose lines are whole in both files, and cuts off what is behind them.
  private static func wholeRows(_ path: String, csv: Int32, lines: Int32)
    throws(ConfigurationError) -> [JSONValue]
  {
    let table = wholeLines(read(csv))
    let documents = wholeLines(read(lines))
    // The table has its header before the rows.
    let count = min(max(table.count - 1, 0), documents.count)
    var rows: [JSONValue] = []
    for (number, line) in documents.prefix(count).enumerated() {
      guard let row = try? JSONDecoder().decode(JSONValue.self, from: Data(line)),
        row["point"] == .integer(number)
      else {
        throw error(
          "\(path)/rows.jsonl", "has in line \(number + 1) no row of point \(number)",
          remedy: "Give another folder, or remove this one to begin anew")
      }
      rows.append(row)
    }
    let kept = table.isEmpty ? 0 : count + 1
    cut(csv, to: table.prefix(kept).reduce(0) { $0 + $1.count + 1 })
    cut(lines, to: documents.prefix(count).reduce(0) { $0 + $1.count + 1 })
    return rows
  }

  /// The lines that have their end.
  private static func wholeLines(_ bytes: [UInt8]) -> [ArraySlice<UInt8>] {
    let end = UInt8(ascii: "\n")
    guard let last = bytes.lastIndex(of: end) else { return [] }
    return bytes[..<last].split(separator: end, omittingEmptySubsequences: false)
  }

  private static func read(_ descriptor: Int32) -> [UInt8] {
    let handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: false)
    try? handle.seek(toOffset: 0)
    return Array((try? handle.readToEnd()) ?? Data())
  }

  private static func cut(_ descriptor: Int32, to length: Int) {
    _ = ftruncate(descriptor, off_t(length))
    lseek(descriptor, 0, SEEK_END)
  }

  private static func write(_ text: String, to descriptor: Int32) throws {
    var bytes = Array(text.utf8)[...]
    while !bytes.isEmpty {
      let count = bytes.withUnsafeBytes { Foundation.write(descriptor, $0.baseAddress, $0.count) }
      guard count >= 0 else {
        if errno == EINTR { continue }
        throw Reason(description: String(cString: strerror(errno)))
      }
      bytes = bytes.dropFirst(count)
    }
  }

  private struct Reason: Error, CustomStringConvertible {
    let description: String
  }
}

/// A row that could not be written.
public struct SweepStoreError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The folder.
  public let path: String
  /// What the system says.
  public let reason: String

  /// With what to do.
  public var description: String {
    "the rows in '\(path)' cannot be written: \(reason). Those before are whole; give the same command "
      + "again to go on"
  }
}
