import Models
import Tensors

/// Sines and cosines by position, for the turns of queries and keys (Su et al. 2021).
///
/// As in Hugging Face's `modeling_rope_utils.py`, frequencies and angles are rounded to float32. Sines
/// and cosines are our own, in double, rounded once, so that hosts agree. Rows are made when their
/// position is first reached.
struct RotaryTable: ~Copyable {
  let pairing: Rotation
  /// Turn a position, in radians, by pair. [headSize / 2]
  let frequencies: [Float]
  private let cosines: ReservedFloats
  private let sines: ReservedFloats
  /// Rows that are made.
  private var made = 0

  init(_ rotary: RotaryEmbedding, headSize: Int, positions: Int) throws(ShardError) {
    precondition(headSize % 2 == 0, "pairs of a head of \(headSize)")
    let count = positions * headSize / 2
    let cosines = try ReservedFloats(count: count, purpose: "cosines of \(positions) positions")
    let sines = try ReservedFloats(count: count, purpose: "sines of \(positions) positions")
    pairing =
      switch rotary.pairing {
      case .halves: .halves
      case .interleaved: .interleaved
      }
    frequencies = Self.frequencies(rotary, headSize: headSize)
    self.cosines = cosines
    self.sines = sines
  }

  /// base^(−2i/d), stretched as the scaling asks.
  static func frequencies(_ rotary: RotaryEmbedding, headSize: Int) -> [Float] {
    let logarithm = Elementary.log(Double(rotary.base))
    return (0..<headSize / 2).map { pair in
      let frequency = Float(Elementary.exp(-logarithm * Double(2 * pair) / Double(headSize)))
      switch rotary.scaling {
      case .none: return frequency
      case .linear(let factor): return frequency / factor
      case .factors(let factors):
        precondition(
          factors.count == headSize / 2, "\(factors.count) factors for \(headSize / 2) pairs")
        return frequency / factors[pair]
      case .llama3(let factor, let low, let high, let context):
        let wavelength = 2 * Float.pi / frequency
        if wavelength > Float(context) / low { return frequency / factor }
        if wavelength < Float(context) / high { return frequency }
        let kept = (Float(context) / wavelength - low) / (high - low)
        return (1 - kept) * frequency / factor + kept * frequency
      }
    }
  }

  /// Makes the rows of positions below `end`.
  mutating func extend(to end: Int) {
    let pairs = frequencies.count
    while made < end {
      for pair in 0..<pairs {
        let (sine, cosine) = Elementary.sineCosine(Double(Float(made) * frequencies[pair]))
        sines.floats[made * pairs + pair] = Float(sine)
        cosines.floats[made * pairs + pair] = Float(cosine)
      }
      made += 1
    }
  }

  /// Turns `heads` heads of a token at `position`, in place. [heads, headSize]
  func turn(_ rows: UnsafeMutablePointer<Float>, heads: Int, position: Int) {
    precondition(position < made, "position \(position) of \(made)")
    let pairs = frequencies.count
    let cosine = UnsafeBufferPointer(
      start: cosines.floats.baseAddress! + position * pairs, count: pairs)
    let sine = UnsafeBufferPointer(
      start: sines.floats.baseAddress! + position * pairs, count: pairs)
    for head in 0..<heads {
      let row = UnsafeMutableBufferPointer(start: rows + head * 2 * pairs, count: 2 * pairs)
      pairing.turn(row, cosines: cosine, sines: sine)
    }
  }
}
