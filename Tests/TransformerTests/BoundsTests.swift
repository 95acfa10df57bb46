import Models
import Tensors
import Testing
import Transformer

@Suite("A shard's bounds")
struct BoundsTests {
  static func cluster(
    sequences: Int = 2, positions: Int = 6, maximumTokens: Int = 4
  ) throws -> ShardCluster {
    let shape = ModelShape.small()
    let weights = SyntheticWeights(seed: 1, shape: shape, type: .float32)
    return try ShardCluster(
      shape, weights: weights, sequences: sequences, positions: positions,
      maximumTokens: maximumTokens)
  }

  static func batch(sequence: Int = 0, start: Int = 0, count: Int = 1) -> Batch {
    Batch(entries: [.init(sequence: sequence, start: start, count: count, samples: true)])
  }

  @Test("the last position, sequence and row inside the bounds work")
  func inside() throws {
    let cluster = try Self.cluster()
    _ = cluster.logits(Self.batch(sequence: 1, count: 4), [1, 2, 3, 4])
    let row = cluster.logits(Self.batch(sequence: 1, start: 4, count: 2), [5, 6])[0]
    #expect(row.allSatisfy { $0.isFinite })
  }

  @Test("a position past the cache's bound stops the process")
  func position() async {
    await #expect(processExitsWith: .failure) {
      let cluster = try Self.cluster()
      _ = cluster.logits(Self.batch(count: 4), [1, 2, 3, 4])
      _ = cluster.logits(Self.batch(start: 4, count: 3), [5, 6, 7])
    }
  }

  @Test("a sequence past the cache's bound stops the process")
  func sequence() async {
    await #expect(processExitsWith: .failure) {
      _ = try Self.cluster().logits(Self.batch(sequence: 2), [1])
    }
  }

  @Test("a position whose past was never read stops the process")
  func gap() async {
    await #expect(processExitsWith: .failure) {
      let cluster = try Self.cluster()
      _ = cluster.logits(Self.batch(count: 2), [1, 2])
      _ = cluster.logits(Self.batch(start: 3), [3])
    }
  }

  @Test("a batch of more rows than the largest stops the process")
  func rows() async {
    await #expect(processExitsWith: .failure) {
      _ = try Self.cluster().logits(Self.batch(count: 5), [1, 2, 3, 4, 5])
    }
  }

  @Test("a token outside the vocabulary stops the process")
  func token() async {
    await #expect(processExitsWith: .failure) {
      _ = try Self.cluster().logits(Self.batch(), [101])
    }
  }

  @Test("a cache larger than any memory costs what is used of it")
  func reserved() throws {
    // 2 layers · 2¹² sequences · 3 heads · 2¹⁸ positions · 8 · 8 bytes: 384 GiB of addresses.
    let cluster = try Self.cluster(sequences: 1 << 12, positions: 1 << 18)
    #expect(cluster.shards[0].cacheBytes == 384 << 30)
    let row = cluster.logits(Self.batch(sequence: 4095, count: 3), [1, 2, 3])[0]
    let small = try Self.cluster().logits(Self.batch(sequence: 1, count: 3), [1, 2, 3])[0]
    #expect(row.bits == small.bits)
  }

  @Test("a cache that the system refuses is an error that says what to ask for")
  func refused() throws {
    let error = #expect(throws: ShardError.self) {
      try Self.cluster(sequences: 1 << 22, positions: 1 << 24)
    }
    #expect(error?.description.contains("keys of the KV cache") == true)
    #expect(error?.description.contains("fewer sequences or positions") == true)
  }
}
