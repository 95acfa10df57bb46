import Foundation
import Hardware
import Models
import Testing

@testable import Experiments

@Suite("The picture of a placement")
struct PlacementPictureTests {
  private func picture(_ asked: PlacementTests.Asked) throws -> (
    PlacementPicture, WaferPlacement, WaferPlacement.Placed
  ) {
    let placement = try asked.placement()
    let placed = try #require(placement.placed)
    return (PlacementPicture(placement, placed), placement, placed)
  }

  static let asked =
    PlacementTests.asked + [
      PlacementTests.Asked(
        model: "smollm2-135m",
        settings: ["hardware.mapping=region-per-layer", "hardware.grid=60x100"]),
      // A grid that lies on the mesh only when both are turned.
      PlacementTests.Asked(
        model: "llama-3.1-8b",
        settings: ["hardware.mapping=whole-mesh", "hardware.grid=1100x700"]),
    ]

  @Test("regions lie on their wafer, to one scale, and no two overlap", arguments: asked)
  func geometry(asked: PlacementTests.Asked) throws {
    let (picture, placement, placed) = try picture(asked)
    let stages = placed.stages(tensor: placement.modelled.tensor)
    #expect(picture.wafers.count + picture.omitted == stages.count)
    for (wafer, stage) in zip(picture.wafers, stages) {
      let mesh = wafer.box
      #expect(mesh.x >= 0 && mesh.x + mesh.width <= picture.size.width)
      #expect(mesh.y >= 0 && mesh.y + mesh.height <= picture.size.height)
      #expect(wafer.regions.count == stage.mapping.regions.count)
      let scale = wafer.regions[0].box.width / Double(stage.mapping.regions[0].size.columns)
      let area = scale * scale * Double(placement.device.wafer.mesh.area)
      #expect(abs(mesh.width * mesh.height / area - 1) < 1e-9)
      for (index, region) in wafer.regions.enumerated() {
        let (box, size) = (region.box, stage.mapping.regions[index].size)
        #expect(abs(box.width - scale * Double(size.columns)) < 1e-9)
        #expect(abs(box.height - scale * Double(size.rows)) < 1e-9)
        #expect(box.x >= mesh.x - 1e-9 && box.x + box.width <= mesh.x + mesh.width + 1e-9)
        #expect(box.y >= mesh.y - 1e-9 && box.y + box.height <= mesh.y + mesh.height + 1e-9)
        for other in wafer.regions[..<index].map(\.box) {
          let apart =
            other.x + other.width <= box.x + 1e-9 || box.x + box.width <= other.x + 1e-9
            || other.y + other.height <= box.y + 1e-9 || box.y + box.height <= other.y + 1e-9
          #expect(apart, "\(region.label) overlaps")
        }
      }
      #expect(wafer.order == stage.mapping.steps.map(\.region))
    }
    // Wafers do not overlap each other.
    for (index, wafer) in picture.wafers.enumerated() {
      for other in picture.wafers[..<index] {
        #expect(
          other.box.x + other.box.width < wafer.box.x || wafer.box.x + wafer.box.width < other.box.x
            || other.box.y + other.box.height < wafer.box.y)
      }
    }
  }

  @Test(
    "the document is well-formed, names what it shows, and needs nothing else", arguments: asked)
  func document(asked: PlacementTests.Asked) throws {
    let (picture, placement, _) = try picture(asked)
    let svg = try #require(placement.svg)
    #expect(isWellFormed(svg))
    #expect(svg.hasPrefix("<svg xmlns=\"http://www.w3.org/2000/svg\""))
    for word in ["<script", "href", "url(", "@import", "<style"] { #expect(!svg.contains(word)) }
    #expect(svg.contains(placement.title) && svg.contains("at 1.1 GHz"))
    #expect(svg.contains("of 48.0 KiB (49152 B)") && svg.contains("24 KiB, 50 %"))
    #expect(svg.contains("class=\"ground\""))
    #expect(svg.ranges(of: "class=\"mesh\"").count == picture.wafers.count)
    for region in picture.wafers.flatMap(\.regions) {
      #expect(svg.contains("<title>\(region.words)</title>"))
    }
    #expect(try asked.placement().svg == svg)
  }

  @Test("a name cannot become markup")
  func escaped() throws {
    var (_, placement, _) = try picture(Self.asked[0])
    var modelled = placement.modelled
    modelled.shape.name = "<script>&\"name\""
    placement = try WaferPlacement(modelled)
    let svg = try #require(placement.svg)
    #expect(isWellFormed(svg) && !svg.contains("<script"))
  }

  @Test("fuller regions are darker, and what exceeds the SRAM is red")
  func colours() {
    func brightness(_ share: Double) -> Int {
      let digits = Ink.fill(share).dropFirst()
      return stride(from: 0, to: 6, by: 2).reduce(0) { sum, offset in
        let start = digits.index(digits.startIndex, offsetBy: offset)
        return sum + Int(digits[start..<digits.index(start, offsetBy: 2)], radix: 16)!
      }
    }
    let shades = stride(from: 0.0, through: 1, by: 0.1).map(brightness)
    #expect(zip(shades, shades.dropFirst()).allSatisfy { $0 > $1 })
    #expect(Ink.fill(1.01) != Ink.fill(1))
    #expect(Ink.fill(1.01) == Ink.fill(5))
  }
}
