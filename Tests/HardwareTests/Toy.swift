import Hardware
import Quantities

/// Small numbers, so that prices can be worked out by hand: a cycle is 1,000 ps.
///
/// On a line of 4 PEs there are 2 groups of 2, so a collective has (2 + 2)/2 = 2 chain steps and
/// (2/2)·1 + 4/2 = 3 hops: 3·2 + 3 + 1 = 10 cycles.
enum Toy {
  static let coefficients = Calibration.Coefficients(
    clock: Rational(1_000_000_000), decodeRow: Rational(10), decodeFmac: Rational(1, over: 2),
    decodeChainStep: Rational(3), decodeFixed: Rational(1), prefillRow: Rational(2),
    prefillFmac: Rational(1, over: 4), prefillStep: Rational(50), prefillAlign: Rational(4))

  static let calibration = Calibration(
    name: "toy", wafer: "toy", coefficients: coefficients, rows: [], groups: [:])

  static let wafer = Wafer(
    name: "toy", mesh: Rectangle(columns: 12, rows: 8), clock: Rational(1_000_000_000),
    sramPerPE: 1000, power: Rational(1), offWaferBandwidth: Rational(1_000_000),
    offWaferLatency: .zero, calibration: "toy")

  /// On 4 × 4 PEs a PE holds 2 of D, 2 of Hd, 1 of Kd and 3 of F.
  static let layer = LayerSlice(
    width: 8, queryWidth: 8, keyValueWidth: 4, feedForwardWidth: 12, headSize: 4)

  static func pricing(
    columns: Int = 4, rows: Int = 4, options: WaferPricing.Options = WaferPricing.Options()
  ) -> WaferPricing {
    WaferPricing(
      wafer: wafer, calibration: calibration, region: Rectangle(columns: columns, rows: rows),
      options: options)
  }

  static func cost(compute: Int64, fabric: Int64) -> Cost {
    Cost(
      compute: EmulatedTime(picoseconds: compute * 1000),
      fabric: EmulatedTime(picoseconds: fabric * 1000))
  }
}
