import Quantities

/// How many wafers and dies of a process are good, by simulation and by closed form.
///
/// A wafer without redundancy is good when it has no defect at all, one with redundancy when every
/// column of every die can be repaired, a conventional die when it has no defect.
public struct YieldStudy: Hashable, Sendable {
  /// The wafer's dies.
  public let dies: DieGrid
  /// Area of the wafer, mm². All of it is charged to PEs.
  public let waferArea: Double
  /// α of clustered defects; `nil` for independent ones. A cluster region is a die, of the wafer or a
  /// conventional one.
  public let clustering: Double?
  /// Areas of conventional dies, mm².
  public let dieAreas: [Double]
  /// Wafers that are simulated, and conventional dies of each area.
  public let wafers: Int
  /// The seed that gives every wafer its own.
  public let seed: UInt64
  /// Repaired wafers of which the extra hops are taken; they cost more than the rest of the simulation.
  public let wafersInDetail: Int

  /// α of the negative binomial closed form when defects are independent: the usual figure.
  public static let usualClustering = 2.0

  /// - Precondition: areas are positive, and there is a wafer to simulate.
  public init(
    dies: DieGrid, waferArea: Double, clustering: Double? = nil, dieAreas: [Double],
    wafers: Int, seed: UInt64, wafersInDetail: Int = 100
  ) {
    precondition(waferArea > 0 && dieAreas.allSatisfy { $0 > 0 } && wafers >= 1)
    self.dies = dies
    self.waferArea = waferArea
    self.clustering = clustering
    self.dieAreas = dieAreas
    self.wafers = wafers
    self.seed = seed
    self.wafersInDetail = wafersInDetail
  }

  /// Everything at one density of defects, in 1/mm². Ten thousand wafers of 462 defects take
  /// about a second.
  public func point(density: Double) -> YieldPoint {
    let expected = density * waferArea
    let perDie = DefectCount(mean: expected / Double(dies.dies), clustering: clustering)
    var seeds = SplitMix64(seed: seed)
    var (whole, repaired, detailed, defects) = (0, 0, 0, 0)
    var (westToEast, northToSouth) = (0, 0)
    for _ in 0..<wafers {
      var generator = SplitMix64(seed: seeds.next())
      let map = DefectMap(dies: dies, perDie: perDie, using: &generator)
      defects += map.dead.count
      if map.dead.isEmpty { whole += 1 }
      guard map.isRepairable else { continue }
      repaired += 1
      guard detailed < wafersInDetail, let mesh = try? RepairedMesh(map) else {
        continue
      }
      detailed += 1
      let extra = mesh.extraHops
      westToEast += extra.westToEast
      northToSouth += extra.northToSouth
    }
    let conventional = dieAreas.map { area in
      let forms = YieldPoint.ClosedForms(
        expected: density * area, clustering: clustering ?? Self.usualClustering)
      let count = DefectCount(mean: density * area, clustering: clustering)
      var generator = SplitMix64(seed: seeds.next())
      let good = (0..<wafers).count { _ in count.draw(&generator) == 0 }
      return YieldPoint.Conventional(
        area: area, simulated: Proportion(good, of: wafers), closedForms: forms,
        simulatedClosedForm: YieldFormula.ofNone(
          expected: density * area, clustering: clustering))
    }
    return YieldPoint(
      density: density, expectedDefects: expected,
      meanDeadPEs: Double(defects) / Double(wafers),
      withoutRedundancy: Proportion(whole, of: wafers),
      withoutRedundancyClosedForm: YieldFormula.ofNone(
        expected: expected, clustering: clustering.map { $0 * Double(dies.dies) }),
      closedForms: YieldPoint.ClosedForms(
        expected: expected, clustering: clustering ?? Self.usualClustering),
      withRedundancy: Proportion(repaired, of: wafers),
      withRedundancyClosedForm: clustering == nil
        ? YieldFormula.repaired(dies, expected: expected) : nil,
      meanWorstExtraHops: detailed == 0
        ? nil
        : YieldPoint.MeanHops(
          wafers: detailed, westToEast: Double(westToEast) / Double(detailed),
          northToSouth: Double(northToSouth) / Double(detailed)),
      conventional: conventional)
  }
}

extension DefectMap {
  /// Whether no column of any die has more dead PEs than its budget.
  public var isRepairable: Bool {
    var (column, dieRow, count) = (-1, -1, 0)
    for pe in dead {
      let row = pe.row / dies.rowsPerDie
      count = pe.column == column && row == dieRow ? count + 1 : 1
      (column, dieRow) = (pe.column, row)
      if count > dies.columnBudget { return false }
    }
    return true
  }
}

/// The yields at one density of defects.
public struct YieldPoint: Hashable, Sendable {
  /// Defects a mm².
  public let density: Double
  /// Defects expected on a wafer, D·A.
  public let expectedDefects: Double
  /// Dead PEs of a simulated wafer, on average.
  public let meanDeadPEs: Double
  /// Simulated wafers without a defect.
  public let withoutRedundancy: Proportion
  /// The closed form of what was simulated: Poisson; or, clustered, the product over the dies.
  public let withoutRedundancyClosedForm: Double
  /// The closed forms of an area as large as the wafer.
  public let closedForms: ClosedForms
  /// Simulated wafers whose every column can be repaired.
  public let withRedundancy: Proportion
  /// The closed form of it; `nil` for clustered defects, which have none.
  public let withRedundancyClosedForm: Double?
  /// Of the first repaired wafers; `nil` when none was.
  public let meanWorstExtraHops: MeanHops?
  /// Conventional dies, in the order of the study's areas.
  public let conventional: [Conventional]

  /// The closed forms of the share of areas without a defect.
  public struct ClosedForms: Hashable, Sendable {
    /// e^(−DA).
    public let poisson: Double
    /// Murphy's triangle.
    public let murphy: Double
    /// 1/(1 + DA).
    public let seeds: Double
    /// The negative binomial form, and its α.
    public let negativeBinomial: Double
    /// α of it.
    public let clustering: Double

    /// Of an area on which `expected` defects are expected.
    public init(expected: Double, clustering: Double) {
      poisson = YieldFormula.poisson(expected: expected)
      murphy = YieldFormula.murphy(expected: expected)
      seeds = YieldFormula.seeds(expected: expected)
      negativeBinomial = YieldFormula.negativeBinomial(
        expected: expected, clustering: clustering)
      self.clustering = clustering
    }
  }

  /// A conventional die.
  public struct Conventional: Hashable, Sendable {
    /// Its area, mm².
    public let area: Double
    /// Simulated dies without a defect.
    public let simulated: Proportion
    /// Closed forms of its area.
    public let closedForms: ClosedForms
    /// The one among them, or with the study's own α, that was simulated.
    public let simulatedClosedForm: Double
  }

  /// Extra hops of the worst line of a wafer, on average over wafers.
  public struct MeanHops: Hashable, Sendable {
    /// Wafers that it is the average of.
    public let wafers: Int
    /// Of lines from west to east.
    public let westToEast: Double
    /// Of lines from north to south.
    public let northToSouth: Double
  }
}
