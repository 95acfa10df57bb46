import Foundation
import ModelFiles

/// The files that a run leaves: `result.json` in its output folder, and logits where they were asked for.
///
/// Made before the run, so that an unwritable place is found out before time is spent.
public struct ResultFiles: Sendable {
  private let output: String?
  private let logits: String?

  /// Makes the output folder and tries both places.
  ///
  /// Throws `ConfigurationError` when one cannot be written.
  public init(_ experiment: Experiment) throws(ConfigurationError) {
    output = experiment.host.output
    logits = experiment.host.logits
    if let output {
      do {
        try FileManager.default.createDirectory(
          atPath: output, withIntermediateDirectories: true)
      } catch {
        throw ConfigurationError(
          .option("--output"), "'\(output)' cannot be made: \(error.localizedDescription)",
          remedy: "Give a folder that this user may write")
      }
      try Self.probe("\(output)/result.json", option: "--output")
    }
    if let logits { try Self.probe(logits, option: "--logits") }
  }

  /// Opens a file for writing without changing it. One that is not there is made and removed again, so that a run
  /// which fails leaves no empty file.
  static func probe(_ path: String, option: String) throws(ConfigurationError) {
    let made = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
    let descriptor = made >= 0 ? made : open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else {
      throw ConfigurationError(
        .option(option), "'\(path)' cannot be written: \(String(cString: strerror(errno)))",
        remedy: "Give a place that this user may write")
    }
    close(descriptor)
    if made >= 0 { unlink(path) }
  }

  /// Writes what was asked for.
  ///
  /// Throws what writing throws: a full disk, a folder that has gone.
  public func write(_ result: ExperimentResult, document: JSONValue) throws {
    if let output {
      try Data(document.document.utf8).write(
        to: URL(fileURLWithPath: "\(output)/result.json"), options: .atomic)
    }
    if let logits {
      var writer = SafetensorsWriter(metadata: [("schema", "wafer.logits/1")])
      for (name, half) in [("single", result.single), ("cluster", result.cluster)] {
        guard let logits = half.logits, let width = logits.rows.first?.count else { continue }
        writer.add(
          name, shape: [logits.rows.count, width], float32: Array(logits.rows.joined()))
      }
      try writer.write(to: logits)
    }
  }
}
