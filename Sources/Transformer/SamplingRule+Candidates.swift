import Models
import Tensors

extension SamplingRule {
  /// The id of a candidate that is not there: above every token, so that it loses ties, and the bits of a
  /// finite float. Its score is −∞.
  static let absent: Int32 = 0x7F00_0000

  /// A shard's records: its best candidates for each sampled row.
  ///
  /// Candidates are ordered by score, equal ones by id, the low one first. A logit that is not a number is
  /// never one. A vocabulary slice smaller than the number of candidates leaves the rest absent.
  ///
  /// - Parameters:
  ///   - logits: [outputs, vocabulary slice]
  ///   - batch: what was computed; its sampled entries are the outputs.
  ///   - vocabulary: the tokens of the shard.
  ///   - seed: of the run.
  ///   - records: [outputs, elementsPerOutput]
  public func candidates(
    logits: UnsafeBufferPointer<Float>, batch: Batch, vocabulary: Range<Int>, seed: UInt64,
    instructions: InstructionSet = .best, into records: UnsafeMutableBufferPointer<Float>
  ) {
    precondition(problem == nil, problem ?? "")
    let width = vocabulary.count
    precondition(
      width > 0 && logits.count >= batch.outputs * width
        && records.count >= batch.outputs * elementsPerOutput,
      "\(batch.outputs) outputs of \(logits.count) logits into \(records.count) floats")
    var output = 0
    for entry in batch.entries where entry.samples {
      let row = logits.part(output * width, width)
      let record = records.part(output * elementsPerOutput, elementsPerOutput)
      var best = CandidateList(record, candidates: candidates)
      switch self {
      case .gumbel(let temperature) where temperature > 0:
        let noise = GumbelNoise(seed: seed, entry: entry)
        for index in 0..<width {
          let token = vocabulary.lowerBound + index
          let bits = noise.bits(of: token)
          let scaled = row[index] / temperature
          guard scaled + GumbelNoise.bound(bits) > best.worst else { continue }
          best.offer(scaled + GumbelNoise.value(bits), token)
        }
      default:
        for index in 0..<width { best.offer(row[index], vocabulary.lowerBound + index) }
      }
      record[elementsPerOutput - 1] = instructions.logSumExp(row)
      output += 1
    }
  }
}

extension Batch.Entry {
  /// Where a sampled token will stand.
  var sampledPosition: Int { start + count }
}

/// Gumbel noise of each token: −log(−log u), u uniform, a function of (seed, sequence, position, token).
private struct GumbelNoise {
  let key: UInt64

  init(seed: UInt64, entry: Batch.Entry) {
    key = Mixing.mix(seed, UInt64(entry.request), UInt64(entry.sampledPosition))
  }

  /// What a token's u is made of.
  func bits(of token: Int) -> UInt64 { Mixing.mix(key ^ UInt64(token)) }

  static func value(_ bits: UInt64) -> Float {
    Float(-Elementary.log(-Elementary.log(Mixing.unit(bits))))
  }

  /// Never below `value`, and made without a logarithm: few tokens are near enough to the best to need
  /// theirs.
  ///
  /// −log u ≥ 1 − u > 2^−(n + 1), where u starts with n ones, so the noise is below (n + 1) log 2.
  /// Rounding is monotonic, so a sum with the bound is not below the sum with the value.
  static func bound(_ bits: UInt64) -> Float {
    Float((~bits).leadingZeroBitCount + 1) * 0.6932
  }
}

/// The best candidates so far, best first, kept in the record that is sent: (id, score) pairs.
private struct CandidateList {
  let pairs: UnsafeMutablePointer<Float>
  let count: Int
  /// Score of the last candidate: what a newcomer must beat.
  private(set) var worst = -Float.infinity

  init(_ record: UnsafeMutableBufferPointer<Float>, candidates: Int) {
    pairs = record.baseAddress!
    count = candidates
    for index in 0..<count {
      pairs[2 * index] = Float(bitPattern: UInt32(bitPattern: SamplingRule.absent))
      pairs[2 * index + 1] = -.infinity
    }
  }

  /// Takes a candidate in if it is among the best. Ids come in rising order, so an equal score stays
  /// behind the ones that are there.
  @inline(__always)
  mutating func offer(_ score: Float, _ token: Int) {
    guard score > worst else { return }
    insert(score, token)
  }

  private mutating func insert(_ score: Float, _ token: Int) {
    var place = count - 1
    while place > 0, score > pairs[2 * place - 1] {
      pairs[2 * place] = pairs[2 * place - 2]
      pairs[2 * place + 1] = pairs[2 * place - 1]
      place -= 1
    }
    pairs[2 * place] = Float(bitPattern: UInt32(token))
    pairs[2 * place + 1] = score
    worst = pairs[2 * count - 1]
  }
}
