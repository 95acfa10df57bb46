import ArgumentParser
import Experiments
import Foundation
import Models
import Placement
import Runtime

/// `wafer validate`
struct ValidateCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "validate",
    abstract: "Predicts published figures, or real processes of this host, and prints the errors.",
    discussion: """
      Each table is a file of Configs/validation. A row is calibrated, when coefficients were fitted \
      to it, or held out. Beside a calibrated row stands what a fit without it is off by. A tolerance \
      or a band that a file states and a prediction breaks makes the exit status 1.

        wafer validate
        wafer validate waferllm-decode --format json
        wafer validate my-figures.yaml

      With --host: plans of a model on real processes of this host, over tcp, predicted from the presets \
      that 'wafer calibrate --host' has written into the folder, and measured.

        wafer validate --host here --model model.gguf
      """)

  @Argument(
    help: ArgumentHelp(
      "Names of tables, or paths of files like them; all tables when none is given.",
      valueName: "table"))
  var tables: [String] = []
  @Option(
    help: ArgumentHelp(
      "Predict and run plans on this host, with the presets of this folder.", valueName: "folder"))
  var host: String?
  @OptionGroup(title: "Validating this host") var options: HostOptions
  @Option(
    help: """
      With --host: plans as PPxTP, such as 1x1,2x1,1x2. Default: all that the host has processors for.
      """)
  var plans: String?
  @Option(help: "With --host: length of the prompt; default: 32.")
  var promptTokens: String?
  @Option(help: "With --host: tokens that each sequence is given; default: 32.")
  var outputTokens: String?
  @Option(help: "With --host: sequences at once; default: 1.")
  var batch: String?
  @Option(help: "With --host: groups of sequences that follow each other; default: 1.")
  var microBatches: String?
  @OptionGroup var presets: PresetOption
  @OptionGroup var format: FormatOption

  func run() async throws {
    if let host { return try await validate(host: host) }
    try HostOptions.refuse(
      options.given
        + [
          ("--plans", plans), ("--prompt-tokens", promptTokens), ("--output-tokens", outputTokens),
          ("--batch", batch), ("--micro-batches", microBatches),
        ].compactMap { $0.1 == nil ? nil : $0.0 })
    let library = try presets.library()
    var run = ValidationRun(presets: library)
    var results: [ValidationResult] = []
    for name in tables.isEmpty ? library.validationTables : tables {
      let table = try library.validationTable(name, at: .option("TABLE"))
      results.append(try await run.evaluate(table))
    }
    let text = ValidationText(results)
    format.print(ValidationDocument(results).json) { text.text($0) }
    if let failure = text.failure { throw RunFailure(failure) }
  }

  // MARK: This host

  private func validate(host folder: String) async throws {
    if let table = tables.first {
      throw ConfigurationError(
        .option("TABLE"), "'\(table)' is given beside --host",
        remedy: "A host's plans are measured, not published; leave one out")
    }
    let measured = try HostPresets(folder: folder, name: options.name, at: .option("--host"))
    let experiment = try options.experiment(
      try presets.library(),
      workload: [
        ("workload.prompt_tokens", promptTokens ?? "32", "--prompt-tokens"),
        ("workload.output_tokens", outputTokens ?? "32", "--output-tokens"),
        ("workload.batch", batch, "--batch"),
        ("workload.micro_batches", microBatches, "--micro-batches"),
      ])
    let interruption = Interruption()
    interruption.install()
    let result = try await HostValidation(
      experiment, presets: measured, plans: try chosenPlans(experiment),
      repetitions: try options.rounds(otherwise: 5), launch: try options.launch(),
      progress: { Diagnostics.progress($0) }, interruption: { interruption.reason }
    ).run()
    format.print(result.json) { result.text($0) }
  }

  /// Plans that were asked for, which the model must be cut for; else all that it can be and that have a
  /// processor for each process.
  private func chosenPlans(_ experiment: Experiment) throws(ConfigurationError) -> [HostPlan] {
    func problem(_ plan: HostPlan) -> String? {
      do {
        _ = try Split(
          shape: experiment.modelled.shape, pipeline: plan.pipeline, tensor: plan.tensor)
        return nil
      } catch { return "\(error)" }
    }
    guard let plans else {
      return HostPlan.all(processors: ProcessorAffinity.allowedProcessors)
        .filter { problem($0) == nil }
    }
    let asked = try HostPlan.list(plans, option: "--plans")
    for plan in asked {
      if let problem = problem(plan) {
        throw ConfigurationError(
          .option("--plans"),
          "\(plan) does not suit \(experiment.modelled.shape.name): \(problem)")
      }
    }
    return asked
  }
}
