import Hardware
import Models
import Quantities

extension PlanQuestion {
  /// The settings of an experiment whose last step is asked about, as `modelled(on:link:)` has it: what is
  /// written for a placement is laid over them.
  ///
  /// - Parameter model: As it was named.
  public func settings(model: String) throws(ConfigurationError) -> Settings {
    var settings = Settings()
    let values = [
      ("model.name", model), ("plan.pipeline", "1"), ("plan.tensor", "1"),
      ("hardware.mapping", Mapping.Kind.fastest.written),
      ("workload.prompt_tokens", "\(max(context - 1, 1))"), ("workload.output_tokens", "2"),
      ("workload.batch", "\(batch)"), ("workload.prefill_chunk", "1"),
      ("widths.weights", widths.weights.rawValue), ("widths.kv_cache", widths.keyValues.rawValue),
      ("host.transport", Transport.none.rawValue), ("host.payload", Payload.phantom.rawValue),
    ]
    for (key, value) in values {
      try settings.set(key, to: .plain(value), at: .option("wafer plan"))
    }
    return settings
  }
}

extension WaferPlacement {
  /// Places what settings ask for: on as many stages as they say, or else on the fewest that fit, or on one
  /// when none does.
  ///
  /// Throws `ConfigurationError` when settings are wrong or name no wafer, and `ProgramError` for faults of
  /// ours.
  public init(_ asked: Settings, to question: PlanQuestion, model: String, presets: PresetLibrary)
    throws
  {
    let place = asked["hardware.name"]?.place ?? .builtIn
    if case .plain(let name) = asked["hardware.name"]?.value,
      try presets.kind(of: name, among: [.wafer, .accelerator], at: place) == .accelerator
    {
      throw ConfigurationError(
        place, key: "hardware.name", "is '\(name)', and only a wafer has a placement",
        remedy: "The wafers are " + presets.names(of: .wafer).joined(separator: ", "))
    }
    for key in ["hardware.overrides", "link.overrides", "faults"] {
      guard let written = asked[key] else { continue }
      throw ConfigurationError(
        written.place, key: key, "means nothing to a placement, where all wafers are alike",
        remedy: "'wafer run' and 'wafer sweep' take it")
    }
    var settings = try question.settings(model: model)
    settings.merge(asked)
    var modelled = try ExperimentResolver(presets: presets).resolve(settings).modelled
    if asked["plan.pipeline"] == nil, asked["plan.layers"] == nil,
      let stages = modelled.fewestStages(tensor: modelled.tensor)
    {
      modelled = modelled.split(pipeline: stages, tensor: modelled.tensor)!
    }
    try self.init(modelled)
  }
}
