/// Counts of what a step does on each PE and on the mesh when its products run as GEMVs.
///
/// A GEMV's inputs are spread over one side of the region and its outputs over the other; a PE runs
/// one row callback for each input it holds, and the partial sums are reduced along the inputs' side.
struct GEMVWork: Hashable, Sendable {
  /// Row callbacks.
  var rows = 0
  /// Fused multiply-adds.
  var fmacs = 0
  /// Two-tree all-reduces.
  var collectives = 0
  /// Twice the steps of their chains.
  var doubledChainSteps = 0
  /// Twice their hops.
  var doubledHops = 0
  /// Wavelets that follow the first of a collective, one a cycle.
  var wavelets = 0

  /// Adds `count` times `times` all-reduces along a line.
  mutating func reduce(along line: MeshLine, count: Int, times: Int) {
    collectives += count * times
    doubledChainSteps += count * times * line.doubledChainSteps
    doubledHops += count * times * line.doubledHops
  }

  static func + (a: Self, b: Self) -> Self {
    Self(
      rows: a.rows + b.rows, fmacs: a.fmacs + b.fmacs, collectives: a.collectives + b.collectives,
      doubledChainSteps: a.doubledChainSteps + b.doubledChainSteps,
      doubledHops: a.doubledHops + b.doubledHops, wavelets: a.wavelets + b.wavelets)
  }
}

/// Counts of what a step does when its products run as MeshGEMM, compute and shift.
///
/// On L = max(columns, rows) steps each PE multiplies a tile of activations with a tile of weights and
/// passes one of them on.
struct GEMMWork: Hashable, Sendable {
  /// Weights that a PE meets, over all steps.
  var rows = 0
  /// Fused multiply-adds.
  var fmacs = 0
  /// Twice the compute-and-shift steps.
  var doubledSteps = 0
  /// Four times the elements × PEs that the alignment before the products shifts.
  var quadrupledShifts = 0
  /// Twice the hops by which repair makes the sweeps longer.
  var doubledExtraHops = 0

  static func + (a: Self, b: Self) -> Self {
    Self(
      rows: a.rows + b.rows, fmacs: a.fmacs + b.fmacs,
      doubledSteps: a.doubledSteps + b.doubledSteps,
      quadrupledShifts: a.quadrupledShifts + b.quadrupledShifts,
      doubledExtraHops: a.doubledExtraHops + b.doubledExtraHops)
  }

  static func * (work: Self, count: Int) -> Self {
    Self(
      rows: work.rows * count, fmacs: work.fmacs * count,
      doubledSteps: work.doubledSteps * count, quadrupledShifts: work.quadrupledShifts * count)
  }
}
