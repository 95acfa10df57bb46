import Models
import Quantities

/// What a group of devices must hold for a model, in bits.
public struct MemoryNeed: Hashable, Sendable {
  /// All weights; a tied head is one with the embedding.
  public let weights: Int128
  /// Keys and values of all sequences at full context, or at their window.
  public let keyValues: Int128
  /// Vectors of one layer for all tokens in flight, spread over the group.
  public let activations: Int128
  /// Vectors of the residual's width for them, which every device holds.
  public let common: Int128

  /// What a memory plan asks for.
  public init(shape: ModelShape, memory: MemoryPlan) {
    let context = min(memory.context, shape.slidingWindow ?? .max)
    weights = Int128(shape.weights) * Int128(memory.weightBits)
    keyValues =
      Int128(shape.keyValuesPerToken) * Int128(context) * Int128(memory.sequences)
      * Int128(memory.keyValueBits)
    let query = shape.queryHeads * shape.headSize
    let inner =
      shape.experts.map { max(($0.active + $0.shared) * $0.width, shape.feedForwardWidth) }
      ?? shape.feedForwardWidth
    let block = max(2 * query + shape.keyValueWidth, 2 * inner)
    let tokens = Int128(memory.tokensInFlight) * Int128(memory.activationBits)
    activations = tokens * Int128(block)
    common = tokens * Int128(2 * shape.width)
  }

  /// Weights, cache and activations of one device that holds all.
  public var total: Int128 { weights + keyValues + activations + common }

  /// The fewest devices of so many bytes whose memory holds the weights.
  public func devicesForWeights(bytes: Int) -> Int {
    Self.quotient(weights, Int128(bytes) * 8)
  }

  /// The fewest devices of so many bytes whose memory holds all of it; `nil` when the vectors that each
  /// must hold leave no room.
  ///
  /// - Parameter shards: Groups of devices that share it out.
  public func devices(bytes: Int, shards: Int = 1) -> Int? {
    let room = Int128(bytes) * 8 - common
    guard room > 0 else { return nil }
    let share = (weights + keyValues + activations + Int128(shards) - 1) / Int128(shards)
    return Self.quotient(share, room)
  }

  private static func quotient(_ bits: Int128, _ room: Int128) -> Int {
    max(1, Int((bits + room - 1) / room))
  }
}

extension Accelerator {
  /// The fewest devices that hold a model with its cache and activations: `devices: automatic`. `nil`
  /// when no number does.
  ///
  /// - Parameters:
  ///   - layers: Layers of the fullest stage, which is taken to hold both tables; all unless given.
  ///   - tensor: Shards of a stage, taken as equal.
  public func fewestDevices(
    shape: ModelShape, memory: MemoryPlan, layers: Int? = nil, tensor: Int = 1
  ) -> Int? {
    var stage = shape
    stage.layers = layers ?? shape.layers
    return MemoryNeed(shape: stage, memory: memory).devices(bytes: self.memory, shards: tensor)
  }
}
