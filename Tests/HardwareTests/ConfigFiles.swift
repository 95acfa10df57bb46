import Foundation
import Hardware
import Models
import Quantities
import Testing
import Yams

/// The committed presets, read here with a plain YAML parser. The strict reader with line numbers is
/// that of `Experiments`; this one only needs to see what the files hold.
enum ConfigFiles {
  static let folder = URL(filePath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .appending(path: "Configs")

  /// Names of the presets in a folder, sorted; of one kind, where kinds share it.
  static func names(_ folderName: String, preset: String? = nil) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: folder.appending(path: folderName).path)
      .filter { $0.hasSuffix(".yaml") }
      .map { String($0.dropLast(5)) }
      .filter { try preset == nil || node(folderName, $0)["preset"]?.string == preset }
      .sorted()
  }

  static func node(_ kind: String, _ name: String) throws -> Node {
    let file = folder.appending(path: kind).appending(path: name + ".yaml")
    return try #require(try Yams.compose(yaml: String(contentsOf: file, encoding: .utf8)))
  }

  static func preset<Value>(_ kind: String, _ name: String, as: Value.Type = Value.self) throws
    -> Preset<Value>
  {
    let root = try node(kind, name)
    return try Preset(
      name: try #require(root["name"]?.string), summary: try #require(root["summary"]?.string),
      figures: figures(try #require(root["figures"]?.mapping)))
  }

  static func wafer(_ name: String) throws -> Wafer {
    try preset("hardware", name, as: Wafer.self).value
  }

  static func accelerator(_ name: String) throws -> Accelerator {
    try preset("hardware", name, as: Accelerator.self).value
  }

  static func model(_ name: String) throws -> ModelShape {
    try preset("models", name, as: ModelShape.self).value
  }

  static func calibration(_ name: String = "waferllm-wse2") throws -> Calibration {
    let root = try node("calibration", name)
    let coefficients: Preset<Calibration.Coefficients> = try preset("calibration", name)
    let rows = try #require(root["rows"]?.array()).map { row in
      let mark = try #require(row["mark"]?.string.flatMap(Mark.init))
      let source = try #require(row["source"]?.string)
      var fields: [String: Figure<String>] = [:]
      for (key, value) in try #require(row.mapping) where key != "mark" && key != "source" {
        fields[try #require(key.string)] = Figure(
          try #require(value.scalar?.string), mark, source: source)
      }
      return try Preset<Calibration.Row>(name: name, summary: "", figures: fields).value
    }
    var groups: [Int: Int] = [:]
    for (length, count) in try #require(root["groups"]?["configurations"]?.mapping) {
      let (pes, groupCount): (Int, Int) = try (
        #require(length.string.flatMap { Int($0) }), #require(count.string.flatMap { Int($0) })
      )
      groups[pes] = groupCount
    }
    return Calibration(
      name: coefficients.name, wafer: try #require(root["wafer"]?.string),
      coefficients: coefficients.value, rows: rows, groups: groups)
  }

  private static func figures(_ mapping: Node.Mapping) throws -> [String: Figure<String>] {
    var figures: [String: Figure<String>] = [:]
    for (key, figure) in mapping {
      figures[try #require(key.string)] = Figure(
        try #require(figure["value"]?.scalar?.string),
        try #require(figure["mark"]?.string.flatMap(Mark.init)),
        source: try #require(figure["source"]?.string))
    }
    return figures
  }
}
