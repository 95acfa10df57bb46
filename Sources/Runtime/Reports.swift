import Programs
import Quantities

/// What a rank tells when it has done a window.
public struct WindowReport: Hashable, Sendable {
  /// Place of the window in the program.
  public var index: Int
  /// The window's outputs on this rank, in its order.
  public var outputs: [Output] = []
  /// Logits of the rank's part of the vocabulary, when the run asked for them.
  public var logits: [Logits] = []
  /// What the node did when, in its order; empty unless the run asked for it.
  public var activities: [MeasuredActivity] = []

  /// Takes each field as it is.
  public init(index: Int) { self.index = index }

  /// The tokens of a batch, or another value that the window judges by.
  public struct Output: Hashable, Sendable {
    /// Index into the window's batches.
    public var batch: Int
    /// When it came to be, in emulated time.
    public var stamp: Stamp
    /// When it came to be on this host's monotonic clock.
    public var measured: MeasuredTime
    /// One a sampled sequence; empty when payloads are phantom.
    public var tokens: [Int32]

    /// Takes each field as it is.
    public init(batch: Int, stamp: Stamp, measured: MeasuredTime, tokens: [Int32]) {
      self.batch = batch
      self.stamp = stamp
      self.measured = measured
      self.tokens = tokens
    }
  }

  /// The logits of one sampled position, of one shard's vocabulary.
  public struct Logits: Hashable, Sendable {
    /// The sequence, by its row of the KV cache.
    public var sequence: Int
    /// Position of the token after which they come.
    public var position: Int
    /// [vocabulary slice]
    public var values: [Float]

    /// Takes each field as it is.
    public init(sequence: Int, position: Int, values: [Float]) {
      self.sequence = sequence
      self.position = position
      self.values = values
    }
  }
}

/// What a rank tells when its program is done.
public struct NodeReport: Hashable, Sendable {
  /// When the last resource of the rank becomes free, in emulated time.
  public var end = EmulatedTime.zero
  /// Of every time and account of the rank: equal to the evaluator's exactly when all times are.
  public var clockDigest: UInt64 = 0
  /// Of the values that the last window named as outputs, for programs without a model.
  public var resultDigest = Digest()
  /// Messages handed to the transport.
  public var messagesSent = 0
  /// On the host's wire, headers left out.
  public var payloadBytesSent = 0
  /// The first instruction and the end of the last window, on the host's monotonic clock.
  public var started: MeasuredTime?
  /// End of the last window, on the host's monotonic clock.
  public var finished: MeasuredTime?
  /// Largest resident size of the process, in bytes.
  public var peakResidentBytes = 0
  /// Bytes of the slices that the node holds, and of its KV cache.
  public var weightBytes = 0
  /// Bytes of the KV cache when full.
  public var cacheBytes = 0

  /// What it took to load the slices, on this host.
  public var loading = MeasuredTime(nanoseconds: 0)
  /// Bytes of weights that the coordinator sent.
  public var streamedBytes = 0
  /// Bytes of weights that the host's cache had.
  public var cachedBytes = 0
  /// Peers without a key that is admitted, turned away from the node's data sockets so far.
  public var refusedPeers = 0

  /// An empty one.
  public init() {}
}
