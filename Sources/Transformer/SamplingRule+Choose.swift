import Models
import Tensors

extension SamplingRule {
  /// The next token of each sampled row, out of all shards' records.
  ///
  /// Every shard comes to the same tokens by itself, so they need not be sent around.
  ///
  /// - Parameters:
  ///   - records: [shards, outputs, elementsPerOutput], in rank order.
  ///   - batch: the batch that the records are of.
  ///   - seed: of the run; the same as for `candidates`.
  ///   - tokens: [outputs]
  ///
  /// Throws `SamplingError` when an output has no candidate.
  public func choose(
    records: UnsafeBufferPointer<Float>, shards: Int, batch: Batch, seed: UInt64,
    into tokens: UnsafeMutableBufferPointer<Int32>
  ) throws(SamplingError) {
    precondition(problem == nil, problem ?? "")
    let outputs = batch.outputs
    precondition(
      shards > 0 && records.count >= shards * outputs * elementsPerOutput
        && tokens.count >= outputs,
      "\(records.count) floats of \(shards) shards for \(outputs) outputs into \(tokens.count)")
    var output = 0
    for entry in batch.entries where entry.samples {
      let record = GatheredRecord(
        records: records, rule: self, shards: shards, outputs: outputs, output: output)
      let token = withUnsafeTemporaryAllocation(of: Candidate.self, capacity: candidates) {
        best -> Int32? in
        let found = record.merge(into: best)
        guard found > 0 else { return nil }
        return draw(UnsafeBufferPointer(rebasing: best[..<found]), seed: seed, entry: entry)
      }
      guard let token else {
        throw SamplingError(sequence: entry.request, position: entry.sampledPosition)
      }
      tokens[output] = token
      output += 1
    }
  }

  /// One of the candidates, which are best first and at least one.
  private func draw(
    _ best: UnsafeBufferPointer<Candidate>, seed: UInt64, entry: Batch.Entry
  ) -> Int32 {
    guard case .topK(_, let temperature, let topP) = self, temperature > 0 else {
      return best[0].token
    }
    /// In proportion to its probability.
    func weight(_ index: Int) -> Double {
      Elementary.exp(Double(best[index].score - best[0].score) / Double(temperature))
    }
    var total = 0.0
    for index in best.indices { total += weight(index) }
    // A candidate stays while those before it have not reached topP.
    var (kept, mass) = (0, 0.0)
    repeat {
      mass += weight(kept)
      kept += 1
    } while kept < best.count && mass < Double(topP) * total
    let bits = Mixing.mix(seed, UInt64(entry.request), UInt64(entry.sampledPosition))
    let target = Mixing.unit(bits) * mass
    var passed = 0.0
    for index in 0..<kept {
      passed += weight(index)
      if target < passed { return best[index].token }
    }
    return best[kept - 1].token
  }
}

private struct Candidate {
  var token: Int32
  var score: Float
}

/// The records of all shards for one output.
private struct GatheredRecord {
  let records: UnsafeBufferPointer<Float>
  let rule: SamplingRule
  let shards: Int
  let outputs: Int
  let output: Int

  /// The best of all shards' candidates, best first, equal ones by id; how many there are.
  func merge(into best: UnsafeMutableBufferPointer<Candidate>) -> Int {
    withUnsafeTemporaryAllocation(of: Int.self, capacity: shards) { next in
      next.initialize(repeating: 0)
      for place in 0..<rule.candidates {
        var winner: (shard: Int, candidate: Candidate)?
        for shard in 0..<shards where next[shard] < rule.candidates {
          let candidate = self.candidate(next[shard], of: shard)
          guard candidate.score > -.infinity else { continue }
          if let leader = winner?.candidate,
            (leader.score, candidate.token) >= (candidate.score, leader.token)
          {
            continue
          }
          winner = (shard, candidate)
        }
        guard let winner else { return place }
        next[winner.shard] += 1
        best.initializeElement(at: place, to: winner.candidate)
      }
      return rule.candidates
    }
  }

  private func candidate(_ index: Int, of shard: Int) -> Candidate {
    let start = (shard * outputs + output) * rule.elementsPerOutput + 2 * index
    return Candidate(
      token: Int32(bitPattern: records[start].bitPattern), score: records[start + 1])
  }
}
