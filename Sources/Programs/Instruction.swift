import Hardware
import Quantities

/// One step of a rank. It names its inputs, its output and its resource, and carries its price, so that
/// the evaluator and a node need nothing else to know when it ends.
public enum Instruction: Hashable, Sendable {
  case compute(Compute)
  case send(Send)
  case receive(Receive)
  /// The next `count` instructions are receives that are waited for together and served in the order
  /// of (arrival, source rank).
  case receiveSet(count: Int)
}

/// Work of a kernel on a region of the wafer.
///
/// `start = max(inputs, region free)`, `end = start + cost`; the region is free, and the outputs exist,
/// at `end`.
public struct Compute: Hashable, Sendable {
  public var kernel: Kernel
  /// The layer of a layer's kernel; the rank's own place in a sum in rank order; else 0.
  public var argument: Int32
  /// Index into the window's batches.
  public var batch: Int32
  /// The region of the wafer that works.
  public var region: Int32
  public var input: Values
  /// A second run of inputs, for kernels that take two.
  public var second: Values
  public var output: Values
  public var cost: Cost

  public init(
    _ kernel: Kernel, argument: Int = 0, batch: Int = 0, region: Int = 0, input: Values,
    second: Values = .none, output: Values, cost: Cost = .zero
  ) {
    self.kernel = kernel
    self.argument = Int32(argument)
    self.batch = Int32(batch)
    self.region = Int32(region)
    self.input = input
    self.second = second
    self.output = output
    self.cost = cost
  }
}

/// What a compute instruction does with its numbers.
public enum Kernel: UInt8, CaseIterable, Sendable {
  /// Puts sampled tokens behind their sequences. Input: tokens.
  case accept
  /// Tokens of the batch to rows of the embedding; rows outside the shard's vocabulary are zero.
  case embed
  /// Input: residual. Output: the shard's partial sum of the attention block. Argument: layer.
  case attention
  /// Input: residual. Output: the shard's partial sum of the feed-forward block. Argument: layer.
  case feedForward
  /// Input: residual. Second: a block's whole sum. Output: the residual with the sum added, in place.
  case residual
  /// Input: residual. Output: the logits of the shard's vocabulary for the rows that are sampled.
  case head
  /// Input: logits. Output: the shard's candidates for each sampled row.
  case candidates
  /// Input: the candidates of all shards, in rank order. Output: tokens.
  case choose
  /// output[i] = input[i] + second[i], value by value.
  case sum
  /// Output: the sum, in rank order, of the inputs with `second` put in at place `argument`.
  case sumInRankOrder
  /// output[i] = input[i], value by value.
  case copy
  /// Fills the output with numbers that depend on rank and place alone, for `wafer collective`.
  case fill
  /// Takes its time and hands its input on, for `wafer pipeline`.
  case stage
}

/// A message put on its way through an egress port.
///
/// `start = max(values, port free)`; the port is free at `start + overhead + serialization` (or at the
/// arrival, when the link holds its port until delivery); the message arrives at
/// `start + overhead + serialization + latency`.
public struct Send: Hashable, Sendable {
  public var to: Rank
  public var stream: Stream
  public var port: Int32
  public var holdsPortUntilDelivery: Bool
  public var values: Values
  public var elements: Int
  public var bytes: Int
  public var overhead: EmulatedTime
  public var serialization: EmulatedTime
  public var latency: EmulatedTime

  public init(
    to: Rank, stream: Stream, port: Int32, holdsPortUntilDelivery: Bool, values: Values,
    elements: Int, bytes: Int, overhead: EmulatedTime, serialization: EmulatedTime,
    latency: EmulatedTime
  ) {
    self.to = to
    self.stream = stream
    self.port = port
    self.holdsPortUntilDelivery = holdsPortUntilDelivery
    self.values = values
    self.elements = elements
    self.bytes = bytes
    self.overhead = overhead
    self.serialization = serialization
    self.latency = latency
  }
}

/// A message taken from a stream, through an ingress port, cut-through.
///
/// `start = max(arrival − serialization, port free)`; the port is free at `start + serialization`; the
/// values exist `overhead` later.
public struct Receive: Hashable, Sendable {
  public var from: Rank
  public var stream: Stream
  public var port: Int32
  public var values: Values
  public var elements: Int
  public var bytes: Int
  public var serialization: EmulatedTime
  public var overhead: EmulatedTime

  public init(
    from: Rank, stream: Stream, port: Int32, values: Values, elements: Int, bytes: Int,
    serialization: EmulatedTime, overhead: EmulatedTime
  ) {
    self.from = from
    self.stream = stream
    self.port = port
    self.values = values
    self.elements = elements
    self.bytes = bytes
    self.serialization = serialization
    self.overhead = overhead
  }
}
