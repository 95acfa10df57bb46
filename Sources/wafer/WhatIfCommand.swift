import ArgumentParser
import Experiments

/// `wafer whatif`
struct WhatIfCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "whatif",
    abstract: "Says what halving, doubling or making free of each parameter would do.",
    discussion: """
      For every parameter of link and hardware: the change of TTFT, TPOT and tokens a second, the \
      parameter that is worth most first. Evaluated in emulated time; the model stays where it lies.

        wafer whatif --model llama-3.1-70b --pp 4 --tp 1 --mapping region-per-layer
        wafer whatif EXPERIMENT.yaml --format json
      """)

  @OptionGroup(title: "Experiment") var experiment: ExperimentOptions
  @OptionGroup var format: FormatOption

  func run() throws {
    let answer = try WhatIf(try experiment.resolveForEvaluation())
    for warning in answer.warnings { Diagnostics.warn(warning) }
    format.print(answer.json) { answer.text($0) }
  }
}
