import Models
import Placement
import TestSupport
import Testing
import Transformer

@Suite("Sampling over a sharded vocabulary")
struct SamplingTests {
  /// Tokens drawn for rows of logits by `shards` shards.
  func draw(
    _ rows: [[Float]], _ rule: SamplingRule, shards: Int = 1, seed: UInt64 = 1, positions: [Int],
    sequences: [Int]? = nil
  ) throws -> [Int32] {
    let vocabulary = rows[0].count
    let batch = Batch(
      entries: rows.indices.map {
        .init(sequence: sequences?[$0] ?? 0, start: positions[$0], count: 1, samples: true)
      })
    var records: [Float] = []
    for shard in 0..<shards {
      let slice = Split.share(shard, of: shards, total: vocabulary)
      let logits = rows.flatMap { Array($0[slice]) }
      var part = [Float](repeating: .nan, count: rows.count * rule.elementsPerOutput)
      part.withUnsafeMutableBufferPointer { part in
        logits.withUnsafeBufferPointer {
          rule.candidates(logits: $0, batch: batch, vocabulary: slice, seed: seed, into: part)
        }
      }
      records += part
    }
    var tokens = [Int32](repeating: -1, count: rows.count)
    try tokens.withUnsafeMutableBufferPointer { tokens in
      try records.withUnsafeBufferPointer {
        try rule.choose(records: $0, shards: shards, batch: batch, seed: seed, into: tokens)
      }
    }
    return tokens
  }

  func draws(_ row: [Float], _ rule: SamplingRule, count: Int, shards: Int = 1) throws -> [Int] {
    let rows = Array(repeating: row, count: count)
    let tokens = try draw(rows, rule, shards: shards, positions: Array(0..<count))
    return tokens.reduce(into: Array(repeating: 0, count: row.count)) { $0[Int($1)] += 1 }
  }

  static let rules: [SamplingRule] = [
    .greedy, .topK(k: 1, temperature: 1, topP: 1), .topK(k: 5, temperature: 0.7, topP: 0.9),
    .topK(k: 40, temperature: 2, topP: 1), .topK(k: 256, temperature: 1, topP: 0.5),
    .topK(k: 7, temperature: 0, topP: 1), .gumbel(temperature: 1), .gumbel(temperature: 0),
  ]

  @Test("the same logits give the same tokens on any number of shards", arguments: rules)
  func shards(rule: SamplingRule) throws {
    var random = SeededGenerator(seed: 77)
    // Few distinct values, so that ties are everywhere.
    let rows = (0..<20).map { _ in
      (0..<97).map { _ in Float(Int.random(in: 0..<12, using: &random)) / 4 }
    }
    let positions = Array(0..<20)
    let one = try draw(rows, rule, positions: positions)
    for shards in [2, 3, 7, 96, 97] {
      #expect(try draw(rows, rule, shards: shards, positions: positions) == one, "\(shards)")
    }
  }

  static let greedyRules: [SamplingRule] = [
    .greedy, .gumbel(temperature: 0), .topK(k: 3, temperature: 0, topP: 1),
  ]

  @Test("Gumbel-max passes over no token that could win", arguments: [Float(0.1), 1, 5])
  func gumbelBound(temperature: Float) throws {
    var random = SeededGenerator(seed: 78)
    // A shard of one token has nothing to compare it with.
    let rows = (0..<8).map { row in
      (0..<600).map { _ in Float.random(in: -10...10, using: &random) + Float(row * 1000) }
    }
    let rule = SamplingRule.gumbel(temperature: temperature)
    let all = try draw(rows, rule, shards: 600, positions: Array(0..<8))
    #expect(try draw(rows, rule, shards: 1, positions: Array(0..<8)) == all)
    #expect(try draw(rows, rule, shards: 7, positions: Array(0..<8)) == all)
  }

  @Test("greedy takes the largest logit, and of equal ones the lowest id")
  func ties() throws {
    let rows: [[Float]] = [
      [0, 3, 1, 3, 3], [-5, -5, -5, -5, -5], [1, 2, 3, 4, 5], [9, 0, 0, 0, 9],
    ]
    for shards in 1...5 {
      for rule in Self.greedyRules {
        #expect(try draw(rows, rule, shards: shards, positions: [0, 0, 0, 0]) == [1, 0, 4, 0])
      }
    }
  }

  @Test("a record holds the k best, best first, then the log-sum-exp; a small slice leaves room")
  func record() {
    let rule = SamplingRule.topK(k: 3, temperature: 1, topP: 1)
    #expect(rule.elementsPerOutput == 7)
    let batch = Batch(entries: [.init(sequence: 0, start: 0, count: 4, samples: true)])
    func record(_ logits: [Float], from first: Int) -> [Float] {
      var record = [Float](repeating: .nan, count: 7)
      record.withUnsafeMutableBufferPointer { record in
        logits.withUnsafeBufferPointer {
          rule.candidates(
            logits: $0, batch: batch, vocabulary: first..<first + logits.count, seed: 0,
            into: record)
        }
      }
      return record
    }
    let full = record([1, 4, 2, 4, 3], from: 100)
    #expect([0, 2, 4].map { full[$0].bitPattern } == [101, 103, 104])
    #expect([1, 3, 5].map { full[$0] } == [4, 4, 3])
    #expect(abs(full[6] - 4.937_269) < 1e-5)
    let short = record([1, 2], from: 7)
    #expect([0, 2].map { short[$0].bitPattern } == [8, 7])
    #expect(short[5] == -.infinity)
  }

  /// χ² of counts against probabilities, over tokens that are expected at least 5 times.
  func chiSquare(_ counts: [Int], _ probabilities: [Double]) -> Double {
    let total = Double(counts.reduce(0, +))
    return zip(counts, probabilities).reduce(0) { sum, pair in
      let expected = pair.1 * total
      guard expected > 5 else { return sum }
      return sum + (Double(pair.0) - expected) * (Double(pair.0) - expected) / expected
    }
  }

  static let row: [Float] = [1.5, 0, 2, -1, 0.5, 2, 1, -3]

  func softmax(_ row: [Float], temperature: Double, keeping kept: Set<Int>? = nil) -> [Double] {
    let weights = row.indices.map { index -> Double in
      guard kept?.contains(index) ?? true else { return 0 }
      var power = 1.0
      // exp by its series: independent of the module's functions.
      let x = Double(row[index]) / temperature
      var sum = 1.0
      for n in 1..<60 {
        power *= x / Double(n)
        sum += power
      }
      return sum
    }
    let total = weights.reduce(0, +)
    return weights.map { $0 / total }
  }

  // 7 degrees of freedom: χ² above 24.3 has probability 0.001. Seeds are fixed: the claim is about them.

  @Test("Gumbel-max draws by the softmax at its temperature", arguments: [Float(0.5), 1, 3])
  func gumbel(temperature: Float) throws {
    let counts = try draws(Self.row, .gumbel(temperature: temperature), count: 8000, shards: 3)
    #expect(
      chiSquare(counts, softmax(Self.row, temperature: Double(temperature))) < 24.3, "\(counts)")
  }

  @Test("top-k draws by the softmax over the k best")
  func topK() throws {
    let counts = try draws(
      Self.row, .topK(k: 4, temperature: 1.5, topP: 1), count: 8000, shards: 2)
    let expected = softmax(Self.row, temperature: 1.5, keeping: [0, 2, 5, 6])
    #expect([1, 3, 4, 7].allSatisfy { counts[$0] == 0 })
    #expect(chiSquare(counts, expected) < 24.3, "\(counts)")
  }

  @Test("top-p keeps the likeliest of the k until their sum reaches it")
  func topP() throws {
    // Over the best four, the probabilities are 0.316, 0.316, 0.192, 0.116 and less: sums of the k = 4
    // best, normalised over the four, are 0.336, 0.672, 0.876, 1.
    let cases: [(Float, Set<Int>)] = [
      (0.01, [2]), (0.33, [2]), (0.35, [2, 5]), (0.66, [2, 5]), (0.7, [2, 5, 0]),
      (0.99, [2, 5, 0, 6]),
      (1, [2, 5, 0, 6]),
    ]
    for (topP, kept) in cases {
      let counts = try draws(
        Self.row, .topK(k: 4, temperature: 1, topP: topP), count: 4000, shards: 2)
      #expect(Set(counts.indices.filter { counts[$0] > 0 }) == kept, "top-p \(topP): \(counts)")
      let expected = softmax(Self.row, temperature: 1, keeping: kept)
      #expect(chiSquare(counts, expected) < 24.3, "top-p \(topP): \(counts)")
    }
  }

  @Test("draws depend on seed, sequence and position, each by itself")
  func keys() throws {
    let flat = [Float](repeating: 0, count: 1000)
    for rule in [SamplingRule.gumbel(temperature: 1), .topK(k: 256, temperature: 1, topP: 1)] {
      let a = try draw([flat], rule, seed: 1, positions: [5], sequences: [2])
      #expect(try draw([flat], rule, seed: 1, positions: [5], sequences: [2]) == a)
      #expect(try draw([flat], rule, seed: 2, positions: [5], sequences: [2]) != a)
      #expect(try draw([flat], rule, seed: 1, positions: [6], sequences: [2]) != a)
      #expect(try draw([flat], rule, seed: 1, positions: [5], sequences: [3]) != a)
    }
  }

  @Test("position is that of the sampled token, however many tokens the entry holds")
  func position() throws {
    let flat = [Float](repeating: 0, count: 1000)
    let rule = SamplingRule.gumbel(temperature: 1)
    let alone = try draw([flat], rule, positions: [9])
    var tokens: [Int32] = [-1]
    let batch = Batch(entries: [
      .init(sequence: 4, start: 0, count: 3, samples: false),
      .init(sequence: 0, start: 2, count: 8, samples: true),
    ])
    var record = [Float](repeating: 0, count: rule.elementsPerOutput)
    try record.withUnsafeMutableBufferPointer { record in
      flat.withUnsafeBufferPointer {
        rule.candidates(logits: $0, batch: batch, vocabulary: 0..<1000, seed: 1, into: record)
      }
      try tokens.withUnsafeMutableBufferPointer {
        try rule.choose(
          records: UnsafeBufferPointer(record), shards: 1, batch: batch, seed: 1, into: $0)
      }
    }
    #expect(tokens == alone)
  }

  @Test("logits that are not numbers are passed over, and none at all is an error")
  func notNumbers() throws {
    #expect(try draw([[.nan, 1, .nan, 2]], .greedy, shards: 2, positions: [0]) == [3])
    for rule in Self.rules {
      let error = #expect(throws: SamplingError.self) {
        try draw([[.nan, .nan]], rule, shards: 2, positions: [6], sequences: [3])
      }
      #expect(error?.sequence == 3 && error?.position == 7)
    }
  }

  @Test("a rule says what is wrong with its figures")
  func problems() {
    #expect(Self.rules.allSatisfy { $0.problem == nil })
    let bad: [SamplingRule] = [
      .topK(k: 0, temperature: 1, topP: 1), .topK(k: 257, temperature: 1, topP: 1),
      .topK(k: 3, temperature: -1, topP: 1), .topK(k: 3, temperature: 1, topP: 0),
      .topK(k: 3, temperature: 1, topP: 1.01), .topK(k: 3, temperature: 1, topP: .nan),
      .gumbel(temperature: -0.5), .gumbel(temperature: .nan), .gumbel(temperature: .infinity),
    ]
    #expect(bad.allSatisfy { $0.problem != nil })
  }
}
