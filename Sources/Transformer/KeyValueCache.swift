import Models

/// Keys and values of every position seen, for the KV heads and the layers of one shard.
///
/// Two arrays, [layer][sequence][KV head][position][headSize], float32: one head's positions lie one
/// after the other, as attention reads them. A sequence may be written again from any earlier position.
struct KeyValueCache: ~Copyable {
  let layers: Range<Int>
  let heads: Int
  let headSize: Int
  let bounds: CacheBounds
  private let keys: ReservedFloats
  private let values: ReservedFloats
  /// Positions that hold something, [layer][sequence].
  private var filled: [Int]

  init(
    layers: Range<Int>, heads: Int, headSize: Int, bounds: CacheBounds
  ) throws(ShardError) {
    let count = layers.count * bounds.sequences * heads * bounds.positions * headSize
    let keys = try ReservedFloats(count: count, purpose: "the keys of the KV cache")
    let values = try ReservedFloats(count: count, purpose: "the values of the KV cache")
    self.layers = layers
    self.heads = heads
    self.headSize = headSize
    self.bounds = bounds
    self.keys = keys
    self.values = values
    filled = Array(repeating: 0, count: layers.count * bounds.sequences)
  }

  /// Bytes when every position is in use.
  var bytes: Int { (keys.floats.count + values.floats.count) * MemoryLayout<Float>.stride }

  /// Makes room for an entry's tokens, which must follow on what is there.
  mutating func extend(layer: Int, by entry: Batch.Entry) {
    precondition(layers.contains(layer), "layer \(layer) of layers \(layers)")
    precondition(
      0..<bounds.sequences ~= entry.sequence, "sequence \(entry.sequence) of \(bounds.sequences)")
    let row = (layer - layers.lowerBound) * bounds.sequences + entry.sequence
    precondition(
      entry.count > 0 && entry.start >= 0 && entry.start <= filled[row],
      """
      \(entry.count) tokens at position \(entry.start) of sequence \(entry.sequence), \
      of which layer \(layer) has seen \(filled[row])
      """)
    precondition(
      entry.start + entry.count <= bounds.positions,
      "\(entry.count) tokens at position \(entry.start) of a cache of \(bounds.positions)")
    filled[row] = entry.start + entry.count
  }

  /// The first position of a head. [positions, headSize]
  func head(
    layer: Int, sequence: Int, head: Int
  ) -> (keys: UnsafeMutablePointer<Float>, values: UnsafeMutablePointer<Float>) {
    let row = ((layer - layers.lowerBound) * bounds.sequences + sequence) * heads + head
    let offset = row * bounds.positions * headSize
    return (keys.floats.baseAddress! + offset, values.floats.baseAddress! + offset)
  }
}
