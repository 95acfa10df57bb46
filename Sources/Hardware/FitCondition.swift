/// How well observations determine the coefficients of a fit of relative errors.
///
/// Coefficients that are 0 lie on their bound and are left out: the others are an ordinary least-squares
/// fit, with its standard errors and its condition.
struct FitCondition {
  /// Standard error over value of each coefficient; `nil` where it is 0, or there are no more observations
  /// than positive coefficients.
  let relativeStandardErrors: [Double?]
  /// Largest over smallest singular value of the columns, each scaled to length 1; `nil` without any.
  let number: Double?

  init(_ observations: [Observation], solution: [Double]) {
    let active = solution.indices.filter { solution[$0] > 0 }
    guard !active.isEmpty, !observations.isEmpty else {
      relativeStandardErrors = solution.map { _ in nil }
      number = nil
      return
    }
    let columns = active.map { column in observations.map { $0.counts[column] / $0.value } }
    let lengths = columns.map { dot($0, $0).squareRoot() }
    let scaled = zip(columns, lengths).map { column, length in column.map { $0 / length } }
    let gram = scaled.map { row in scaled.map { dot(row, $0) } }
    let eigenvalues = symmetricEigenvalues(gram)
    // Rounding can push the smallest of a nearly singular matrix to 0 or below.
    let smallest = max(eigenvalues.min()!, 1e-16)
    number = (eigenvalues.max()! / smallest).squareRoot()

    let freedom = observations.count - active.count
    let errors = observations.indices.map { row in
      active.indices.reduce(observations[row].offset / observations[row].value - 1) {
        $0 + solution[active[$1]] * columns[$1][row]
      }
    }
    var relative = [Double?](repeating: nil, count: solution.count)
    if freedom > 0 {
      let deviation = (dot(errors, errors) / Double(freedom)).squareRoot()
      for (index, column) in active.enumerated() {
        let unit = active.indices.map { $0 == index ? 1.0 : 0 }
        guard let inverse = solve(gram, unit) else { continue }
        relative[column] =
          deviation * max(0, inverse[index]).squareRoot() / lengths[index] / solution[column]
      }
    }
    relativeStandardErrors = relative
  }
}

/// Eigenvalues of a small symmetric matrix by Jacobi's rotations, in no order.
func symmetricEigenvalues(_ matrix: [[Double]]) -> [Double] {
  var a = matrix
  // Each sweep squares the off-diagonal part once it is small; a fit has at most eight columns.
  for _ in 0..<30 {
    for p in a.indices {
      for q in a.indices where q > p && abs(a[p][q]) > 1e-18 {
        let theta = (a[q][q] - a[p][p]) / (2 * a[p][q])
        let t = (theta < 0 ? -1 : 1) / (abs(theta) + (theta * theta + 1).squareRoot())
        let c = 1 / (t * t + 1).squareRoot()
        let s = t * c
        for k in a.indices {
          (a[k][p], a[k][q]) = (c * a[k][p] - s * a[k][q], s * a[k][p] + c * a[k][q])
        }
        for k in a.indices {
          (a[p][k], a[q][k]) = (c * a[p][k] - s * a[q][k], s * a[p][k] + c * a[q][k])
        }
      }
    }
  }
  return a.indices.map { a[$0][$0] }
}
