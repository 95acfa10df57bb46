import CKernels

extension Matrix {
  /// Multiplies the matrix with `tokens` inputs.
  ///
  /// Each output is one dot product in the canonical order of `CKernels`, so its bits do not depend on
  /// `tokens`, `instructions`, or the other rows of the matrix. They do depend on `precision`.
  ///
  /// - Parameters:
  ///   - inputs: [tokens, inputStride]; each holds `storedColumns` floats, with zeros before `leading`
  ///     and after the last column.
  ///   - outputs: [tokens, outputStride]; `rows` floats of each are written, nothing between.
  ///   - scratch: `scratchCount(tokens:precision:)` floats, aligned to 64 bytes; not used by `float32`.
  public func multiply(
    _ inputs: UnsafeBufferPointer<Float>, inputStride: Int, tokens: Int,
    into outputs: UnsafeMutableBufferPointer<Float>, outputStride: Int,
    instructions: InstructionSet, precision: Precision = .float32,
    scratch: UnsafeMutableBufferPointer<Float>? = nil
  ) {
    guard tokens > 0, rows > 0 else { return }
    precondition(
      (tokens == 1 || inputStride >= storedColumns)
        && inputs.count >= (tokens - 1) * inputStride + storedColumns,
      """
      \(inputs.count) inputs for \(tokens) tokens of \(storedColumns) columns, \(inputStride) apart
      """)
    precondition(
      (tokens == 1 || outputStride >= rows) && outputs.count >= (tokens - 1) * outputStride + rows,
      "\(outputs.count) outputs for \(tokens) tokens of \(rows) rows, \(outputStride) apart")
    let weights = storage.bytes.baseAddress!
    let (input, output) = (inputs.baseAddress!, outputs.baseAddress!)
    switch precision {
    case .float32:
      wk_matmul(
        instructions.kernels, type.kernels, weights, rowBytes, rows, storedColumns, input,
        inputStride, tokens, output, outputStride)
    case .reduced:
      let needed = scratchCount(tokens: tokens, precision: precision)
      precondition(
        (scratch?.count ?? 0) >= needed,
        "\(scratch?.count ?? 0) floats of scratch where \(needed) are needed")
      let rounded = UnsafeMutableRawPointer(scratch!.baseAddress!)
      precondition(Int(bitPattern: rounded) % 64 == 0, "scratch at \(rounded) is not aligned to 64")
      wk_round_inputs(
        instructions.kernels, type.kernels, input, inputStride, storedColumns, tokens, rounded)
      wk_matmul_rounded(
        instructions.kernels, type.kernels, weights, rowBytes, rows, storedColumns, rounded, tokens,
        output, outputStride)
    }
  }

  /// Floats of scratch that `multiply` needs.
  public func scratchCount(tokens: Int, precision: Precision) -> Int {
    switch precision {
    case .float32: 0
    case .reduced: tokens * wk_rounded_bytes(type.kernels, storedColumns) / 4
    }
  }

  /// Expands the `columns` weights of one row to float32 (an embedding is such a row).
  public func expand(row: Int, into output: UnsafeMutableBufferPointer<Float>) {
    precondition(0..<rows ~= row, "row \(row) of \(rows)")
    precondition(output.count >= columns, "\(output.count) floats for \(columns) columns")
    guard columns > 0 else { return }
    wk_dequantize(
      type.kernels, storage.bytes.baseAddress! + row * rowBytes, leading, columns,
      output.baseAddress!)
  }
}

extension ElementType {
  /// The same type, as C knows it.
  public var kernels: wk_type { wk_type(rawValue: UInt32(rawValue)) }
}
