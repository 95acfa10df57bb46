import Foundation
import Hardware
import Models
import Placement
import Programs
import Quantities
import Runtime

/// Turns settings into an experiment: reads values, presets and the model's header, and checks that they
/// go together.
public struct ExperimentResolver: Sendable {
  /// Where presets are.
  public var presets: PresetLibrary
  /// Opens a model file; replaced in tests.
  public var openModel: @Sendable (String) throws -> ModelFacts

  /// A resolver that opens real files.
  public init(
    presets: PresetLibrary,
    openModel: @escaping @Sendable (String) throws -> ModelFacts = ModelFacts.open
  ) {
    self.presets = presets
    self.openModel = openModel
  }

  /// Resolves settings; no settings give the embedded default.
  ///
  /// Throws `ConfigurationError` for a value that is none of its key's, presets that are not there, and
  /// values that contradict each other.
  public func resolve(_ settings: Settings) throws(ConfigurationError) -> Experiment {
    let reader = SettingsReader(settings: settings)
    try reader.checkAll()
    let model = try model(reader)
    let split = try split(reader, shape: model.facts.shape)
    let sampling = try sampling(reader)
    let prompt = try prompt(reader, model: model)
    let served = try served(reader, prompt: prompt)
    let workload = try workload(reader, promptTokens: prompt.count, served: served)
    let hardware = try hardware(reader)
    let link = try link(reader, own: hardware.link)
    var modelled = Experiment.Modelled(
      shape: model.facts.shape, device: hardware.device,
      link: link.value, topology: try topology(reader, ranks: split.ranks), tensor: split.tensor,
      layersPerStage: split.stages.map(\.count),
      workload: workload, served: served, collectives: try collectives(reader),
      widths: Experiment.Widths(
        weights: try reader.choice("widths.weights"),
        keyValues: try reader.choice("widths.kv_cache"),
        activations: try reader.choice("widths.activations")),
      candidates: try candidates(reader, sampling: sampling),
      countsEmbeddingAndHead: try reader.boolean("pricing.embedding_and_head"),
      countsGroupedQuery: try reader.boolean("pricing.gqa"),
      seed: UInt64(try reader.count("seed")))
    modelled.overrides = try overrides(
      reader, topology: modelled.topology, ranks: modelled.ranks)
    try chooseDevices(&modelled, reader)
    modelled.faults = try faults(reader, modelled)
    try checkHops(reader, modelled)
    try checkHostComputes(modelled, reader)
    let host = try host(reader, model: model, prompt: prompt, sampling: sampling)
    return Experiment(
      summary: try reader.text("summary"), modelled: modelled, host: host,
      presets: [model.source].compactMap { $0 } + hardware.sources
        + [link.source].compactMap { $0 },
      warnings: warnings(modelled) + modelled.device.precisionWarnings(host))
  }

  /// The shape of the model that settings name, without an experiment around it.
  ///
  /// Throws `ConfigurationError` when there is none, or its file cannot be used.
  public func shape(_ settings: Settings) throws(ConfigurationError) -> ModelShape {
    try model(SettingsReader(settings: settings)).facts.shape
  }

  // MARK: Model

  private struct Model {
    var reference: ModelReference
    var facts: ModelFacts
    var source: PresetSource?
  }

  private func model(_ reader: SettingsReader) throws(ConfigurationError) -> Model {
    let key = "model.name"
    let place = reader.place(key)
    let written = try reader.requiredText(key)
    let reference = ModelReference(written, at: place)
    switch reference {
    case .synthetic(let name):
      if let shape = ModelShape.synthetic(named: ModelReference.syntheticPrefix + name) {
        return Model(reference: reference, facts: Self.shapeOnly(shape), source: nil)
      }
      guard presets.holds(name, .model) else { throw noModel(written, reader) }
      let preset = try presets.model(name, at: place, key: key)
      var shape = preset.value
      shape.name = ModelReference.syntheticPrefix + name
      return Model(reference: reference, facts: Self.shapeOnly(shape), source: preset.source)
    case .preset(let name):
      guard presets.holds(name, .model) else { throw noModel(written, reader) }
      let preset = try presets.model(name, at: place, key: key)
      return Model(
        reference: reference, facts: Self.shapeOnly(preset.value), source: preset.source)
    case .file(let path):
      do {
        return Model(reference: reference, facts: try openModel(path), source: nil)
      } catch {
        throw ConfigurationError(
          place, key: key, "cannot be used: \(error)",
          remedy: "Give a GGUF file, a folder with config.json and safetensors files, or a preset: "
            + modelNames.joined(separator: ", "))
      }
    }
  }

  private var modelNames: [String] { presets.names(of: .model) }

  private func noModel(_ written: String, _ reader: SettingsReader) -> ConfigurationError {
    let names =
      ModelShape.syntheticShapes.map(\.name) + modelNames
      + modelNames.map { ModelReference.syntheticPrefix + $0 }
    let isThere = FileManager.default.fileExists(atPath: written)
    return ConfigurationError(
      reader.place("model.name"), key: "model.name",
      "is '\(written)', and there is no model preset of that name",
      nearest: NearestName.of(written, among: names),
      remedy: isThere
        ? "For the file or folder of that name write './\(written)'"
        : "The presets in \(presets.folder)/models are \(modelNames.joined(separator: ", ")); "
          + "synthetic-NAME has seeded weights in such a shape, and "
          + ModelShape.syntheticShapes.map(\.name).joined(separator: ", ") + " need no preset; a "
          + "path has a slash or ends with .gguf")
  }

  private static func shapeOnly(_ shape: ModelShape) -> ModelFacts {
    ModelFacts(shape: shape, hasWeights: false) { _ in nil }
  }

  // MARK: Link

  private func link(_ reader: SettingsReader, own: Link) throws(ConfigurationError) -> (
    value: Link, source: PresetSource?
  ) {
    var link = own
    var source: PresetSource?
    if let name = try reader.text("link.name") {
      let preset = try presets.link(name, at: reader.place("link.name"), key: "link.name")
      link = preset.value
      source = preset.source
    }
    func time(_ name: String) throws(ConfigurationError) -> EmulatedTime? {
      try reader.quantity(name).map { EmulatedTime(seconds: $0) }
    }
    if let latency = try time("link.latency") { link.latency = latency }
    switch try reader.limit("link.bandwidth") {
    case .finite(let bandwidth): link.bandwidth = bandwidth
    case .infinite: link.bandwidth = nil
    case nil: break
    }
    if let overhead = try time("link.send_overhead") { link.sendOverhead = overhead }
    if let overhead = try time("link.receive_overhead") { link.receiveOverhead = overhead }
    if let ports = try reader.text("link.ports") { link.ports = Link.Ports(rawValue: ports)! }
    if let hold = try reader.text("link.hold") { link.hold = Link.Hold(rawValue: hold)! }
    return (link, source)
  }

  // MARK: Plan and workload

  private func split(_ reader: SettingsReader, shape: ModelShape) throws(ConfigurationError)
    -> Split
  {
    let pipeline = try reader.count("plan.pipeline")
    let tensor = try reader.count("plan.tensor")
    let layers = try reader.counts("plan.layers")
    let split: Split
    do {
      split = try Split(
        shape: shape, pipeline: pipeline, tensor: tensor, layersPerStage: layers)
    } catch {
      let key =
        switch error {
        case .stages: "plan.pipeline"
        case .shards, .columns: "plan.tensor"
        case .layerList: "plan.layers"
        }
      throw reader.error(key, "does not suit \(shape.name): \(error)")
    }
    guard split.ranks <= Rank.maximumCount else {
      throw reader.error(
        "plan.pipeline", "times 'plan.tensor' is \(split.ranks) wafers",
        remedy: "At most \(Rank.maximumCount) are possible")
    }
    return split
  }

  private func workload(
    _ reader: SettingsReader, promptTokens: Int, served: ServedRequests?
  ) throws(ConfigurationError) -> Workload {
    let batch = try reader.count("workload.batch")
    let microBatches = try reader.count("workload.micro_batches")
    guard microBatches <= batch else {
      throw reader.error(
        "workload.micro_batches", "is \(microBatches), more than the batch of \(batch)",
        remedy: "Each micro-batch needs a sequence")
    }
    let chunk = try reader.optionalCount("workload.prefill_chunk")
    if let served {
      return Workload(
        promptTokens: served.longestPrompt,
        outputTokens: served.longest - served.longestPrompt + 1, batch: batch,
        microBatches: microBatches, prefillChunk: chunk)
    }
    return Workload(
      promptTokens: promptTokens, outputTokens: try reader.count("workload.output_tokens"),
      batch: batch, microBatches: microBatches, prefillChunk: chunk)
  }

  private func collectives(_ reader: SettingsReader) throws(ConfigurationError)
    -> CollectiveChoice
  {
    let written = try reader.requiredText("collective")
    return CollectiveAlgorithm(rawValue: written).map { .fixed($0) } ?? .automatic
  }

  private func prompt(_ reader: SettingsReader, model: Model) throws(ConfigurationError) -> Prompt {
    let vocabulary = model.facts.shape.vocabulary
    if let text = try reader.text("workload.prompt") {
      let tokens: [Int]?
      do { tokens = try model.facts.encode(text) } catch {
        throw reader.error("workload.prompt", "cannot be made into tokens: \(error)")
      }
      guard let tokens else {
        throw reader.error(
          "workload.prompt", "needs a tokenizer, and \(model.reference.written) has none",
          remedy: "Give --prompt-ids or --prompt-tokens instead")
      }
      guard !tokens.isEmpty else {
        throw reader.error("workload.prompt", "has no tokens", remedy: "Write at least one word")
      }
      try check(tokens, vocabulary: vocabulary, key: "workload.prompt", reader)
      return .text(text, tokens: tokens)
    }
    if let ids = try reader.counts("workload.prompt_ids") {
      try check(ids, vocabulary: vocabulary, key: "workload.prompt_ids", reader)
      return .tokens(ids)
    }
    return .drawn(try reader.optionalCount("workload.prompt_tokens") ?? Self.defaultPromptTokens)
  }

  /// Length of a prompt that nobody gave.
  static let defaultPromptTokens = 16

  private func check(_ tokens: [Int], vocabulary: Int, key: String, _ reader: SettingsReader)
    throws(ConfigurationError)
  {
    if let wrong = tokens.first(where: { $0 >= vocabulary }) {
      throw reader.error(
        key, "holds the token \(wrong)", remedy: "The vocabulary has tokens 0 to \(vocabulary - 1)")
    }
  }

  // MARK: Sampling and host

  private func sampling(_ reader: SettingsReader) throws(ConfigurationError) -> Sampling {
    let sampling = Sampling(
      temperature: try reader.decimal("sampling.temperature"),
      topK: try reader.optionalCount("sampling.top_k"),
      topP: try reader.decimal("sampling.top_p"))
    if sampling.topP < Rational(1), sampling.topK == nil {
      throw reader.error(
        "sampling.top_p", "is given without 'sampling.top_k'",
        remedy: "Top-p acts within the top-k: give --top-k too, at most "
          + "\(Sampling.mostCandidates)")
    }
    return sampling
  }

  private func candidates(_ reader: SettingsReader, sampling: Sampling) throws(ConfigurationError)
    -> Int
  {
    let needed = sampling.isGreedy ? 1 : sampling.topK ?? 1
    guard let candidates = try reader.optionalCount("sampling.candidates") else { return needed }
    guard candidates >= needed else {
      throw reader.error(
        "sampling.candidates", "is \(candidates), less than the top-k of \(needed)",
        remedy: "Each shard must propose as many tokens as are chosen from")
    }
    return candidates
  }

  private func host(
    _ reader: SettingsReader, model: Model, prompt: Prompt, sampling: Sampling
  ) throws(ConfigurationError) -> Experiment.Host {
    let transport: Transport = try reader.choice("host.transport")
    let payload = try payload(reader, model: model, transport: transport)
    let logits = try reader.text("host.logits")
    if logits != nil, payload == .phantom {
      throw reader.error(
        "host.logits", "needs a real payload, and this one is phantom",
        remedy: "Give a model with weights, a transport other than none, and --payload real")
    }
    let wait = try reader.quantity("host.wait_limit")!
    let nanoseconds = (wait * Rational(1_000_000_000)).rounded
    return Experiment.Host(
      model: model.reference, transport: transport, payload: payload,
      precision: try reader.choice("host.precision"),
      weights: try weights(reader, model: model, transport: transport),
      onFailure: try onFailure(reader, transport: transport),
      waitLimit: MeasuredTime(nanoseconds: Int64(nanoseconds)),
      pinning: try reader.choice("host.pinning"),
      repetitions: try reader.count("host.repetitions"), prompt: prompt, sampling: sampling,
      logits: logits, output: try reader.text("host.output"))
  }

  /// Threads of one process are lost together.
  private func onFailure(
    _ reader: SettingsReader, transport: Transport
  ) throws(ConfigurationError) -> FailurePolicy {
    let policy: FailurePolicy = try reader.choice("host.on_failure")
    guard policy == .restart, transport != .tcp, transport != .ipc else { return policy }
    throw reader.error(
      "host.on_failure",
      "is restart, which needs node processes, and the transport is "
        + transport.rawValue, remedy: "Use --transport tcp or ipc")
  }

  /// Streaming needs a file to stream, and processes to stream it to.
  private func weights(
    _ reader: SettingsReader, model: Model, transport: Transport
  ) throws(ConfigurationError) -> WeightAccess {
    let access: WeightAccess = try reader.choice("host.weights")
    guard access == .stream else { return access }
    guard case .file = model.reference else {
      throw reader.error(
        "host.weights", "is stream, and the model has no file: each node makes its own weights",
        remedy: "Leave it out, or give --model a file")
    }
    guard transport == .tcp || transport == .ipc else {
      throw reader.error(
        "host.weights",
        "is stream, which needs node processes, and the transport is "
          + transport.rawValue, remedy: "Use --transport tcp or ipc")
    }
    return access
  }

  /// Real where there are weights to compute with, phantom otherwise; a real payload that cannot be is an
  /// error.
  private func payload(_ reader: SettingsReader, model: Model, transport: Transport)
    throws(ConfigurationError) -> Payload
  {
    let asked = try reader.text("host.payload").flatMap(Payload.init(rawValue:))
    let hasWeights: Bool
    if case .synthetic = model.reference {
      hasWeights = true
    } else {
      hasWeights = model.facts.hasWeights
    }
    let isComputable = model.facts.shape.isComputable
    guard asked == .real else {
      return asked ?? (hasWeights && isComputable && transport != .none ? .real : .phantom)
    }
    guard transport != .none else {
      throw reader.error(
        "host.payload", "is 'real', and the transport is 'none', which has no nodes",
        remedy: "Give --transport inproc, ipc or tcp, or --payload phantom")
    }
    guard isComputable else {
      throw reader.error(
        "host.payload",
        "is 'real', and \(model.reference.written) has experts or latent attention, which the "
          + "forward pass does not compute",
        remedy: "Give --payload phantom: emulated times are the same")
    }
    guard hasWeights else {
      var remedy = "Give --payload phantom, or a model file with weights"
      if case .preset(let name) = model.reference {
        remedy += ", or --model \(ModelReference.syntheticPrefix)\(name)"
      }
      throw reader.error(
        "host.payload", "is 'real', and \(model.reference.written) has no weights", remedy: remedy)
    }
    return .real
  }

  private func warnings(_ modelled: Experiment.Modelled) -> [String] {
    var warnings: [String] = []
    if modelled.workload.positions > modelled.shape.contextLength {
      warnings.append(
        "the workload needs \(modelled.workload.positions) positions a sequence; "
          + "\(modelled.shape.name) was made for \(modelled.shape.contextLength)")
    }
    return warnings
  }
}
