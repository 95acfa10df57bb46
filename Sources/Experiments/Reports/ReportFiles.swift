import Foundation
import Plots

/// Writes a page, and each of its pictures beside it as SVG and CSV.
public enum ReportFiles {
  /// Folder of the pictures, beside the page.
  static let plots = "plots"

  /// Writes all files and returns their number.
  ///
  /// - Parameters:
  ///   - path: The page's file; its pictures lie in the folder `plots` beside it.
  ///
  /// Throws `ConfigurationError` when a file cannot be written.
  public static func write(_ page: ReportPage, to path: String) throws(ConfigurationError) -> Int {
    let folder = URL(fileURLWithPath: path).deletingLastPathComponent()
      .appendingPathComponent(plots)
    try ResultFiles.probe(path, option: "--output")
    do {
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
      try Data(page.html.utf8).write(to: URL(fileURLWithPath: path), options: .atomic)
      for (name, chart) in page.figures {
        try Data(chart.svg().utf8).write(
          to: folder.appendingPathComponent("\(name).svg"), options: .atomic)
        try Data(chart.csv.text.utf8).write(
          to: folder.appendingPathComponent("\(name).csv"), options: .atomic)
      }
    } catch {
      throw ConfigurationError(
        .option("--output"), "'\(path)' cannot be written: \(error.localizedDescription)",
        remedy: "Give a file in a folder that this user may write")
    }
    return 1 + 2 * page.figures.count
  }

  /// Arguments as a shell reads them again.
  static func commandLine(_ arguments: [String]) -> String {
    (["wafer"] + arguments).map { word in
      let isPlain = word.unicodeScalars.allSatisfy {
        $0.properties.isAlphabetic && $0.isASCII || ("0"..."9").contains($0)
          || "-_./=,:+%@".unicodeScalars.contains($0)
      }
      return isPlain && !word.isEmpty
        ? word : "'" + word.replacingOccurrences(of: "'", with: "'\\''") + "'"
    }.joined(separator: " ")
  }
}
