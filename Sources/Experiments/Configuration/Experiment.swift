import Defects
import Hardware
import Models
import Placement
import Programs
import Quantities
import Runtime
import Serving

/// One reproducible run, fully resolved: nothing in it is left to a default.
///
/// `modelled` decides emulated time and nothing else does; `host` decides what this computer does
/// beside it. Two experiments with equal `modelled` give the same emulated document, byte for byte.
public struct Experiment: Hashable, Sendable {
  /// One sentence on what it shows; `nil` when none was written.
  public var summary: String?
  /// What decides emulated time.
  public var modelled: Modelled
  /// What decides everything else.
  public var host: Host
  /// The preset files that `modelled` was made from, in the order model, wafer, calibration, link.
  public var presets: [PresetSource]
  /// What a reader of the result should know about how it was asked for.
  public var warnings: [String]

  /// What decides emulated time.
  public struct Modelled: Hashable, Sendable {
    /// Sizes of the model, and its name.
    public var shape: ModelShape
    /// What stands for each rank.
    public var device: Device
    /// The path between two wafers.
    public var link: Link
    /// Which wafers of the cluster links join.
    public var topology: Topology
    /// Links and wafers of the cluster that are not like the others.
    public var overrides = Overrides()
    /// What goes wrong in the cluster, and when.
    public var faults: [FaultSetting] = []
    /// Tensor-parallel size.
    public var tensor: Int
    /// Layers of each stage; its count is the pipeline-parallel size.
    public var layersPerStage: [Int]
    /// Tokens, sequences, and how they are cut.
    public var workload: Workload
    /// Requests that come over time, in place of one batch; the workload then has the room for them: as many
    /// sequences at once, and the longest prompt and positions.
    public var served: ServedRequests?
    /// How all-reduces are lowered.
    public var collectives: CollectiveChoice
    /// Modelled widths.
    public var widths: Widths
    /// Tokens that each shard proposes for a sampled one.
    public var candidates: Int
    /// Whether embedding, LM head and sampling take emulated time.
    public var countsEmbeddingAndHead: Bool
    /// Whether K and V have the model's width, or that of Q as the published kernels had.
    public var countsGroupedQuery: Bool
    /// Of synthetic weights, drawn prompts and sampling.
    public var seed: UInt64

    /// Pipeline-parallel size.
    public var pipeline: Int { layersPerStage.count }
    /// Number of wafers of the cluster.
    public var ranks: Int { pipeline * tensor }

    /// The cut of the model over the cluster, which was checked when the experiment was resolved.
    public var split: Split { split(pipeline: pipeline, tensor: tensor, layers: layersPerStage) }
    /// The whole model on one wafer.
    public var singleSplit: Split { split(pipeline: 1, tensor: 1, layers: [shape.layers]) }
    /// What messages cost.
    public var wires: Wires {
      wires(ranks: ranks)
    }
    /// What messages cost in a half of `ranks` wafers; one alone has no link.
    func wires(ranks: Int) -> Wires {
      Wires(
        link: link, overrides: ranks == self.ranks ? overrides.links : [],
        topology: ranks == self.ranks ? topology : topology.ofOneWafer, ranks: ranks,
        activationBytes: widths.activations.bits / 8)
    }
    /// How fast each rank of a half of `ranks` wafers computes.
    func speeds(ranks: Int) -> [Rational] {
      ranks == self.ranks
        ? overrides.speeds(ranks: ranks) : Array(repeating: Rational(1), count: ranks)
    }
    /// What is counted in prices on a wafer; with defects, the extra hops of its worst lines.
    public var pricingOptions: WaferPricing.Options {
      var options = WaferPricing.Options(
        countsGroupedQuery: countsGroupedQuery, activationBits: widths.activations.bits)
      if case .wafer(let device) = device, let defects = device.defects {
        options.extraHops = defects.mesh.extraHops
      }
      return options
    }
    /// What must lie in SRAM.
    public var memory: MemoryPlan {
      if let served, let limits = servingLimits {
        return MemoryPlan(
          weightBits: widths.weights.bits, keyValueBits: widths.keyValues.bits,
          activationBits: widths.activations.bits,
          sequences: served.cacheSequences ?? workload.batch, context: served.longest,
          tokensInFlight: limits.tokensPerStep)
      }
      let chunk = min(workload.prefillChunk ?? workload.promptTokens, workload.promptTokens)
      let sequences = Split.share(0, of: workload.microBatches, total: workload.batch).count
      return MemoryPlan(
        weightBits: widths.weights.bits, keyValueBits: widths.keyValues.bits,
        activationBits: widths.activations.bits, sequences: workload.batch,
        context: workload.positions, tokensInFlight: sequences * chunk)
    }

    private func split(pipeline: Int, tensor: Int, layers: [Int]) -> Split {
      do {
        return try Split(
          shape: shape, pipeline: pipeline, tensor: tensor, layersPerStage: layers)
      } catch {
        preconditionFailure("a resolved experiment has an impossible split: \(error)")
      }
    }
  }

  /// Modelled widths of numbers; the host's own are separate.
  public struct Widths: Hashable, Sendable {
    /// Of weights in SRAM.
    public var weights: NumberFormat
    /// Of keys and values in SRAM.
    public var keyValues: NumberFormat
    /// Of activations, on the mesh and on the link.
    public var activations: NumberFormat
  }

  /// What decides everything but emulated time.
  public struct Host: Hashable, Sendable {
    /// Where shape and weights come from.
    public var model: ModelReference
    /// How nodes are reached.
    public var transport: Transport
    /// What messages and kernels hold.
    public var payload: Payload
    /// How kernels treat activations.
    public var precision: Precision
    /// Threads of each node's kernels, the same in both halves: the data path is one thread.
    public static let threadsPerNode = 1
    /// How nodes come to the weights of a file.
    public var weights: WeightAccess
    /// What becomes of the run when a node is lost.
    public var onFailure: FailurePolicy
    /// Longest wait for a message.
    public var waitLimit: MeasuredTime
    /// Whether nodes stay on processors of their own.
    public var pinning: Pinning
    /// Runs that measured times are taken from.
    public var repetitions: Int
    /// What the model is asked.
    public var prompt: Prompt
    /// How tokens are chosen from logits.
    public var sampling: Sampling
    /// File for the logits of every output position.
    public var logits: String?
    /// Folder for the run's result.
    public var output: String?
  }
}

/// What the model is asked.
public enum Prompt: Hashable, Sendable {
  /// Text, and the tokens that the model's tokenizer makes of it.
  case text(String, tokens: [Int])
  /// Tokens as given.
  case tokens([Int])
  /// So many tokens, drawn by the seed where numbers are computed.
  case drawn(Int)

  /// Number of tokens.
  public var count: Int {
    switch self {
    case .text(_, let tokens), .tokens(let tokens): tokens.count
    case .drawn(let count): count
    }
  }
}

/// How a token is chosen from logits.
public struct Sampling: Hashable, Sendable {
  /// Divides the logits; 0 takes the likeliest token.
  public var temperature: Rational
  /// Likeliest tokens to choose from; `nil` is all.
  public var topK: Int?
  /// Probability that the likeliest of them must hold together.
  public var topP: Rational

  /// Most candidates that a shard sends for a token: 256 candidates of 8 bytes make a message of 2 KiB.
  public static let mostCandidates = 256

  /// The likeliest token.
  public static let greedy = Sampling(temperature: Rational(0), topK: nil, topP: Rational(1))

  /// Whether the likeliest token is taken.
  public var isGreedy: Bool { temperature == Rational(0) }
}
