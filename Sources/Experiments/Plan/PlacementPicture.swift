import Foundation
import Hardware
import Models
import Plots
import Programs
import Quantities

/// The wafers of a placement, drawn to scale: each region with its layers, coloured by how full its PEs are.
///
/// What is drawn is decided here, in points; how it is written is `PlacementPicture+SVG.swift`.
struct PlacementPicture {
  /// Lines above the picture.
  let title: [String]
  /// The wafers, one a stage.
  let wafers: [DrawnWafer]
  /// Wafers that are not drawn.
  let omitted: Int
  /// Bytes of SRAM that a PE has.
  let sramPerPE: Int
  /// Width and height of all of it.
  let size: (width: Double, height: Double)

  /// A rectangle of the picture.
  struct Box: Hashable {
    var x: Double
    var y: Double
    var width: Double
    var height: Double
    var centre: (x: Double, y: Double) { (x + width / 2, y + height / 2) }
  }

  /// A wafer of the picture.
  struct DrawnWafer: Hashable {
    let caption: [String]
    let box: Box
    let regions: [DrawnRegion]
    /// Regions in the order in which an activation goes through them.
    let order: [Int]
  }

  /// A region of a wafer.
  struct DrawnRegion: Hashable {
    let box: Box
    /// What it holds, as short as it must be to fit.
    let label: String
    /// All of it, as a tooltip.
    let words: String
    /// Part of its PEs' SRAM that the fullest uses; above 1 when it is taken as enlarged.
    let share: Double
  }

  /// Most wafers that are drawn: four rows of four.
  static let mostWafers = 16
  static let margin = 24.0
  /// Height of the lines above, and of the legend below.
  static let head = 78.0
  static let legend = 104.0
  private static let captionHeight = 40.0
  /// Width of a drawn wafer: large when it is alone.
  private static func waferWidth(_ count: Int) -> Double {
    count == 1 ? 460 : count == 2 ? 360 : 250
  }

  /// The picture of a placement.
  ///
  /// - Parameter placed: Of `placement`.
  init(_ placement: WaferPlacement, _ placed: WaferPlacement.Placed) {
    let modelled = placement.modelled
    let stages = placed.stages(tensor: modelled.tensor)
    let shown = Array(stages.prefix(Self.mostWafers))
    let perRow = min(shown.count, 4)
    let width = Self.waferWidth(shown.count)
    let mesh = Self.oriented(placement.device.wafer.mesh, shown)
    let scale = width / Double(mesh.columns)
    let height = scale * Double(mesh.rows)
    wafers = shown.enumerated().map { index, stage in
      let (row, column) = index.quotientAndRemainder(dividingBy: perRow)
      let box = Box(
        x: Self.margin + Double(column) * (width + Self.margin),
        y: Self.head + Double(row) * (height + Self.captionHeight + Self.margin)
          + Self.captionHeight,
        width: width, height: height)
      return Self.wafer(stage, in: box, scale: scale, tensor: modelled.tensor)
    }
    let rows = (shown.count + perRow - 1) / perRow
    omitted = stages.count - shown.count
    sramPerPE = placement.device.wafer.sramPerPE
    size = (
      max(Self.leastWidth, Self.margin + Double(perRow) * (width + Self.margin)),
      Self.head + Double(rows) * (height + Self.captionHeight + Self.margin) + Self.legend
    )
    let workload = modelled.workload
    let widths = modelled.widths
    title = [
      placement.title, placement.layoutWords(placed),
      "weights \(widths.weights), KV cache \(widths.keyValues) of \(workload.batch) "
        + "sequence\(workload.batch == 1 ? "" : "s") at context \(workload.positions); decode step "
        + "\(RunTable.time(placed.step.latency))",
    ]
  }

  /// As wide as the title and the legend need.
  private static let leastWidth = 680.0

  /// The mesh as the regions lie on it: a grid that was asked for may be turned by a quarter.
  private static func oriented(_ mesh: Rectangle, _ stages: [PlacedStage]) -> Rectangle {
    let places = stages.flatMap { $0.mapping.regions.map(\.place) }
    let columns = places.map { $0.column + $0.size.columns }.max()!
    let rows = places.map { $0.row + $0.size.rows }.max()!
    return columns <= mesh.columns && rows <= mesh.rows
      ? mesh : Rectangle(columns: mesh.rows, rows: mesh.columns)
  }

  private static func wafer(
    _ stage: PlacedStage, in box: Box, scale: Double, tensor: Int
  ) -> DrawnWafer {
    let mapping = stage.mapping
    let regions = mapping.regions.map { region in
      let place = region.place
      return DrawnRegion(
        box: Box(
          x: box.x + scale * Double(place.column), y: box.y + scale * Double(place.row),
          width: scale * Double(place.size.columns), height: scale * Double(place.size.rows)),
        label: label(region), words: words(region, of: mapping.sramPerPE),
        share: Double(region.use.total) / Double(mapping.sramPerPE))
    }
    let shards = tensor == 1 ? "" : ", one of \(tensor) shards"
    return DrawnWafer(
      caption: [
        "wafer \(PlacedStage.written(stage.ranks)): layers \(RegionGroup.written(stage.layers))\(shards)",
        String(
          format: "%.1f %% of its PEs, up to %.1f KiB a PE",
          Double(stage.area) / Double(mapping.mesh.area) * 100,
          Double(mapping.usedPerPE) / 1024),
      ], box: box, regions: regions, order: mapping.steps.map(\.region))
  }

  private static func label(_ region: Region) -> String {
    guard !region.layers.isEmpty else {
      return region.hasEmbedding ? (region.hasHead ? "embedding, head" : "embedding") : "head"
    }
    let tables = (region.hasEmbedding ? "embedding, " : "", region.hasHead ? ", head" : "")
    return tables.0 + RegionGroup.written(region.layers) + tables.1
  }

  private static func words(_ region: Region, of sram: Int) -> String {
    let place = region.place
    let layers =
      region.layers.isEmpty
      ? label(region)
      : "layer\(region.layers.count == 1 ? "" : "s") \(label(region))"
    return "\(layers): \(region.size) PEs at column \(place.column), row \(place.row); "
      + "\(region.use.total) of \(sram) B a PE: weights \(region.use.weights), KV cache "
      + "\(region.use.keyValues), activations \(region.use.activations)"
  }
}

extension WaferPlacement {
  /// The picture as an SVG document; `nil` when the model does not fit.
  public var svg: String? { placed.map { PlacementPicture(self, $0).markup.rendered + "\n" } }
}
