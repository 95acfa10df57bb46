import Messaging
import Models
import Placement
import Programs
import Tensors
import Transformer

/// All that a node learns of its part: it comes knowing only the coordinator's address.
public struct Assignment: Hashable, Sendable {
  /// Tells runs apart.
  public var run: UInt64
  /// The rank that speaks.
  public var rank: Rank
  /// Ranks that send to this one; it makes an endpoint for each.
  public var sources: [Rank]
  /// Public keys of those, in a secured cluster: nobody else may connect.
  public var sourceKeys: [String] = []
  /// How nodes reach each other.
  public var transport: TransportKind
  /// Longest wait for a message, in milliseconds.
  public var waitLimitMilliseconds: Int
  /// Messages that may be under way on one stream.
  public var queueLimit: Int
  /// Payload bytes of the largest message, so that a larger frame is refused by the socket.
  public var largestPayload: Int
  /// Place of the node's own processor among those it may use; `nil` leaves its thread to the
  /// scheduler.
  public var processor: Int?
  /// Whether nodes compute and send numbers, and which.
  public var payload: Payload
  /// Windows whose activities the node reports, and how many at most; `nil` is none.
  public var recording: Recording.Limits?
  /// What goes wrong on the rank, in emulated time.
  public var faults: RankFaults

  /// How nodes reach each other.
  public enum TransportKind: Hashable, Sendable {
    /// Over TCP. Where a node binds, and what it tells others, it knows best itself.
    case tcp
    /// Over sockets of this host's file system, in this folder.
    case ipc(folder: String)
  }

  /// What goes through the program.
  public enum Payload: Hashable, Sendable {
    /// Nothing: emulated time only.
    case phantom
    /// Numbers of a program without a model.
    case plain
    /// A model's activations.
    case model(ModelAssignment)
  }

  /// Takes each field as it is.
  public init(
    run: UInt64, rank: Rank, sources: [Rank], transport: TransportKind,
    waitLimitMilliseconds: Int, queueLimit: Int, largestPayload: Int, processor: Int? = nil,
    payload: Payload, recording: Recording.Limits? = nil, faults: RankFaults? = nil
  ) {
    self.run = run
    self.rank = rank
    self.sources = sources
    self.transport = transport
    self.waitLimitMilliseconds = waitLimitMilliseconds
    self.queueLimit = queueLimit
    self.largestPayload = largestPayload
    self.processor = processor
    self.payload = payload
    self.recording = recording
    self.faults = faults ?? RankFaults(of: rank)
  }

  /// The ranks from which each rank receives, as the program's first windows name them.
  public static func sources(of windows: [Window], ranks: Int) -> [[Rank]] {
    var sets = Array(repeating: Set<Rank>(), count: ranks)
    for window in windows {
      for (index, rank) in window.ranks.enumerated() {
        for case .receive(let receive) in rank.instructions { sets[index].insert(receive.from) }
      }
    }
    return sets.map { $0.sorted() }
  }
}

/// How a node comes to the weights of a file.
public enum WeightAccess: String, CaseIterable, Hashable, Sendable {
  /// It reads the file, which must be there.
  case path
  /// The coordinator sends it its slices.
  case stream
  /// It reads the file where it is there and the same, and else has its slices sent.
  case automatic
}

/// A node's part of a model.
public struct ModelAssignment: Hashable, Sendable {
  /// What the model computes.
  public var shape: ModelShape
  /// Layers of each stage; their count is the pipeline-parallel size.
  public var layersPerStage: [Int]
  /// Tensor-parallel size.
  public var tensor: Int
  /// Where the weights come from.
  public var weights: Weights
  /// How exactly inputs enter multiplications.
  public var precision: Precision
  /// Sequences and positions of the KV cache.
  public var sequences: Int
  /// Positions of each sequence that the KV cache holds.
  public var positions: Int
  /// Rows of the largest batch.
  public var maximumTokens: Int
  /// How tokens are chosen from logits.
  public var sampling: SamplingRule
  /// Of synthetic weights and of sampling.
  public var seed: UInt64
  /// One a sequence.
  public var prompts: [[Int32]]
  /// Whether ranks with a head report their logits.
  public var reportsLogits: Bool

  /// Where the weights come from.
  public enum Weights: Hashable, Sendable {
    /// A file or folder of the coordinator's. The fingerprint tells whether a node's is the same.
    case file(path: String, fingerprint: String, access: WeightAccess)
    case synthetic(seed: UInt64, type: ElementType)
  }

  /// Takes each field as it is.
  public init(
    shape: ModelShape, layersPerStage: [Int], tensor: Int, weights: Weights, precision: Precision,
    sequences: Int, positions: Int, maximumTokens: Int, sampling: SamplingRule, seed: UInt64,
    prompts: [[Int32]], reportsLogits: Bool
  ) {
    self.shape = shape
    self.layersPerStage = layersPerStage
    self.tensor = tensor
    self.weights = weights
    self.precision = precision
    self.sequences = sequences
    self.positions = positions
    self.maximumTokens = maximumTokens
    self.sampling = sampling
    self.seed = seed
    self.prompts = prompts
    self.reportsLogits = reportsLogits
  }
}
