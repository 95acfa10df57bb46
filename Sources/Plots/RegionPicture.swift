/// Rectangles on wafers, drawn to scale: who holds what, and how full it is.
public struct RegionPicture: Chart {
  /// What it shows, in a few words.
  public var title: String
  /// What a reader who does not see it should know.
  public var description: String
  /// Sides of a wafer, in PEs.
  public var mesh: (columns: Int, rows: Int)
  /// The wafers, in rows from left to right.
  public var wafers: [Wafer]

  /// A wafer and its regions.
  public struct Wafer: Hashable, Sendable {
    /// What it is called.
    public var name: String
    /// Its regions, in the order in which an activation goes through them.
    public var regions: [Region]

    /// A wafer of regions.
    public init(_ name: String, _ regions: [Region]) {
      self.name = name
      self.regions = regions
    }
  }

  /// A rectangle of PEs.
  public struct Region: Hashable, Sendable {
    /// What it holds.
    public var label: String
    /// The same in fewer characters, where the label has no room.
    public var shortLabel: String
    /// First column of PEs.
    public var column: Int
    /// First row of PEs.
    public var row: Int
    /// PEs from west to east.
    public var columns: Int
    /// PEs from north to south.
    public var rows: Int
    /// Part of the memory of its fullest PE that is used; above 1 where it is taken as enlarged.
    public var share: Double

    /// A rectangle with what it holds.
    public init(
      _ label: String, short: String, column: Int, row: Int, columns: Int, rows: Int,
      share: Double
    ) {
      self.label = label
      shortLabel = short
      self.column = column
      self.row = row
      self.columns = columns
      self.rows = rows
      self.share = share
    }
  }

  /// A picture of wafers of one size.
  ///
  /// - Precondition: a wafer has PEs.
  public init(
    title: String, description: String, mesh: (columns: Int, rows: Int), wafers: [Wafer]
  ) {
    precondition(mesh.columns > 0 && mesh.rows > 0, "\(mesh.columns) x \(mesh.rows) PEs")
    self.title = title
    self.description = description
    self.mesh = mesh
    self.wafers = wafers
  }

  private static let gap = 20.0
  private static let leastWidth = 150.0
  private static let mostWidth = 280.0

  /// The picture, laid out for a width in points.
  public func drawing(width: Double) -> Drawing {
    var drawing = Drawing(width: width, height: 0)
    let perRow = max(
      1, min(wafers.count, Int((width + Self.gap) / (Self.leastWidth + Self.gap))))
    let side = min(
      Self.mostWidth, (width - 4 - Self.gap * Double(perRow - 1)) / Double(perRow))
    // What is larger than the wafer, on paper alone, is drawn as large.
    let columns = wafers.flatMap(\.regions).map { $0.column + $0.columns }
      .reduce(mesh.columns, max)
    let rows = wafers.flatMap(\.regions).map { $0.row + $0.rows }.reduce(mesh.rows, max)
    let scale = side / Double(columns)
    let height = scale * Double(rows)
    for (index, wafer) in wafers.enumerated() {
      let x = 2 + Double(index % perRow) * (side + Self.gap)
      let y = Double(index / perRow) * (height + 38)
      drawing.text(
        TextMeasure.fitted(wafer.name, size: Drawing.textSize, into: side), x: x, y: y + 14,
        classes: "strong")
      drawing.rectangle(
        x: x, y: y + 22, width: scale * Double(mesh.columns),
        height: scale * Double(mesh.rows), classes: "axis paper")
      for region in wafer.regions { draw(region, in: &drawing, x: x, y: y + 22, scale: scale) }
    }
    let lines = Double((wafers.count + perRow - 1) / perRow)
    let bottom = lines * (height + 38)
    drawLegend(in: &drawing, y: bottom + 8)
    drawing.height = bottom + 48
    return drawing
  }

  private func draw(
    _ region: Region, in drawing: inout Drawing, x: Double, y: Double, scale: Double
  ) {
    let left = x + Double(region.column) * scale
    let top = y + Double(region.row) * scale
    let width = Double(region.columns) * scale
    let height = Double(region.rows) * scale
    let shade = Palette.ramp(at: region.share)
    let percent = NumberText.fixed(region.share * 100, digits: 1)
    drawing.rectangle(
      x: left, y: top, width: width, height: height, classes: "edge", fill: shade.colour,
      tip: "\(region.label): \(region.columns)x\(region.rows) PEs, \(percent) % of their memory")
    let fitting = [region.label, region.shortLabel].first {
      TextMeasure.width($0, size: Drawing.smallSize) <= width - 2
    }
    guard height >= 14, let fitting else { return }
    drawing.text(
      fitting, x: left + width / 2, y: top + height / 2 + 4, anchor: .middle,
      classes: shade.needsDarkText ? "dark small" : "light small")
  }

  private func drawLegend(in drawing: inout Drawing, y: Double) {
    let width = min(200, drawing.width - 8)
    let pieces = 25
    for piece in 0..<pieces {
      let shade = Palette.ramp(at: (Double(piece) + 0.5) / Double(pieces))
      drawing.rectangle(
        x: 4 + width * Double(piece) / Double(pieces), y: y, width: width / Double(pieces) + 0.3,
        height: 10, classes: "", fill: shade.colour)
    }
    drawing.text("0 %", x: 4, y: y + 24, classes: "faint small")
    drawing.text("100 % of SRAM", x: 4 + width, y: y + 24, anchor: .end, classes: "faint small")
  }

  /// The data that it shows.
  public var csv: CSV {
    var csv = CSV(
      columns: ["wafer", "holds", "column", "row", "columns", "rows", "share of memory"])
    for wafer in wafers {
      for region in wafer.regions {
        csv.append([
          wafer.name, region.label, "\(region.column)", "\(region.row)", "\(region.columns)",
          "\(region.rows)", NumberText.fixed(region.share, digits: 6),
        ])
      }
    }
    return csv
  }
}
