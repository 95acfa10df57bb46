import Quantities

/// What the literature says an algorithm takes on a whole mesh, term by term.
///
/// Luczynski et al., "Near-Optimal Wafer-Scale Reduce", HPDC'24 (arXiv 2404.15888), for a vector of B
/// wavelets, P PEs in a line and a ramp of T cycles:
/// `cycles = max(contention, energy / links + distance) + (2T + 1) · depth`.
/// The two-tree forms are of He et al., WaferLLM, OSDI'25 (arXiv 2502.04563).
public struct ClosedForm: Hashable, Sendable {
  /// One after the other: along the rows, then along a column.
  public let phases: [Phase]

  /// Nearest whole cycles are not taken: energy over links is a fraction.
  public var cycles: Rational { phases.reduce(Rational(0)) { $0 + $1.cycles } }

  /// Hops of all wavelets; `nil` where the literature does not count them.
  public var waveletHops: Int? {
    phases.reduce(0) { sum, phase in sum.flatMap { sum in phase.energy.map { sum + $0 } } }
  }

  /// The terms that bind, one for all phases or one for each, in their order.
  public var binding: [Term] {
    let terms = phases.map(\.binding)
    return terms.allSatisfy { $0 == terms.first } ? Array(terms.prefix(1)) : terms
  }

  /// A term of which the largest counts.
  public enum Term: String, Sendable {
    /// Wavelets that the busiest PE takes, one a cycle.
    case contention
    /// Wavelet-hops over links, and the longest way.
    case distance = "energy and distance"
    /// Work of the PEs.
    case work
  }

  /// A collective on a line, or a part of one.
  public struct Phase: Hashable, Sendable {
    /// Wavelets or work that one PE takes after the other; `nil` where the literature has no such term.
    public var contention: Rational?
    /// Energy over links plus distance, in cycles; `nil` likewise.
    public var spread: Rational?
    /// (2T + 1) · depth: what ramps and operations add, step after step.
    public var depth: Rational
    /// Wavelet-hops over all links.
    public var energy: Int?
    /// What the contention is of.
    var contentionTerm = Term.contention

    /// All of it.
    public var cycles: Rational { max(contention ?? Rational(0), spread ?? Rational(0)) + depth }

    /// Which term is the larger; contention when they tie.
    public var binding: Term {
      guard let contention else { return .distance }
      return contention >= spread ?? Rational(0) ? contentionTerm : .distance
    }
  }
}

extension FabricExperiment {
  /// The closed form on the mesh as if no router were dead; `nil` where there is none: a tree of a
  /// length that is no power of two, groups that do not divide the line.
  public var closedForm: ClosedForm? {
    let (width, height) = (mesh.width, mesh.height)
    if algorithm == .broadcast {
      let links = width * height - 1
      guard links > 0 else { return ClosedForm(phases: []) }
      let distance = (width + height - 2) * mesh.hopCycles
      let phase = ClosedForm.Phase(
        contention: Rational(wavelets), spread: Rational(wavelets + distance), depth: depth(1),
        energy: wavelets * links)
      return ClosedForm(phases: [phase])
    }
    if algorithm == .gemv { return productForm }
    // An all-reduce works in all columns, a reduce in one.
    guard let row = lineForm(width, wavelets: wavelets, lines: height),
      let column = lineForm(
        height, wavelets: wavelets, lines: algorithm.isAllReduce ? width : 1)
    else { return nil }
    return ClosedForm(phases: row + column)
  }

  /// (2T + 1) · depth.
  private func depth(_ steps: Rational) -> Rational { Rational(2 * mesh.rampCycles + 1) * steps }
  private func depth(_ steps: Int) -> Rational { depth(Rational(steps)) }

  /// The form of the algorithm on so many lines at once; none of a single PE, where nothing is to do.
  private func lineForm(
    _ count: Int, wavelets: Int, lines: Int
  ) -> [ClosedForm.Phase]? {
    guard count > 1 else { return [] }
    guard let groups = try? groups(of: count) else { return nil }
    let size = count / groups
    let hop = mesh.hopCycles
    /// max(contention, energy / links + distance) + (2T + 1) · depth.
    func phase(contention: Int, energy: Int, depth steps: Int) -> [ClosedForm.Phase] {
      [
        ClosedForm.Phase(
          contention: Rational(contention),
          spread: Rational(Int128(energy), over: Int128(count - 1)) + Rational((count - 1) * hop),
          depth: depth(steps), energy: energy * lines)
      ]
    }
    switch algorithm {
    case .broadcast, .gemv: preconditionFailure("\(algorithm) is no algorithm on lines")
    case .star:
      // The model's energy term would be larger for vectors of one and two wavelets, though the wavelets
      // follow each other without a gap; the published form leaves it out.
      return [
        ClosedForm.Phase(
          contention: Rational(wavelets * (count - 1)), spread: nil, depth: depth(1),
          energy: wavelets * count * (count - 1) / 2 * lines)
      ]
    case .chain:
      return phase(contention: wavelets, energy: wavelets * (count - 1), depth: count - 1)
    case .tree:
      guard count & (count - 1) == 0 else { return nil }
      let rounds = count.trailingZeroBitCount
      return phase(
        contention: wavelets * rounds, energy: wavelets * count / 2 * rounds, depth: rounds)
    case .twoPhase:
      return phase(
        contention: size > 1 && groups > 1 ? 2 * wavelets : wavelets,
        energy: wavelets * (count - groups + (groups - 1) * size),
        depth: size - 1 + groups - 1)
    case .ringAllReduce:
      let carried = Rational(Int128(2 * (count - 1) * wavelets), over: Int128(count))
      return [
        ClosedForm.Phase(
          contention: carried, spread: carried + Rational((4 * count - 6) * hop),
          depth: depth(2 * (count - 1)), energy: nil)
      ]
    case .twoTree: return [twoTreePhase(count, groups: groups, isAllReduce: false)]
    case .twoTreeAllReduce: return [twoTreePhase(count, groups: groups, isAllReduce: true)]
    }
  }

  /// (2T + 2) · (g/2 + G/2) + (G/2)(g − 1) for G groups of g, P/2 more for the way back, and a cycle for
  /// each further wavelet.
  ///
  /// One of the 2T + 2 is the hop of a chain's step, which is counted here as distance.
  private func twoTreePhase(_ count: Int, groups: Int, isAllReduce: Bool) -> ClosedForm.Phase {
    let (size, half) = (count / groups, Rational(1, over: 2))
    let steps = Rational(size + groups) * half
    let hops =
      steps + Rational(groups * (size - 1)) * half
      + (isAllReduce ? Rational(count) * half : Rational(0))
    return ClosedForm.Phase(
      contention: nil, spread: hops * Rational(mesh.hopCycles) + Rational(wavelets - 1),
      depth: depth(steps), energy: nil)
  }

  /// The rows of the product, as the last row starts or the first is done with sending, then a two-tree
  /// all-reduce along the rows.
  private var productForm: ClosedForm? {
    let (width, height) = (mesh.width, mesh.height)
    let inputs = MatrixVector.share(product.inputs, of: width, at: 0).count
    let outputs = MatrixVector.share(product.outputs, of: height, at: 0).count
    let row = product.rowCycles(outputs: outputs)
    let isAlone = height == 1
    let sends = isAlone ? 0 : inputs
    let way = isAlone ? 0 : 1 + 2 * mesh.rampCycles + (height - 1) * mesh.hopCycles
    let work = ClosedForm.Phase(
      contention: Rational(sends + inputs * row), spread: Rational(way + inputs * row),
      depth: Rational(0), energy: nil, contentionTerm: .work)
    guard width > 1 else { return ClosedForm(phases: [work]) }
    guard let groups = try? groups(of: width) else { return nil }
    var reduce = twoTreePhase(width, groups: groups, isAllReduce: true)
    reduce.spread = reduce.spread! + Rational(outputs - wavelets)
    return ClosedForm(phases: [work, reduce])
  }
}
