/// A mapping that the wafer does not allow.
public enum MappingError: Error, Hashable, CustomStringConvertible {
  /// The grid that was asked for has more PEs on a side than the wafer.
  case gridTooLarge(Rectangle, wafer: String, mesh: Rectangle)
  /// So many regions of the grid that was asked for, and strips for embedding and head, exceed the mesh.
  case regionsDoNotFit(
    count: Int, grid: Rectangle, wafer: String, mesh: Rectangle, advice: MappingAdvice)
  /// The wafer has too few PEs for the regions, whatever their size.
  case noRoom(kind: String, wafer: String, mesh: Rectangle, advice: MappingAdvice)
  /// A rank's share needs more SRAM a PE than there is.
  case doesNotFit(Shortage)

  /// What is short, where, by how much.
  public struct Shortage: Hashable, Sendable {
    /// The stage of the rank that needs most.
    public let stage: Int
    /// Its shard.
    public let shard: Int
    /// The wafer.
    public let wafer: String
    /// The grid on which it was counted.
    public let grid: Rectangle
    /// The kind of mapping.
    public let kind: Mapping.Kind
    /// Whether that is the best of all sizes that were tried, or the one that was asked for.
    public let isClosest: Bool
    /// Bytes that a PE has.
    public let sramPerPE: Int
    /// Bytes that it would need.
    public let use: SRAMUse
    /// The wafer's whole mesh, which is seldom square.
    public let mesh: Rectangle
    /// Bytes that a PE would need there.
    public let useOfMesh: Int
    /// What would fit instead.
    public let advice: MappingAdvice

    /// Bytes a PE that are missing.
    public var missing: Int { use.total - sramPerPE }
  }

  /// What would fit instead; `nil` for a grid larger than the wafer, which is what is wrong.
  public var advice: MappingAdvice? {
    switch self {
    case .gridTooLarge: nil
    case .regionsDoNotFit(_, _, _, _, let advice), .noRoom(_, _, _, let advice): advice
    case .doesNotFit(let shortage): shortage.advice
    }
  }

  /// A few sentences: what is short by how much, and what would fit.
  public var description: String {
    switch self {
    case .gridTooLarge(let grid, let wafer, let mesh):
      "a grid of \(grid) PEs does not fit \(wafer), whose usable mesh is \(mesh) PEs"
    case .regionsDoNotFit(let count, let grid, let wafer, let mesh, let advice):
      "\(count) regions of \(grid) PEs, and strips for embedding and head, do not fit \(wafer), whose "
        + "usable mesh is \(mesh) PEs. A smaller grid would, or, on this one, \(advice)"
    case .noRoom(let kind, let wafer, let mesh, let advice):
      "the mapping '\(kind)' needs more regions than the \(mesh) PEs of \(wafer) give. What would fit: "
        + "\(advice)"
    case .doesNotFit(let shortage):
      "stage \(shortage.stage), shard \(shortage.shard) needs \(shortage.use.total) B of SRAM a PE "
        + "on \(shortage.grid) PEs\(Self.closest(shortage)) "
        + "(weights \(shortage.use.weights) B, KV cache \(shortage.use.keyValues) B, activations "
        + "\(shortage.use.activations) B); \(shortage.wafer) has \(shortage.sramPerPE) B: "
        + "\(shortage.missing) B short. \(Self.wholeMesh(shortage))What would fit: "
        + "\(shortage.advice). Hypothetical SRAM lifts the limit and marks the result"
    }
  }

  private static func closest(_ shortage: Shortage) -> String {
    guard shortage.isClosest else { return "" }
    return shortage.kind == .wholeMesh
      ? ", the closest of all squares"
      : ", the closest of all regions of '\(shortage.kind.written)'"
  }

  private static func wholeMesh(_ shortage: Shortage) -> String {
    guard shortage.kind == .wholeMesh else { return "" }
    return "A grid of the whole mesh, \(shortage.mesh), would need \(shortage.useOfMesh) B"
      + (shortage.useOfMesh <= shortage.sramPerPE ? " and fit. " : ". ")
  }
}
