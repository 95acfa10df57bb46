import Testing

@testable import Defects

@Suite("Simulated yield")
struct YieldStudyTests {
  private func study(clustering: Double? = nil, budget: Int = 12, wafers: Int = 200) -> YieldStudy {
    YieldStudy(
      dies: DefectMapTests.dies.with(columnBudget: budget), waferArea: 46_225,
      clustering: clustering, dieAreas: [814, 100], wafers: wafers, seed: 1, wafersInDetail: 4)
  }

  @Test("Wilson's interval: 10 of 20, none, all")
  func wilson() {
    let half = Proportion(10, of: 20).interval
    #expect(abs(half.lowerBound - 0.2505) < 1e-4 && abs(half.upperBound - 0.7495) < 1e-4)
    let none = Proportion(0, of: 1000).interval
    #expect(none.lowerBound == 0 && abs(none.upperBound - 6.6349 / 1006.6349) < 1e-6)
    let all = Proportion(1000, of: 1000).interval
    #expect(all.upperBound == 1 && abs(all.lowerBound - 1000 / 1006.6349) < 1e-6)
  }

  @Test("at 0.001/mm² the closed forms of what is simulated lie inside the intervals")
  func independent() throws {
    let point = study().point(density: 0.001)
    #expect(abs(point.expectedDefects - 46.225) < 1e-9)
    #expect(abs(point.meanDeadPEs - 46.225) < 5 * (46.225 / 200).squareRoot())
    #expect(point.withoutRedundancy.count == 0)
    #expect(point.withoutRedundancy.interval.contains(point.withoutRedundancyClosedForm))
    #expect(point.withRedundancy.count == 200)
    let repaired = try #require(point.withRedundancyClosedForm)
    #expect(repaired > 0.999_999 && point.withRedundancy.interval.contains(repaired))
    for die in point.conventional {
      #expect(die.simulated.interval.contains(die.closedForms.poisson), "\(die.area) mm²")
      #expect(die.simulatedClosedForm == die.closedForms.poisson)
    }
  }

  @Test("where repair sometimes fails, simulation and closed form agree", arguments: [1, 2])
  func budget(_ budget: Int) throws {
    let point = study(budget: budget).point(density: budget == 1 ? 0.001 : 0.01)
    let closed = try #require(point.withRedundancyClosedForm)
    #expect(closed > 0.3 && closed < 0.95, "\(closed)")
    #expect(point.withRedundancy.interval.contains(closed))
  }

  @Test("few defects leave some wafers whole, as many as the closed form says")
  func whole() {
    let point = study().point(density: 0.00002)
    #expect(point.withoutRedundancy.count > 0)
    #expect(point.withoutRedundancy.interval.contains(point.withoutRedundancyClosedForm))
    let clustered = study(clustering: 0.5).point(density: 0.00002)
    #expect(clustered.withoutRedundancyClosedForm > point.withoutRedundancyClosedForm)
    #expect(clustered.withoutRedundancy.interval.contains(clustered.withoutRedundancyClosedForm))
  }

  @Test("clustered dies follow the negative binomial form, and repair has no closed form")
  func clustered() {
    let point = study(clustering: 2).point(density: 0.001)
    for die in point.conventional {
      #expect(die.simulated.interval.contains(die.closedForms.negativeBinomial))
      #expect(die.simulatedClosedForm == die.closedForms.negativeBinomial)
    }
    #expect(point.withRedundancyClosedForm == nil)
    #expect(point.withRedundancy.count == 200)
  }

  @Test("the worst lines grow with the defects; without any there are no extra hops")
  func hops() throws {
    let none = try #require(study(wafers: 4).point(density: 0).meanWorstExtraHops)
    #expect(none.westToEast == 0 && none.northToSouth == 0 && none.wafers == 4)
    let few = try #require(study(wafers: 4).point(density: 0.001).meanWorstExtraHops)
    let many = try #require(study(wafers: 4).point(density: 0.01).meanWorstExtraHops)
    #expect(few.westToEast >= 2 && few.northToSouth >= 1)
    #expect(many.westToEast > few.westToEast && many.northToSouth > few.northToSouth)
  }

  @Test("the same study gives the same point")
  func repeated() {
    #expect(study().point(density: 0.002) == study().point(density: 0.002))
  }
}
