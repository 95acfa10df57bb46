extension Calibration {
  /// The same calibration, its coefficients fitted to all rows but this one.
  ///
  /// What it predicts for the row is an honest error: a residual flatters, as the fit has seen the row.
  public func leavingOut(_ row: Row) -> Calibration {
    let others = rows.filter { $0 != row }
    return Calibration(
      name: name, wafer: wafer,
      coefficients: Self.fit(rows: others, clock: coefficients.clock, groups: groups),
      rows: others, groups: groups)
  }
}
