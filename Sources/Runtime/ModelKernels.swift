import ModelFiles
import Models
import Placement
import Programs
import Tensors
import Transformer

/// The kernels of a program that need a model: a shard's forward pass, on the rank's values.
///
/// It keeps each sequence's tokens, prompt and sampled ones, because an embedding needs to know which
/// tokens stand at a batch's positions.
public final class ModelKernels {
  private let shard: Shard
  private let assignment: ModelAssignment
  private let vocabulary: Range<Int>
  private var sequences: [[Int32]]
  private var tokens: [Int32] = []
  private let shards: Int

  /// Loads a rank's slices.
  ///
  /// - Parameter streamed: Weights that come from the coordinator; `nil` where the coordinator's files are
  ///   at hand.
  /// - Parameter crash: Where the process ends itself meanwhile, in tests.
  ///
  /// Throws `NodeError.load` when the weights cannot be read, are not the coordinator's, or do not fit
  /// the shape; and what `streamed` throws of a run that is over.
  public init(
    _ assignment: ModelAssignment, rank: Rank, streamed: StreamedWeights? = nil,
    crash: CrashPoint? = nil
  ) throws(NodeError) {
    self.assignment = assignment
    do {
      let split = try Split(
        shape: assignment.shape, pipeline: assignment.layersPerStage.count,
        tensor: assignment.tensor, layersPerStage: assignment.layersPerStage)
      let slice = split.slice(ofRank: rank.index)
      shard = try Self.load(assignment, slice, streamed, crash?.rank == rank ? crash : nil)
      vocabulary = slice.vocabulary
    } catch let error as NodeError {
      throw error
    } catch {
      throw .load("\(error)")
    }
    // A node is ready when its weights are there: else its first token would be timed with their page faults.
    shard.readWeights()
    sequences = Array(repeating: [], count: assignment.sequences)
    shards = assignment.tensor
  }

  private static func load(
    _ assignment: ModelAssignment, _ slice: ShardSlice, _ streamed: StreamedWeights?,
    _ crash: CrashPoint?
  ) throws -> Shard {
    func shard(_ weights: some WeightSource) throws -> Shard {
      if let crash, case .weights(let number) = crash.place {
        return try uncrashed(CrashingWeights(weights, at: crash, after: number))
      }
      return try uncrashed(weights)
    }
    func uncrashed(_ weights: some WeightSource) throws -> Shard {
      try Shard(
        shape: assignment.shape, slice: slice, weights: weights,
        cache: CacheBounds(sequences: assignment.sequences, positions: assignment.positions),
        maximumTokens: assignment.maximumTokens, precision: assignment.precision)
    }
    switch assignment.weights {
    case .synthetic(let seed, let type):
      return try shard(SyntheticWeights(seed: seed, shape: assignment.shape, type: type))
    case .file(let path, let fingerprint, let access):
      if let streamed {
        let isHere = access == .automatic && (try? file(path, fingerprint)) != nil
        if access == .stream || (access == .automatic && !isHere) { return try shard(streamed) }
      }
      guard let weights = try file(path, fingerprint).weights else {
        throw NodeError.load("\(path) has no weights: it is a bare config.json")
      }
      return try shard(weights)
    }
  }

  /// The coordinator's model, where it is here too.
  private static func file(_ path: String, _ fingerprint: String) throws -> ModelFile {
    let file = try ModelFile.open(path)
    guard file.fingerprint == fingerprint else {
      throw NodeError.load(
        "\(path) is not the coordinator's model: its fingerprint is \(file.fingerprint), the "
          + "coordinator's \(fingerprint). Copy the same file to every host, or have the weights sent "
          + "with --weights stream")
    }
    return file
  }

  /// Bytes of the slices that the shard holds.
  public var weightBytes: Int { shard.weightBytes }
  /// Bytes of its KV cache when full.
  public var cacheBytes: Int { shard.cacheBytes }

  /// Runs a kernel on a rank's values.
  func execute(
    _ work: Compute, batch: Batch, memory: borrowing NodeMemory,
    logits: inout [WindowReport.Logits]
  ) throws(NodeError) {
    let input = UnsafeBufferPointer(memory.floats(work.input))
    let output = memory.floats(work.output)
    switch work.kernel {
    case .accept:
      for (index, token) in zip(batch.accepts, memory.tokens(work.input)) {
        let entry = batch.entries[index]
        // The batch holds the position that this token takes.
        guard sequences[entry.sequence].count == entry.start else {
          throw .numbers(
            "sequence \(entry.sequence) has \(sequences[entry.sequence].count) tokens, "
              + "and the next is for position \(entry.start)")
        }
        sequences[entry.sequence].append(token)
      }
    case .embed:
      tokens.removeAll(keepingCapacity: true)
      for entry in batch.entries {
        // A request that begins takes the row over.
        if entry.start == 0 {
          guard assignment.prompts.indices.contains(entry.request) else {
            throw .numbers("request \(entry.request) has no prompt")
          }
          sequences[entry.sequence] = assignment.prompts[entry.request]
        }
        tokens.append(
          contentsOf: sequences[entry.sequence][entry.start..<entry.start + entry.count])
      }
      tokens.withUnsafeBufferPointer { shard.embed($0, into: output) }
    case .attention:
      shard.attention(layer: Int(work.argument), batch: batch, residual: input, into: output)
    case .feedForward:
      shard.feedForward(layer: Int(work.argument), batch: batch, residual: input, into: output)
    case .head:
      shard.head(batch: batch, residual: input, into: output)
      if assignment.reportsLogits { report(output, of: batch, to: &logits) }
    case .candidates:
      assignment.sampling.candidates(
        logits: input, batch: batch, vocabulary: vocabulary, seed: assignment.seed, into: output)
    case .choose:
      do {
        try assignment.sampling.choose(
          records: input, shards: shards, batch: batch, seed: assignment.seed,
          into: memory.tokens(work.output))
      } catch {
        throw .numbers("\(error)")
      }
    case .cross, .residual, .sum, .sumInRankOrder, .copy, .fill, .stage:
      preconditionFailure("\(work.kernel) needs no model")
    }
  }

  private func report(
    _ values: UnsafeMutableBufferPointer<Float>, of batch: Batch,
    to logits: inout [WindowReport.Logits]
  ) {
    for (row, entry) in batch.entries.filter(\.samples).enumerated() {
      logits.append(
        WindowReport.Logits(
          sequence: entry.request, position: entry.start + entry.count - 1,
          values: Array(values[row * vocabulary.count..<(row + 1) * vocabulary.count])))
    }
  }
}
