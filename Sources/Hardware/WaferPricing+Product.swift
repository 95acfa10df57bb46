import Quantities

extension WaferPricing {
  /// One vector of `inputs` elements times a matrix of `inputs` × `outputs`, and nothing else: a row
  /// callback for each input that a PE holds, a multiply-add for each weight, one all-reduce.
  ///
  /// No model runs it alone; published figures of stand-alone GEMVs are held against it.
  public func product(inputs: Int, outputs: Int) -> Cost {
    precondition(inputs >= 1 && outputs >= 1, "a product of \(inputs) by \(outputs)")
    let rates = CycleRates(
      calibration.coefficients, clock: wafer.clock, cyclesPerHop: wafer.cyclesPerHop)
    var work = GEMVWork()
    work.rows = layout.columns.share(inputs)
    work.fmacs = layout.columns.share(inputs) * layout.rows.share(outputs)
    work.reduce(along: layout.columns, count: 1, times: 1)
    return rates.cost(of: work)
  }
}
