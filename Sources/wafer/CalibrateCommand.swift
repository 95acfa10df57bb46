import ArgumentParser
import Experiments
import Foundation
import Hardware
import Models
import Runtime

/// `wafer calibrate`
struct CalibrateCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "calibrate",
    abstract: "Fits a wafer's coefficients to measured rows, or measures this host as a device.",
    discussion: """
      Of a wafer: prints the fitted coefficients beside those of the file, the residual of each row, what \
      a fit without the row is off by, and which coefficients the rows hardly determine.

        wafer calibrate --hardware waferllm-wse2 --check
        wafer calibrate --hardware my-rows.yaml --output my-rows.yaml

      Of this host: measures what a node's kernels take, alone and with every processor busy, and what a \
      message takes between two nodes; writes presets into a folder like Configs.

        wafer calibrate --host --model model.gguf --output here
        wafer validate --host here --model model.gguf
      """)

  @Option(
    help: ArgumentHelp(
      "Name of a calibration, of a wafer that has one, or path of a file like them.",
      valueName: "file|name"))
  var hardware: String?
  @Flag(help: "Measure this host; --output is then a folder for its presets.")
  var host = false
  @Option(
    help: ArgumentHelp(
      "Write the calibration anew, with the fitted coefficients and residuals; or the folder of --host.",
      valueName: "file|folder"))
  var output: String?
  @Flag(help: "Fail when the file's coefficients or residuals are not what the fit gives.")
  var check = false
  @OptionGroup(title: "Measuring this host") var options: HostOptions
  @Option(help: "With --host: most tokens of a batch that are measured; default: 128.")
  var tokens: String?
  @Option(
    help: """
      With --host: numbers of busy processes, a preset each, such as 1,2. Default: 1 and all processors.
      """)
  var busy: String?
  @OptionGroup var presets: PresetOption
  @OptionGroup var format: FormatOption

  func run() async throws {
    guard !host else { return try await measure() }
    try HostOptions.refuse(
      options.given + (tokens == nil ? [] : ["--tokens"]) + (busy == nil ? [] : ["--busy"]))
    guard let hardware else {
      throw ConfigurationError(
        .option("--hardware"), "is missing",
        remedy: "Name a calibration, or give --host to measure this host")
    }
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

  // MARK: This host

  private func measure() async throws {
    guard hardware == nil, !check else {
      throw ConfigurationError(
        .option(hardware == nil ? "--check" : "--hardware"), "is given beside --host",
        remedy: "A host is measured, not fitted to a file's rows; leave one out")
    }
    guard let output else {
      throw ConfigurationError(
        .option("--output"), "is missing", remedy: "Name a folder for the presets of --host")
    }
    let name = options.name ?? "host"
    guard !name.isEmpty, name.allSatisfy({ $0.isLetter || $0.isNumber || "-_.".contains($0) }),
      name.first != "."
    else {
      throw ConfigurationError(
        .option("--name"), "is '\(name)', which is no name of a file",
        remedy: "Use letters, digits, '-' and '_'")
    }
    let experiment = try options.experiment(try presets.library())
    let shape = experiment.modelled.shape
    let processors = ProcessorAffinity.allowedProcessors
    let mostTokens = try tokens.map { (text) throws(ConfigurationError) in
      try OptionValue.count(
        text, in: 1...min(HostProcess.tokenGrid.last!, shape.contextLength), option: "--tokens")
    }
    let interruption = Interruption()
    interruption.install()
    let calibration = HostCalibration(
      experiment, name: name, busy: try busyCounts(experiment, processors: processors),
      transports: [.tcp, .ipc], mostTokens: mostTokens ?? min(128, shape.contextLength),
      rounds: try options.rounds(otherwise: 5), launch: try options.launch(),
      progress: { Diagnostics.progress($0) }, interruption: { interruption.reason })
    let result = try await calibration.run()
    for preset in result.presets(of: experiment) {
      try preset.write(to: output, at: .option("--output"))
      Diagnostics.progress("\(output)/\(preset.file)")
    }
    format.print(result.json) { result.text($0) }
  }

  private func busyCounts(
    _ experiment: Experiment, processors: Int
  ) throws(ConfigurationError) -> [Int] {
    let shape = experiment.modelled.shape
    guard let busy else {
      return HostCalibration.defaultBusy(shape: shape, processors: processors)
    }
    var counts: [Int] = []
    for word in busy.split(separator: ",", omittingEmptySubsequences: false) {
      let count = try OptionValue.count(
        String(word), in: 1...max(processors, 1), option: "--busy")
      guard HostCalibration.canBeCut(shape, busy: count) else {
        throw ConfigurationError(
          .option("--busy"),
          "holds \(count), and \(shape.name) can be cut into so many neither as "
            + "stages nor as shards", remedy: "Give fewer")
      }
      if !counts.contains(count) { counts.append(count) }
    }
    return counts
  }
}
