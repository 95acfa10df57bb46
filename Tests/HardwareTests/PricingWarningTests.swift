import Models
import Quantities
import Testing

@testable import Hardware

@Suite("Pricing warnings")
struct PricingWarningTests {
  private func pricing(_ wafer: String, _ region: Rectangle) throws -> WaferPricing {
    WaferPricing(
      wafer: try ConfigFiles.wafer(wafer), calibration: try ConfigFiles.calibration(),
      region: region)
  }

  private func layer() throws -> LayerSlice {
    try #require(try ConfigFiles.calibration().rows.first).layer
  }

  @Test("none where everything is calibrated, for decode and prefill")
  func none() throws {
    let pricing = try pricing("wse-2", Rectangle(square: 600))
    #expect(pricing.warnings(try layer(), .decode(contexts: [4096])).isEmpty)
    #expect(pricing.warnings(try layer(), .prefill(tokens: 4096)).isEmpty)
  }

  @Test("grid, context, batch, clock and wafer are each named with value and calibrated range")
  func causes() throws {
    let layer = try layer()
    func causes(_ pricing: WaferPricing, _ work: BatchWork) -> [PricingWarning] {
      pricing.warnings(layer, work)
    }
    let calibrated = Rectangle(square: 600)

    // 700 is calibrated for prefill, not for decode.
    let large = Rectangle(square: 700)
    #expect(
      causes(try pricing("wse-2", large), .decode(contexts: [4096]))
        == [.attentionGEMV, .feedForwardGEMV].map {
          PricingWarning(kernel: $0, cause: .region(large, calibratedSides: 420...660))
        })
    #expect(causes(try pricing("wse-2", large), .prefill(tokens: 4096)).isEmpty)

    let oblong = Rectangle(columns: 600, rows: 500)
    #expect(
      causes(try pricing("wse-2", oblong), .decode(contexts: [4096])).map(\.cause)
        == Array(repeating: .region(oblong, calibratedSides: 420...660), count: 2))

    // A feed-forward does not read the context.
    #expect(
      causes(try pricing("wse-2", calibrated), .decode(contexts: [100]))
        == [
          PricingWarning(
            kernel: .attentionGEMV, cause: .tokens(100...100, calibrated: 4096...4096))
        ])

    let batch = causes(try pricing("wse-2", calibrated), .decode(contexts: [4096, 4096]))
    #expect(batch.map(\.cause) == [.batch(2...2), .batch(2...2)])

    let other = causes(try pricing("wse-1", calibrated), .decode(contexts: [4096]))
    #expect(
      other.map(\.cause).prefix(2) == [
        .wafer("wse-1", calibrated: "wse-2"),
        .clock(Rational(850_000_000), calibrated: Rational(1_100_000_000)),
      ])
    #expect(other[1].description.contains("0.85 GHz") && other[1].description.contains("1.1 GHz"))
  }

  @Test("a short prompt is named as the decode kernel that prices it")
  func shortPrompt() throws {
    let warnings = try pricing("wse-2", Rectangle(square: 600))
      .warnings(try layer(), .prefill(tokens: 5))
    #expect(
      warnings == [
        PricingWarning(kernel: .attentionGEMV, cause: .tokens(5...5, calibrated: 4096...4096))
      ])
  }

  @Test("embedding, head and candidates are always named: nobody measured them")
  func unmeasured() throws {
    let pricing = try pricing("wse-2", Rectangle(square: 600))
    let warnings = pricing.warnings(of: [.head, .embedding, .attentionGEMV])
    #expect(warnings.map(\.kernel) == [.head, .embedding])
    #expect(warnings.allSatisfy { $0.cause == .unmeasured })
  }

  @Test("many prices give each cause once, widened to a range, in any order of adding")
  func merging() throws {
    let pricing = try pricing("wse-2", Rectangle(square: 600))
    let layer = try layer()
    let lists = (17...145).map { pricing.warnings(layer, .decode(contexts: [$0, 50])) }
    var forward = PricingWarnings()
    for list in lists { forward.add(list) }
    forward.add(pricing.warnings(of: [.head, .embedding]))
    var backward = PricingWarnings()
    backward.add(pricing.warnings(of: [.embedding, .head]))
    for list in lists.reversed() { backward.add(list.reversed()) }
    #expect(forward.list == backward.list)
    #expect(
      forward.list == [
        PricingWarning(kernel: .embedding, cause: .unmeasured),
        PricingWarning(kernel: .attentionGEMV, cause: .batch(2...2)),
        PricingWarning(kernel: .attentionGEMV, cause: .tokens(17...145, calibrated: 4096...4096)),
        PricingWarning(kernel: .feedForwardGEMV, cause: .batch(2...2)),
        PricingWarning(kernel: .head, cause: .unmeasured),
      ])
    #expect(
      forward.list[2].description
        == "attention-gemv: priced for 17 to 145 tokens, calibrated for 4096")
  }
}
