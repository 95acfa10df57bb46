import Quantities

/// What one instruction costs on a device, split as its account needs it.
///
/// Each entry is rounded once, to the nearest picosecond, from an exact rational; the cost is the sum
/// of its rounded entries.
@frozen
public struct Cost: Hashable, Sendable {
  /// Arithmetic of kernels.
  public var compute: EmulatedTime
  /// Communication between PEs of one wafer.
  public var fabric: EmulatedTime
  /// Memory traffic; only devices priced by a roofline have it.
  public var memory: EmulatedTime

  /// A cost of these entries.
  @inlinable
  public init(
    compute: EmulatedTime = .zero, fabric: EmulatedTime = .zero, memory: EmulatedTime = .zero
  ) {
    self.compute = compute
    self.fabric = fabric
    self.memory = memory
  }

  /// Nothing to do.
  public static let zero = Cost()

  /// The time that the instruction holds its resource.
  @inlinable
  public var total: EmulatedTime { compute + fabric + memory }

  /// Entry by entry.
  @inlinable
  public static func + (a: Self, b: Self) -> Self {
    Self(compute: a.compute + b.compute, fabric: a.fabric + b.fabric, memory: a.memory + b.memory)
  }

  /// Entry by entry.
  @inlinable
  public static func += (a: inout Self, b: Self) { a = a + b }

  /// The same cost `count` times over, as for layers that do equal work.
  @inlinable
  public static func * (cost: Self, count: Int) -> Self {
    let count = Int64(count)
    return Self(
      compute: EmulatedTime(picoseconds: cost.compute.picoseconds * count),
      fabric: EmulatedTime(picoseconds: cost.fabric.picoseconds * count),
      memory: EmulatedTime(picoseconds: cost.memory.picoseconds * count))
  }
}
