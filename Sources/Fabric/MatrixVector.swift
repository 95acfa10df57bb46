/// A matrix by a vector, and how long a PE takes for a row of it.
public struct MatrixVector: Hashable, Sendable {
  /// Elements of the vector, spread over the columns of the mesh.
  public var inputs: Int
  /// Elements of the result, spread over the rows.
  public var outputs: Int
  /// Cycles of a PE for each input, beside its multiply-adds. 29 is what published decodes suggest, a
  /// regression coefficient and no hardware rate (28.95, fitted to WaferLLM, OSDI'25).
  public var callbackCycles: Int
  /// Multiply-adds of a PE in a cycle: 4 lanes of fp16 on WSE-2 (Hot Chips 34).
  public var lanes: Int

  /// Most inputs and most outputs: sums of that many products of small numbers fit 32 bits.
  public static let mostElements = 1 << 24
  /// Most cycles for an input beside its multiply-adds.
  public static let mostCallbackCycles = Step.mostCycles / 2

  /// A product.
  public init(inputs: Int, outputs: Int, callbackCycles: Int = 29, lanes: Int = 4) {
    self.inputs = inputs
    self.outputs = outputs
    self.callbackCycles = callbackCycles
    self.lanes = lanes
  }

  /// Cycles of one input on a PE with so many outputs, at least 1.
  func rowCycles(outputs: Int) -> Int { max(1, callbackCycles + (outputs + lanes - 1) / lanes) }

  /// The part of `count` elements that the one of `parts` at `place` holds: the first ones have ⌈count/parts⌉
  /// as long as there are enough, as the kernels pad.
  static func share(_ count: Int, of parts: Int, at place: Int) -> Range<Int> {
    let size = (count + parts - 1) / parts
    return min(place * size, count)..<min((place + 1) * size, count)
  }
}
