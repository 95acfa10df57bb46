import Programs
import Quantities

extension Topology {
  /// One of all kinds of topology for so many ranks.
  public static func random(ranks: Int, using random: inout some RandomNumberGenerator) -> Topology
  {
    switch Name.allCases.randomElement(using: &random)! {
    case .fullMesh: return .fullMesh
    case .switch:
      return .switch(
        latency: EmulatedTime(picoseconds: Int64.random(in: 0...900_000, using: &random)))
    case .ring: return .ring
    case .line: return .line
    case .torus:
      let columns = (1...ranks).filter { ranks % $0 == 0 }.randomElement(using: &random)!
      return .torus(columns: columns, rows: ranks / columns)
    }
  }
}
