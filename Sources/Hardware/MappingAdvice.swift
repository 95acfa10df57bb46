import Models
import Placement

/// What would fit in place of a mapping that does not: one thing changed, all else as it was asked for.
///
/// Each is searched for, not estimated: what is advised fits, and one wafer fewer, one bit width more or one
/// token more does not.
public struct MappingAdvice: Hashable, Sendable, CustomStringConvertible {
  /// The fewest wafers, with layers shared out evenly; of equally many those with fewer shards.
  public var wafers: Wafers?
  /// The widest weights that are narrower than those asked for.
  public var weightBits: Int?
  /// The longest context, in tokens of each sequence.
  public var context: Int?

  /// A split over so many wafers.
  public struct Wafers: Hashable, Sendable {
    /// Pipeline-parallel size.
    public var pipeline: Int
    /// Tensor-parallel size.
    public var tensor: Int
    /// PP × TP.
    public var count: Int { pipeline * tensor }
  }

  /// Most wafers that are tried: as many as an experiment may have ranks.
  public static let mostWafers = 1024
  /// Bits of weights that are tried.
  public static let weightWidths = [32, 16, 8, 4]

  /// The three, each with 'no' where none fits.
  public var description: String {
    let split =
      wafers.map {
        "PP \($0.pipeline) x TP \($0.tensor) (\($0.count) wafer\($0.count == 1 ? "" : "s"))"
      } ?? "no number of wafers up to \(Self.mostWafers)"
    let weights = weightBits.map { "weights of \($0) bit" } ?? "no narrower weights"
    let context = context.map { "a context of \($0)" } ?? "no shorter context"
    return "\(split); \(weights); \(context)"
  }
}

extension MappingSearch {
  /// What would fit instead.
  func advice(_ kind: Mapping.Kind, grid: Mapping.Grid) -> MappingAdvice {
    MappingAdvice(
      wafers: fewestWafers(kind, grid: grid), weightBits: widestWeights(kind, grid: grid),
      context: longestContext(kind, grid: grid))
  }

  /// For each number of shards the fewest stages: stages only take layers away from a rank, so theirs is
  /// found by halving. Shards need not be monotone, since neighbours may hold the same KV heads.
  func fewestWafers(_ kind: Mapping.Kind, grid: Mapping.Grid) -> MappingAdvice.Wafers? {
    var best: MappingAdvice.Wafers?
    for tensor in 1...min(shape.queryHeads, MappingAdvice.mostWafers) {
      let limit = (best?.count ?? MappingAdvice.mostWafers + 1) - 1
      let most = min(shape.layers, limit / tensor)
      guard most >= 1 else { break }
      guard let fewest = fewestStages(kind, grid: grid, tensor: tensor, most: most) else {
        continue
      }
      best = MappingAdvice.Wafers(pipeline: fewest, tensor: tensor)
    }
    return best
  }

  fileprivate func fewestStages(
    _ kind: Mapping.Kind, grid: Mapping.Grid, tensor: Int, most: Int
  ) -> Int? {
    Self.first(of: 1...most) { pipeline in
      guard let split = try? Split(shape: shape, pipeline: pipeline, tensor: tensor) else {
        return false
      }
      return with(slices: (0..<split.ranks).map(split.slice(ofRank:))).fits(kind, grid: grid)
    }
  }

  private func widestWeights(_ kind: Mapping.Kind, grid: Mapping.Grid) -> Int? {
    MappingAdvice.weightWidths.first { bits in
      guard bits < memory.weightBits else { return false }
      var memory = memory
      memory.weightBits = bits
      return with(memory: memory).fits(kind, grid: grid)
    }
  }

  /// A context holds the tokens in flight, so they shrink with it.
  private func longestContext(_ kind: Mapping.Kind, grid: Mapping.Grid) -> Int? {
    func fits(_ context: Int) -> Bool {
      var memory = memory
      memory.context = context
      memory.tokensInFlight = min(memory.tokensInFlight, memory.sequences * context)
      return with(memory: memory).fits(kind, grid: grid)
    }
    guard memory.context > 1 else { return nil }
    let tooLong = Self.first(of: 1...memory.context - 1) { !fits($0) } ?? memory.context
    return tooLong > 1 ? tooLong - 1 : nil
  }

  /// The first number of a range for which a condition holds, where it holds for all after it; `nil` when it
  /// holds for none.
  private static func first(
    of range: ClosedRange<Int>, where holds: (Int) -> Bool
  ) -> Int? {
    guard holds(range.upperBound) else { return nil }
    var (low, high) = (range.lowerBound, range.upperBound)
    while low < high {
      let middle = low + (high - low) / 2
      if holds(middle) { high = middle } else { low = middle + 1 }
    }
    return low
  }
}

extension Mapping {
  /// The fewest stages, layers shared out evenly, with which every rank's share fits a wafer; `nil` when no
  /// number of at most `MappingAdvice.mostWafers` wafers does.
  public static func fewestStages(
    shape: ModelShape, tensor: Int, wafer: Wafer, calibration: Calibration, memory: MemoryPlan,
    kind: Kind, grid: Grid = .fastest, options: WaferPricing.Options = WaferPricing.Options()
  ) -> Int? {
    let most = min(shape.layers, MappingAdvice.mostWafers / tensor)
    guard most >= 1, let whole = try? Split(shape: shape, pipeline: 1, tensor: 1) else {
      return nil
    }
    return MappingSearch(
      shape: shape, slices: [whole.slice(ofRank: 0)], wafer: wafer, calibration: calibration,
      memory: memory, options: options
    ).fewestStages(kind, grid: grid, tensor: tensor, most: most)
  }
}
