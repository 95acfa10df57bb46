/// What a PE does with a row of wavelets or numbers, one after the other.
///
/// A PE takes its steps in order, and each step's wavelets in order of arrival. An operation starts when
/// its wavelet is there and the one before it has ended, and takes `cycles`; what it forwards enters the
/// ramp when it ends. So a leaf of a chain takes a cycle a number to load and send, and the PEs after it
/// a cycle a wavelet to add and send on.
public struct Step: Hashable, Sendable {
  /// Where the numbers come from.
  public enum Source: Hashable, Sendable {
    /// The PE's memory: element `e` lies at address `base + e`.
    case memory(base: Int, elements: Range<Int>)
    /// As many wavelets of a colour, each of which names its element.
    case fabric(colour: Int, wavelets: Int)
  }

  /// What is done with each.
  public enum Operation: Hashable, Sendable {
    /// Nothing: the number is only forwarded.
    case pass
    /// It replaces the one at `base + element`, and is the result.
    case store(base: Int)
    /// It is added to the one at `base + element`; the sum is the result.
    case add(base: Int)
    /// One row of a product: `memory[into + j] += memory[matrix + element · outputs + j] · number` for
    /// `j in 0..<outputs`. The result is the number itself.
    case multiplyRow(matrix: Int, outputs: Int, into: Int)
  }

  /// Where the numbers come from.
  public var source: Source
  /// What is done with each.
  public var operation: Operation
  /// Cycles of the PE for each.
  public var cycles: Int
  /// The route, by its number in the program, on which results go out.
  public var forward: Int?

  /// Most cycles of an operation.
  public static let mostCycles = 1 << 20

  /// A step.
  public init(_ source: Source, _ operation: Operation, cycles: Int = 1, forward: Int? = nil) {
    self.source = source
    self.operation = operation
    self.cycles = cycles
    self.forward = forward
  }

  /// Numbers that it takes.
  public var count: Int {
    switch source {
    case .memory(_, let elements): elements.count
    case .fabric(_, let wavelets): wavelets
    }
  }
}
