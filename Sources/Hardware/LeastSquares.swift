/// One measured value and the counts that should explain it: value ≈ offset + Σ coefficient × count.
struct Observation {
  var counts: [Double]
  var offset: Double
  var value: Double
}

/// The non-negative coefficients with the least Σ ((prediction − value)/value)².
///
/// With n unknowns there are 2ⁿ − 1 sets of coefficients that may be positive; each is solved by its
/// normal equations, and the best of those without a negative one is the answer. For the four unknowns
/// of a calibration that is exact, finite and needs no starting point.
func leastRelativeSquares(_ observations: [Observation], unknowns: Int) -> [Double] {
  precondition(unknowns >= 1 && unknowns <= 8, "\(unknowns) unknowns: 2ⁿ sets are tried")
  // Dividing by the measured value makes errors relative; dividing each column by its length keeps
  // the normal equations well conditioned.
  let targets = observations.map { 1 - $0.offset / $0.value }
  let columns = (0..<unknowns).map { column in
    observations.map { $0.counts[column] / $0.value }
  }
  let lengths = columns.map { dot($0, $0).squareRoot() }

  var best = [Double](repeating: 0, count: unknowns)
  var leastError = dot(targets, targets)
  for set in 1..<(1 << unknowns) {
    let active = (0..<unknowns).filter { set >> $0 & 1 == 1 && lengths[$0] > 0 }
    let scaled = active.map { column in columns[column].map { $0 / lengths[column] } }
    let matrix = scaled.map { row in scaled.map { dot(row, $0) } }
    guard let solution = solve(matrix, scaled.map { dot($0, targets) }),
      solution.allSatisfy({ $0 >= 0 })
    else { continue }
    let error = targets.indices.reduce(0.0) { sum, row in
      let prediction = active.indices.reduce(0.0) { $0 + solution[$1] * scaled[$1][row] }
      return sum + (prediction - targets[row]) * (prediction - targets[row])
    }
    guard error < leastError else { continue }
    leastError = error
    best = [Double](repeating: 0, count: unknowns)
    for (index, column) in active.enumerated() { best[column] = solution[index] / lengths[column] }
  }
  return best
}

/// Σ aᵢ·bᵢ.
func dot(_ a: [Double], _ b: [Double]) -> Double {
  zip(a, b).reduce(0) { $0 + $1.0 * $1.1 }
}

/// Gauss elimination with row pivoting; `nil` when the matrix is singular.
func solve(_ matrix: [[Double]], _ right: [Double]) -> [Double]? {
  let size = right.count
  var rows = zip(matrix, right).map { $0 + [$1] }
  for column in 0..<size {
    let pivot = (column..<size).max { abs(rows[$0][column]) < abs(rows[$1][column]) }!
    guard abs(rows[pivot][column]) > 1e-13 else { return nil }
    rows.swapAt(column, pivot)
    for row in 0..<size where row != column {
      let factor = rows[row][column] / rows[column][column]
      for entry in column...size { rows[row][entry] -= factor * rows[column][entry] }
    }
  }
  return (0..<size).map { rows[$0][size] / rows[$0][$0] }
}
