import Tensors
import TestSupport
import Testing

/// Widths worth trying: for unquantised types also such that leave lanes or steps unfilled.
private func widths(_ type: ElementType) -> [Int] {
  let block = type.blockElements
  return block > 1
    ? [1, 2, 3, 6, 7, 8, 13].map { $0 * block } : [1, 5, 15, 16, 17, 31, 32, 33, 77]
}

@Test(
  "every instruction set gives the bits of the scalar reference", arguments: ElementType.allCases)
func twins(_ type: ElementType) {
  var generator = SeededGenerator(seed: 21)
  for columns in widths(type) {
    for (rows, scales) in [(1, Scales.usual), (3, .edge), (8, .usual), (13, .usual), (17, .edge)] {
      let matrix = randomMatrix(
        type, rows: rows, columns: columns, seed: generator.next(), scales: scales)
      for tokens in 1...9 where tokens < 4 || columns < 8 * type.blockElements {
        let inputs = generator.floats(tokens * columns)
        for precision in Precision.allCases {
          let reference = matrix.products(
            inputs, tokens: tokens, instructions: .scalar, precision: precision
          ).bits
          for instructions in InstructionSet.available.dropFirst() {
            let products = matrix.products(
              inputs, tokens: tokens, instructions: instructions, precision: precision)
            #expect(
              products.bits == reference,
              "[\(rows), \(columns)] × \(tokens), \(instructions), \(precision)")
          }
        }
      }
    }
  }
}

@Test(
  "long rows and many tokens, which kernels take in pieces, give the same bits",
  arguments: ElementType.allCases)
func pieces(_ type: ElementType) {
  var generator = SeededGenerator(seed: 31)
  // More columns than a chunk, more tokens than a batch, more rows than a panel: of each a rest too.
  let (rows, columns, tokens) = (11, type.blockElements == 256 ? 1792 : 1632, 67)
  let matrix = randomMatrix(type, rows: rows, columns: columns, seed: 32)
  let inputs = generator.floats(tokens * columns)
  for precision in Precision.allCases {
    let reference = matrix.products(
      inputs, tokens: tokens, instructions: .scalar, precision: precision
    ).bits
    for instructions in InstructionSet.available.dropFirst() {
      let products = matrix.products(
        inputs, tokens: tokens, instructions: instructions, precision: precision)
      #expect(products.bits == reference, "\(instructions), \(precision)")
    }
  }
}

@Test(
  "a product is the sum of the products, to the rounding of a chain of fma",
  arguments: ElementType.allCases)
func exactSum(_ type: ElementType) {
  var generator = SeededGenerator(seed: 22)
  let columns = 3 * max(type.blockElements, 50)
  let stored = (columns + type.blockElements - 1) / type.blockElements * type.blockElements
  let matrix = randomMatrix(type, rows: 9, columns: stored, seed: 23)
  let inputs = generator.floats(stored)
  let products = matrix.products(inputs, tokens: 1, instructions: .best).values
  for r in 0..<matrix.rows {
    let terms = zip(matrix.row(r), inputs).map { Double($0) * Double($1) }
    let sum = terms.reduce(0, +)
    let size = terms.reduce(0) { $0 + abs($1) }
    // Each lane rounds stored / 16 times, the tree four times: Higham's bound, n·u·Σ|w x|.
    let bound = Double(stored / 16 + 5) * 0x1p-24 * size
    #expect(abs(Double(products[r]) - sum) <= bound, "row \(r)")
    #expect(size > 0)
  }
}

@Test("the order of a sum is the canonical one: 16 lanes, then a tree")
func canonicalOrder() {
  var generator = SeededGenerator(seed: 24)
  let columns = 75
  let matrix = randomMatrix(.float32, rows: 5, columns: columns, seed: 25)
  let inputs = generator.floats(columns)
  let products = matrix.products(inputs, tokens: 1, instructions: .best).values
  for r in 0..<matrix.rows {
    var lanes = [Float](repeating: 0, count: 16)
    for (i, (w, x)) in zip(matrix.row(r), inputs).enumerated() {
      lanes[i % 16].addProduct(w, x)
    }
    while lanes.count > 1 {
      let half = lanes.count / 2
      lanes = (0..<half).map { lanes[$0] + lanes[$0 + half] }
    }
    #expect(products[r].bitPattern == lanes[0].bitPattern, "row \(r)")
  }
}

@Test(
  "a token's bits do not depend on the batch, nor a row's on its neighbours",
  arguments: ElementType.allCases, Precision.allCases)
func invariance(_ type: ElementType, _ precision: Precision) {
  var generator = SeededGenerator(seed: 26)
  let columns = widths(type).last!
  let matrix = randomMatrix(type, rows: 19, columns: columns, seed: 27)
  let inputs = generator.floats(11 * columns)
  let best = InstructionSet.best
  let alone = (0..<11).flatMap { t in
    let token = Array(inputs[t * columns..<(t + 1) * columns])
    return matrix.products(token, tokens: 1, instructions: best, precision: precision).bits
  }
  for tokens in 2...11 {
    let some = Array(inputs[..<(tokens * columns)])
    let together = matrix.products(some, tokens: tokens, instructions: best, precision: precision)
    #expect(together.bits == Array(alone[..<(tokens * 19)]), "\(tokens) tokens")
  }
  let single = Matrix(
    type: type, rows: 1, columns: columns,
    storage: matrix.storage[7 * matrix.rowBytes..<8 * matrix.rowBytes])
  let some = Array(inputs[..<(3 * columns)])
  let one = single.products(some, tokens: 3, instructions: best, precision: precision).bits
  #expect(one == (0..<3).map { alone[$0 * 19 + 7] })
}

@Test(
  "zeros before the first column and after the last change nothing but the order",
  arguments: ElementType.allCases)
func slices(_ type: ElementType) {
  var generator = SeededGenerator(seed: 28)
  let stored = 2 * max(type.blockElements, 32)
  let whole = randomMatrix(type, rows: 6, columns: stored, seed: 29)
  let (leading, columns) = (5, stored - 12)
  let part = Matrix(
    type: type, rows: 6, columns: columns, leading: leading, storedColumns: stored,
    storage: whole.storage)
  var inputs = generator.floats(stored)
  for i in 0..<stored where !(leading..<leading + columns ~= i) { inputs[i] = 0 }
  let products = part.products(inputs, tokens: 1, instructions: .best)
  #expect(products.bits == whole.products(inputs, tokens: 1, instructions: .best).bits)
  for r in 0..<6 {
    let terms = zip(part.row(r), inputs[leading...]).map { Double($0) * Double($1) }
    let size = terms.reduce(0) { $0 + abs($1) }
    #expect(abs(Double(products.values[r]) - terms.reduce(0, +)) <= 1e-5 * size)
  }
}

@Test("strides leave what lies between rows and tokens alone")
func strides() {
  var generator = SeededGenerator(seed: 30)
  let bytes = generator.weights(.q4_1, count: 64 * 9)
  let apart = 64 / 32 * 20 + 7
  var spread = [UInt8](repeating: 0xff, count: apart * 9 - 7)
  for r in 0..<9 {
    spread.replaceSubrange(r * apart..<r * apart + 40, with: bytes[r * 40..<r * 40 + 40])
  }
  let dense = Matrix(type: .q4_1, rows: 9, columns: 64, storage: GuardedMemory(bytes).storage)
  let loose = Matrix(
    type: .q4_1, rows: 9, columns: 64, rowBytes: apart, storage: GuardedMemory(spread).storage)
  let inputs = generator.floats(64 * 3)
  let expected = dense.products(inputs, tokens: 3, instructions: .best).values
  var wide = [Float](repeating: .nan, count: 70 * 3 - 6)
  for t in 0..<3 { wide.replaceSubrange(t * 70..<t * 70 + 64, with: inputs[t * 64..<t * 64 + 64]) }
  let output = GuardedFloats([Float](repeating: -1, count: 12 * 3 - 3))
  let input = GuardedFloats(wide)
  withExtendedLifetime(input) {
    loose.multiply(
      input.readOnly, inputStride: 70, tokens: 3, into: output.floats, outputStride: 12,
      instructions: .best)
  }
  for t in 0..<3 {
    #expect(Array(output.values[t * 12..<t * 12 + 9]) == Array(expected[t * 9..<t * 9 + 9]))
    if t < 2 { #expect(output.values[t * 12 + 9..<t * 12 + 12].allSatisfy { $0 == -1 }) }
  }
}
