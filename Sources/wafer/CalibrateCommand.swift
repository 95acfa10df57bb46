import ArgumentParser
import Experiments
import Foundation
import Hardware

/// `wafer calibrate`
struct CalibrateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "calibrate",
    abstract: "Fits the coefficients of a wafer's kernels to measured rows.",
    discussion: """
      Prints the fitted coefficients beside those of the file, the residual of each row, what a fit \
      without the row is off by, and which coefficients the rows hardly determine.

        wafer calibrate --hardware waferllm-wse2 --check
        wafer calibrate --hardware my-rows.yaml --output my-rows.yaml
      """)

  @Option(
    help: ArgumentHelp(
      "Name of a calibration, of a wafer that has one, or path of a file like them.",
      valueName: "file|name"))
  var hardware: String
  @Option(
    help: ArgumentHelp(
      "Write the calibration anew, with the fitted coefficients and residuals.",
      valueName: "file"))
  var output: String?
  @Flag(help: "Fail when the file's coefficients or residuals are not what the fit gives.")
  var check = false
  @OptionGroup var presets: PresetOption
  @OptionGroup var format: FormatOption

  func run() throws {
    let file = try presets.library().calibrationFile(hardware, at: .option("--hardware"))
    let fit = CalibrationFit(file.calibration)
    let report = CalibrationReport(fit)
    format.print(report.json) { report.text($0) }
    if let output {
      do {
        try Data(file.written(fit).utf8).write(to: URL(fileURLWithPath: output), options: .atomic)
      } catch {
        throw RunFailure("\(output) cannot be written: \(error.localizedDescription)")
      }
    }
    if check, !report.differences.isEmpty {
      throw RunFailure(
        "\(file.path) is not what the fit of its rows gives\n"
          + report.differences.map { "  \($0)" }.joined(separator: "\n"))
    }
  }
}
