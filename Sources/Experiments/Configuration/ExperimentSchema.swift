import Defects
import Hardware
import Programs
import Quantities
import Runtime
import Serving

/// Every key that an experiment has.
public enum ExperimentSchema {
  /// The keys, in the order of a file.
  public static let keys: [SettingKey] = [
    SettingKey("summary", .text, "one sentence on what the experiment shows"),

    SettingKey(
      "model.name", .name, default: "synthetic-small", option: "--model",
      "preset, 'synthetic-' and a preset's name, or path of a GGUF file or a Hugging Face folder"),

    SettingKey("hardware.name", .name, default: "wse-3", option: "--hardware", "wafer preset"),
    SettingKey(
      "hardware.clock", .quantity(.frequency, frequencies), or: "preset", option: "--clock",
      "cycles a second of the wafer"),
    SettingKey(
      "hardware.calibration", .name, or: "preset", option: "--calibration",
      "calibration that prices the wafer's kernels"),
    SettingKey(
      "hardware.mapping", .name, default: "whole-mesh", option: "--mapping",
      "whole-mesh: one region holds all; region-per-layer; blocks-N: N regions of consecutive "
        + "layers; fastest: whichever decodes fastest"),
    SettingKey(
      "hardware.grid", .grid, or: "fastest", option: "--grid",
      "PEs of a region of layers; 'fastest' is the fastest that fits, for whole-mesh of all squares"
    ),
    SettingKey(
      "hardware.hypothetical_sram", .choice(booleans), default: "false",
      option: "--hypothetical-sram", "take the SRAM as enlarged where it is too small, and say so"),

    SettingKey(
      "hardware.devices", .count(1...1_000_000), or: "automatic", option: "--devices",
      "accelerators that act as one node; 'automatic' is the fewest that hold a rank's share"),
    SettingKey(
      "hardware.defect_density", .quantity(.density, Rational(0)...Rational(1, over: 10)),
      or: "none", option: "--defect-density", "dead PEs of every wafer, drawn by a seed"),
    SettingKey(
      "hardware.defect_clustering", .decimal(Rational(1, over: 20)...Rational(1_000_000)),
      or: "none",
      "alpha of negative binomial counts a die; 'none' is independent defects"),
    SettingKey("hardware.defect_seed", .count(0...Int.max), default: "0", "draws the defects"),
    SettingKey(
      "hardware.defect_map", .name, or: "none", option: "--defect-map",
      "file of dead PEs, in place of drawn ones"),
    SettingKey(
      "hardware.beyond_repair", .choice(RepairedMesh.BeyondRepair.allCases.map(\.rawValue)),
      default: "shrink", "what becomes of a die that repair cannot save"),
    SettingKey(
      "hardware.overrides",
      .items([
        .init("rank", .count(ranks), isRequired: true),
        .init("speed", .decimal(Rational(1, over: 1000)...Rational(1000)), isRequired: true),
      ]), or: "none",
      "ranks of the cluster that compute faster or slower than the others: at 'speed' 0.8 every kernel takes "
        + "1/0.8 of its time"),

    SettingKey(
      "link.name", .name, or: "hardware", option: "--link",
      "link preset; 'hardware' is the wafer's own off-wafer latency and bandwidth"),
    linkKey("latency", option: "--link-latency"),
    linkKey("bandwidth", option: "--link-bandwidth"),
    linkKey("send_overhead"),
    linkKey("receive_overhead"),
    linkKey("ports"),
    linkKey("hold"),
    SettingKey(
      "link.overrides",
      .items(
        [
          .init("from", .count(ranks), isRequired: true),
          .init("to", .count(ranks), isRequired: true),
        ]
          + ["latency", "bandwidth", "send_overhead", "receive_overhead"].map {
            .init($0, finite(linkKey($0).kind))
          }), or: "none",
      "links with figures of their own, each in one direction, from rank to rank"),

    SettingKey(
      "faults", .items(FaultSetting.fields), or: "none",
      "what goes wrong in the cluster and when, in emulated time: a slower or longer link, lost messages, a slow "
        + "wafer (straggler), a lost wafer, dying PEs (pes)"),

    SettingKey(
      "topology.name", .choice(Topology.Name.allCases.map(\.rawValue)), default: "full-mesh",
      option: "--topology",
      "which wafers are joined; on a ring, line or torus the ranks between send on what passes them"
    ),
    SettingKey(
      "topology.dimensions", .sides, or: "squarest", option: "--topology-dimensions",
      "columns x rows of a torus; 'squarest' makes them as equal as the number of wafers allows"),
    SettingKey(
      "topology.switch_latency", .quantity(.time, Rational(0)...Rational(1)), default: "0 ns",
      option: "--switch-latency", "what a switch adds to the latency of the link"),

    SettingKey(
      "plan.pipeline", .count(1...Rank.maximumCount), default: "2", option: "--pp",
      "pipeline-parallel size: stages"),
    SettingKey(
      "plan.tensor", .count(1...Rank.maximumCount), default: "2", option: "--tp",
      "tensor-parallel size: shards of each stage"),
    SettingKey(
      "plan.layers", .counts(1...10_000), or: "even", option: "--layers",
      "layers of each stage; 'even' gives spare layers to the low stages"),

    SettingKey(
      "workload.prompt", .text, option: "--prompt",
      "text of the prompt, for models with a tokenizer"),
    SettingKey(
      "workload.prompt_ids", .counts(0...100_000_000), option: "--prompt-ids",
      "tokens of the prompt, by their numbers"),
    SettingKey(
      "workload.prompt_tokens", .count(1...10_000_000), option: "--prompt-tokens",
      "length of the prompt; its tokens are then drawn by the seed. 16 when no prompt is given"),
    SettingKey(
      "workload.output_tokens", .count(1...1_000_000), default: "16", option: "--output-tokens",
      "tokens that each sequence is given; exactly so many are made"),
    SettingKey(
      "workload.batch", .count(1...65_536), default: "1", option: "--batch",
      "sequences at once, each with the same prompt"),
    SettingKey(
      "workload.micro_batches", .count(1...65_536), default: "1", option: "--micro-batches",
      "groups of sequences that follow each other through the pipeline; at most the batch"),
    SettingKey(
      "workload.prefill_chunk", .count(1...10_000_000), or: "all", option: "--prefill-chunk",
      "most prompt tokens of a sequence that go through the model together"),

    SettingKey(
      "workload.arrivals", .choice(ServedRequests.Kind.allCases.map(\.rawValue)), or: "none",
      option: "--arrivals",
      "how requests come to a service: all together, from users who ask again (closed-loop), at "
        + "random (poisson), or as in a trace; 'none' is one batch of equal sequences"),
    SettingKey(
      "workload.requests", .count(1...10_000_000), option: "--requests",
      "requests that come; a trace has its own number"),
    SettingKey(
      "workload.rate",
      .quantity(.frequencyOfRequests, Rational(1, over: 1000)...Rational(1_000_000)),
      option: "--rate", "requests a second of poisson arrivals"),
    SettingKey(
      "workload.users", .count(1...1_000_000), option: "--users", "users of a closed loop"),
    SettingKey(
      "workload.pause", .quantity(.time, Rational(0)...Rational(86_400)), default: "0 s",
      "what a user of a closed loop waits before asking again"),
    SettingKey(
      "workload.trace", .name, option: "--arrival-trace",
      "file of requests in the columns TIMESTAMP,ContextTokens,GeneratedTokens"),
    SettingKey(
      "workload.prompt_lengths", .choice(LengthDistribution.allCases.map(\.rawValue)),
      default: "fixed", option: "--prompt-lengths",
      "how the prompts of requests vary around 'prompt_tokens', their mean"),
    SettingKey(
      "workload.output_lengths", .choice(LengthDistribution.allCases.map(\.rawValue)),
      default: "fixed", option: "--output-lengths",
      "how the outputs of requests vary around 'output_tokens', their mean"),
    SettingKey(
      "workload.ttft_limit", .quantity(.time, Rational(0)...Rational(86_400)), or: "none",
      option: "--ttft-limit", "time to first token within which a request counts for goodput"),
    SettingKey(
      "workload.tpot_limit", .quantity(.time, Rational(0)...Rational(86_400)), or: "none",
      option: "--tpot-limit", "time per output token within which a request counts for goodput"),

    SettingKey(
      "collective", .choice(["auto"] + CollectiveAlgorithm.allCases.map(\.rawValue)),
      default: "auto", option: "--collective",
      "algorithm of the all-reduces; 'auto' is the cheapest by the link"),

    SettingKey(
      "widths.weights", .choice(NumberFormat.names), default: "bf16",
      "modelled width of a weight in SRAM"),
    SettingKey(
      "widths.kv_cache", .choice(NumberFormat.names), default: "bf16",
      "modelled width of a key or value in SRAM"),
    SettingKey(
      "widths.activations", .choice(NumberFormat.wireNames), default: "bf16",
      "modelled width of an activation, on the mesh and on the link"),

    SettingKey(
      "sampling.temperature", .decimal(Rational(0)...Rational(100)), default: "0",
      option: "--temperature", "0 takes the likeliest token"),
    SettingKey(
      "sampling.top_k", .count(1...Sampling.mostCandidates), or: "all", option: "--top-k",
      "sample from so many likeliest tokens"),
    SettingKey(
      "sampling.top_p", .decimal(Rational(1, over: 1000)...Rational(1)), default: "1",
      option: "--top-p", "sample from the likeliest of the top-k that hold this probability"),
    SettingKey(
      "sampling.candidates", .count(1...Sampling.mostCandidates), or: "automatic",
      "tokens that each shard proposes; 'automatic' is top-k, or 1 without"),

    SettingKey(
      "pricing.embedding_and_head", .choice(["true", "false"]), default: "true",
      option: "--layers-only",
      "whether embedding, LM head and sampling take emulated time; published decode figures "
        + "leave them out"),
    SettingKey(
      "pricing.gqa", .choice(["true", "published-no-gqa"]), default: "true",
      "whether K and V have the model's width, or that of Q as the published kernels had"),

    SettingKey(
      "seed", .count(0...Int.max), default: "0", option: "--seed",
      "of synthetic weights, drawn prompts and sampling"),

    SettingKey(
      "host.transport", .choice(Transport.allCases.map(\.rawValue)), default: "tcp",
      option: "--transport",
      "none: emulated time only; inproc: nodes are threads; ipc, tcp: nodes are processes"),
    SettingKey(
      "host.payload", .choice(Payload.allCases.map(\.rawValue)), or: "automatic",
      option: "--payload",
      "phantom computes and sends no numbers; 'automatic' is real where the model has weights"),
    SettingKey(
      "host.precision", .choice(Precision.allCases.map(\.rawValue)), default: "float32",
      option: "--precision", "of activations in the host's kernels"),
    SettingKey(
      "host.weights", .choice(WeightAccess.allCases.map(\.rawValue)), default: "automatic",
      option: "--weights",
      "path: each node reads the model's file; stream: the coordinator sends each node its slices; "
        + "automatic: nodes that have the same file read it, others have it sent"),
    SettingKey(
      "host.on_failure", .choice(FailurePolicy.allCases.map(\.rawValue)), default: "abort",
      option: "--on-failure",
      "when a node is lost: abort, or restart: another takes its place, and the run is run again"),
    SettingKey(
      "host.wait_limit", .quantity(.time, Rational(1, over: 1000)...Rational(86_400)),
      default: "60 s", option: "--wait-limit", "longest wait for a message before the run fails"),
    SettingKey(
      "host.pinning", .choice(Pinning.allCases.map(\.rawValue)), default: "automatic",
      "whether each node stays on a processor of its own, where there are as many as nodes"),
    SettingKey(
      "host.repetitions", .count(1...1000), default: "1", option: "--repetitions",
      "runs that measured times are taken from"),
    SettingKey(
      "host.logits", .name, option: "--logits",
      "file for the logits of every output position, safetensors"),
    SettingKey("host.output", .name, option: "--output", "folder for the run's result"),
  ]

  /// The key of this name.
  ///
  /// - Precondition: there is one.
  public static func key(_ name: String) -> SettingKey {
    guard let key = byName[name] else { preconditionFailure("no key '\(name)' in the schema") }
    return key
  }

  /// The key that a dotted name means; `nil` when none. A section with a `name`, such as `model`,
  /// stands for that key.
  static func lookUp(_ name: String) -> SettingKey? { byName[name] ?? byName[name + ".name"] }

  /// Whether keys lie under this name.
  static func isSection(_ name: String) -> Bool { sections.contains(name) }

  /// The error of a name that is no key: the nearest key, and the keys of its section.
  static func unknown(_ name: String, at place: Place) -> ConfigurationError {
    let section = name.split(separator: ".").dropLast().joined(separator: ".")
    let inSection =
      isSection(section)
      ? keys.map(\.name).filter { $0.hasPrefix(section + ".") }
      : keys.map(\.name).map { $0.split(separator: ".").first.map(String.init) ?? $0 }.uniqued()
    let valid = isSection(section) ? "The keys of '\(section)' are" : "The keys of a file are"
    return ConfigurationError(
      place, key: name, "is not a key of an experiment",
      nearest: NearestName.of(name, among: keys.map(\.name) + sections),
      remedy: "\(valid) " + inSection.joined(separator: ", "))
  }

  /// Keys of which only one may be set: a later layer's choice replaces an earlier one's.
  static let alternatives = ["workload.prompt", "workload.prompt_ids", "workload.prompt_tokens"]

  private static let byName = Dictionary(uniqueKeysWithValues: keys.map { ($0.name, $0) })
  private static let sections = keys.compactMap { key in
    key.name.lastIndex(of: ".").map { String(key.name[..<$0]) }
  }.uniqued()
  private static let booleans = ["false", "true"]
  private static let frequencies = Rational(1_000_000)...Rational(100_000_000_000)

  private static let ranks = 0...Rank.maximumCount - 1

  /// The same kind of key without the word 'infinite'.
  private static func finite(_ kind: SettingKey.Kind) -> SettingKey.Kind {
    if case .quantityOrInfinite(let dimension, let range) = kind {
      .quantity(dimension, range)
    } else {
      kind
    }
  }

  /// A figure of the link preset that an experiment may replace.
  private static func linkKey(_ name: String, option: String? = nil) -> SettingKey {
    guard let figure = Link.keys.first(where: { $0.name == name }) else {
      preconditionFailure("links have no figure '\(name)'")
    }
    let kind: SettingKey.Kind
    switch figure.kind {
    case .quantity(let dimension, let range): kind = .quantity(dimension, range)
    case .quantityOrInfinite(let dimension, let range):
      kind = .quantityOrInfinite(dimension, range)
    case .choice(let words): kind = .choice(words)
    default: preconditionFailure("link figure '\(name)' is neither quantity nor choice")
    }
    return SettingKey(
      "link.\(name)", kind, or: "preset", option: option, figure.meaning)
  }
}

extension Array where Element: Hashable {
  fileprivate func uniqued() -> [Element] {
    var seen = Set<Element>()
    return filter { seen.insert($0).inserted }
  }
}
