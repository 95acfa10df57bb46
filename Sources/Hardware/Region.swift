/// A rectangle of a wafer's PEs that holds consecutive layers, or the embedding, or the head.
public struct Region: Hashable, Sendable {
  /// Layers it holds, by their index in the model; empty when it holds none.
  public var layers: Range<Int>
  /// Whether it holds the embedding.
  public var hasEmbedding: Bool
  /// Whether it holds the LM head.
  public var hasHead: Bool
  /// Where it lies.
  public var place: RegionPlace
  /// What its fullest PE holds.
  public var use: SRAMUse

  /// Its size.
  public var size: Rectangle { place.size }
}

/// Where a region lies on its wafer.
public struct RegionPlace: Hashable, Sendable {
  /// First column of PEs.
  public var column: Int
  /// First row of PEs.
  public var row: Int
  /// Its size.
  public var size: Rectangle

  /// A rectangle at a place.
  public init(column: Int, row: Int, size: Rectangle) {
    self.column = column
    self.row = row
    self.size = size
  }

  /// Whether two regions share a PE.
  public func overlaps(_ other: RegionPlace) -> Bool {
    column < other.column + other.size.columns && other.column < column + size.columns
      && row < other.row + other.size.rows && other.row < row + size.rows
  }

  /// The way of an activation from this region to `next`.
  func crossing(to next: RegionPlace) -> RegionCrossing {
    // Centres, doubled so that they are whole.
    let across = abs(
      2 * column + size.columns - 2 * next.column - next.size.columns)
    let down = abs(2 * row + size.rows - 2 * next.row - next.size.rows)
    let lines =
      across >= down
      ? min(size.rows, next.size.rows) : min(size.columns, next.size.columns)
    return RegionCrossing(hops: (across + down + 1) / 2, lines: lines)
  }
}

/// The way of an activation from one region to the next, at router speed.
public struct RegionCrossing: Hashable, Sendable {
  /// Routers from the centre of one to the centre of the other.
  public var hops: Int
  /// Rows or columns of PEs that cross the border side by side.
  public var lines: Int

  /// A way of so many hops over so many lines.
  ///
  /// - Precondition: there is a line.
  public init(hops: Int, lines: Int) {
    precondition(hops >= 0 && lines >= 1, "\(hops) hops on \(lines) lines")
    self.hops = hops
    self.lines = lines
  }
}

/// A part of what an activation goes through on one wafer: the kernels that one region runs.
public struct RegionStep: Hashable, Sendable {
  /// Index into the mapping's regions.
  public var region: Int
  /// The region's size.
  public var size: Rectangle
  /// Layers that are run, by their index in the model.
  public var layers: Range<Int>
  /// Whether tokens are looked up in the embedding first.
  public var embeds: Bool
  /// Whether the head comes last.
  public var hasHead: Bool
  /// The way from the region before; `nil` for the first, which gets its activation off the wafer.
  public var crossing: RegionCrossing?

  /// A step of these parts.
  public init(
    region: Int, size: Rectangle, layers: Range<Int>, embeds: Bool, hasHead: Bool,
    crossing: RegionCrossing? = nil
  ) {
    self.region = region
    self.size = size
    self.layers = layers
    self.embeds = embeds
    self.hasHead = hasHead
    self.crossing = crossing
  }
}
