import Foundation
import Plots

/// The folder that a report is made of, read and recognised.
public enum ReportFolder: Sendable {
  /// Of `wafer run --output`.
  case run(RunFolder)
  /// Of `wafer sweep --output`.
  case sweep(SweptFolder)

  /// Names by which a folder is recognised.
  static let runName = "result.json"
  static let sweepName = "sweep.json"
  static let rowsName = "rows.jsonl"

  /// Reads a folder.
  ///
  /// Throws `ConfigurationError` when it is none of ours, or a file in it is not what its name says.
  public init(_ path: String) throws(ConfigurationError) {
    var isFolder: ObjCBool = false
    let manager = FileManager.default
    guard manager.fileExists(atPath: path, isDirectory: &isFolder), isFolder.boolValue else {
      throw ConfigurationError(
        .option("DIR"), "'\(path)' is not a folder", remedy: Self.remedy)
    }
    if manager.fileExists(atPath: "\(path)/\(Self.sweepName)") {
      self = .sweep(try SweptFolder(path))
    } else if manager.fileExists(atPath: "\(path)/\(Self.runName)") {
      self = .run(try RunFolder(path))
    } else {
      throw ConfigurationError(
        .option("DIR"), "'\(path)' has neither \(Self.runName) nor \(Self.sweepName)",
        remedy: Self.remedy)
    }
  }

  private static let remedy =
    "Give the folder that 'wafer run --output DIR' or 'wafer sweep --output DIR' wrote"

  /// Reads a document that must be there.
  static func document(
    _ path: String, schema: String
  ) throws(ConfigurationError) -> JSONValue {
    let place = Place.file(path, line: nil)
    let data: Data
    do {
      data = try Data(contentsOf: URL(fileURLWithPath: path))
    } catch {
      throw ConfigurationError(place, "cannot be read", remedy: remedy)
    }
    guard let document = try? JSONDecoder().decode(JSONValue.self, from: data) else {
      throw ConfigurationError(
        place, data.isEmpty ? "is empty: the run has not ended" : "is not JSON", remedy: remedy)
    }
    guard let found = document["schema"]?.string, found.hasPrefix(schema) else {
      throw ConfigurationError(
        place, key: "schema",
        "is \(document["schema"].map { "'\($0.words)'" } ?? "missing"), not '\(schema)1'",
        remedy: remedy)
    }
    return document
  }

  /// Reads a table that may be missing, with the columns that it must have.
  static func table(
    _ path: String, columns: [String]
  ) throws(ConfigurationError) -> Plots.CSV? {
    guard FileManager.default.fileExists(atPath: path) else { return nil }
    let place = Place.file(path, line: nil)
    guard let data = FileManager.default.contents(atPath: path),
      let csv = Plots.CSV(text: String(decoding: data, as: UTF8.self))
    else {
      throw ConfigurationError(
        place, "is no table of comma-separated values", remedy: "Run again with --output")
    }
    guard csv.columns == columns else {
      throw ConfigurationError(
        place, "has the columns '\(csv.columns.joined(separator: ",").prefix(80))'",
        remedy: "Its columns are " + columns.joined(separator: ","))
    }
    return csv
  }
}

/// What `wafer run --output` left.
public struct RunFolder: Sendable {
  /// Its path.
  public let path: String
  /// `result.json`
  let result: JSONValue
  /// `kernels.csv`, `messages.csv`, `tokens.csv` and `requests.csv`, where they are.
  let kernels: Plots.CSV?
  let messages: Plots.CSV?
  let tokens: Plots.CSV?
  let requests: Plots.CSV?

  init(_ path: String) throws(ConfigurationError) {
    self.path = path
    result = try ReportFolder.document(
      "\(path)/\(ReportFolder.runName)", schema: "wafer.run/")
    for key in ["experiment", "single", "cluster", "comparison"] where result[key] == nil {
      throw ConfigurationError(
        .file("\(path)/\(ReportFolder.runName)", line: nil), key: key, "is missing",
        remedy: "Run again with --output")
    }
    kernels = try ReportFolder.table(
      "\(path)/\(TimelineFiles.kernelsName)", columns: TimelineTable.kernelColumns)
    messages = try ReportFolder.table(
      "\(path)/\(TimelineFiles.messagesName)", columns: TimelineTable.messageColumns)
    tokens = try ReportFolder.table(
      "\(path)/\(TimelineFiles.tokensName)", columns: TimelineTable.tokenColumns)
    requests = try ReportFolder.table(
      "\(path)/\(TimelineFiles.requestsName)", columns: TimelineTable.requestColumns)
  }
}

/// What `wafer sweep --output` left.
public struct SweptFolder: Sendable {
  /// Its path.
  public let path: String
  /// `sweep.json`
  let sweep: JSONValue
  /// Lines of `rows.jsonl`.
  let rows: [JSONValue]

  init(_ path: String) throws(ConfigurationError) {
    self.path = path
    sweep = try ReportFolder.document("\(path)/\(ReportFolder.sweepName)", schema: "wafer.sweep/")
    let place = "\(path)/\(ReportFolder.rowsName)"
    guard let data = FileManager.default.contents(atPath: place) else {
      throw ConfigurationError(
        .file(place, line: nil), "does not exist or cannot be read",
        remedy: "Give the folder that 'wafer sweep --output DIR' wrote")
    }
    var rows: [JSONValue] = []
    let lines = String(decoding: data, as: UTF8.self).split(
      separator: "\n", omittingEmptySubsequences: false)
    for (index, line) in lines.enumerated() where !line.isEmpty {
      guard let row = try? JSONDecoder().decode(JSONValue.self, from: Data(line.utf8)) else {
        // A sweep that was interrupted may leave half a line at the end.
        if index == lines.count - 1 { break }
        throw ConfigurationError(
          .file(place, line: index + 1), "is not JSON",
          remedy: "Remove it and all behind it; the sweep's command makes their rows again")
      }
      rows.append(row)
    }
    self.rows = rows
  }
}
