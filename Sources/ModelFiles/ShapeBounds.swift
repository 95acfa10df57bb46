/// Limits on the sizes that a header may state, so that a broken one cannot ask for endless memory.
package enum ShapeBounds {
  /// Largest width, count of heads, vocabulary or context. No model comes near it, and the product of
  /// two stays inside 64 bits.
  package static let largestSize = (1 << 31) - 1
  /// Most layers; the deepest published decoder of this family has 126.
  package static let mostLayers = 10_000
}
