import Models

/// A piece of a program: for every rank, the instructions of one scheduling step.
///
/// A program is a sequence of windows, so that a long run needs memory for a step, not for its
/// length. Clocks and messages under way carry over from window to window.
public struct Window: Sendable {
  /// Place in the program.
  public var index: Int
  /// The micro-batches of this step.
  public var batches: [Batch]
  /// Every rank's part, by rank.
  public var ranks: [RankWindow]
  /// Where and when tokens come to be in this window: the times the run is judged by.
  public var outputs: [Output]

  /// A window of a program.
  public init(index: Int, batches: [Batch], ranks: [RankWindow], outputs: [Output] = []) {
    self.index = index
    self.batches = batches
    self.ranks = ranks
    self.outputs = outputs
  }

  /// A value whose time is a result: the tokens of a batch, on the rank that reports them.
  public struct Output: Hashable, Sendable {
    /// The rank that reports it.
    public var rank: Rank
    /// Index into the rank's table of values.
    public var value: Int
    /// Index into the window's batches.
    public var batch: Int

    /// A value that is a result.
    public init(rank: Rank, value: Int, batch: Int) {
      self.rank = rank
      self.value = value
      self.batch = batch
    }
  }
}

/// One rank's part of a window.
public struct RankWindow: Hashable, Sendable {
  /// Where each value of the rank lies. The table only grows from window to window; a value that is
  /// described alike keeps its numbers and its time.
  public var values: [ValuePlace]
  /// What the rank does, in this order.
  public var instructions: [Instruction]

  /// A rank's part of a window; empty unless said otherwise.
  public init(values: [ValuePlace] = [], instructions: [Instruction] = []) {
    self.values = values
    self.instructions = instructions
  }
}

/// The place of a value in the rank's memory, in elements of 4 bytes (float32, or int32 for tokens).
public struct ValuePlace: Hashable, Sendable {
  /// The buffer that holds it. Buffers are numbered from 0 in the order of the table.
  public var buffer: Int32
  /// Elements of the buffer before it.
  public var offset: Int
  /// Its own elements.
  public var elements: Int

  /// A place in a buffer.
  public init(buffer: Int, offset: Int, elements: Int) {
    self.buffer = Int32(buffer)
    self.offset = offset
    self.elements = elements
  }
}
