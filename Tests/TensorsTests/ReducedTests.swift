import Tensors
import TestSupport
import Testing

@Test("rounded inputs cost what eight bits cost, and no more", arguments: ElementType.allCases)
func reducedError(_ type: ElementType) {
  var generator = SeededGenerator(seed: 41)
  let columns = 4 * max(type.blockElements, 32)
  let matrix = randomMatrix(type, rows: 16, columns: columns, seed: 42)
  let inputs = generator.floats(columns)
  let exact = matrix.products(inputs, tokens: 1, instructions: .best).values
  let reduced = matrix.products(inputs, tokens: 1, instructions: .best, precision: .reduced).values
  var differs = false
  for r in 0..<16 {
    let row = matrix.row(r)
    // int8: half a step of max/127 each, at most 1/254. bfloat16: half a unit in the 8th place of each.
    let bound =
      switch type {
      case .float32, .float16: Float(0)
      case .bfloat16: zip(row, inputs).reduce(0) { $0 + abs($1.0 * $1.1) } * (1.02 / 256)
      default: row.reduce(0) { $0 + abs($1) } * (1.02 / 254)
      }
    #expect(abs(exact[r] - reduced[r]) <= bound, "row \(r)")
    differs = differs || exact[r] != reduced[r]
  }
  #expect(differs == (type != .float32 && type != .float16))
}

@Test(
  "inputs that are zero, tiny or not finite round alike on every instruction set",
  arguments: ElementType.allCases)
func reducedEdges(_ type: ElementType) {
  var generator = SeededGenerator(seed: 43)
  let columns = 3 * max(type.blockElements, 32)
  let matrix = randomMatrix(type, rows: 5, columns: columns, seed: 44)
  for edge in [0, -0.0, 0x1p-149, 0x1p-130, 0x1p-126, .greatestFiniteMagnitude] as [Float] {
    let inputs = (0..<columns).map { $0 % 40 < 35 ? edge : generator.float() * edge }
    let reference = matrix.products(
      inputs, tokens: 1, instructions: .scalar, precision: .reduced)
    for instructions in InstructionSet.available {
      let products = matrix.products(
        inputs, tokens: 1, instructions: instructions, precision: .reduced)
      for (a, b) in zip(products.values, reference.values) {
        #expect(a.bitPattern == b.bitPattern || (a.isNaN && b.isNaN), "\(edge), \(instructions)")
      }
    }
  }
  for poison in [Float.nan, .infinity] {
    var inputs = generator.floats(columns)
    inputs[columns / 2] = poison
    for instructions in InstructionSet.available {
      let products = matrix.products(
        inputs, tokens: 1, instructions: instructions, precision: .reduced)
      #expect(products.values.allSatisfy { !$0.isFinite }, "\(instructions)")
    }
  }
}

@Test(
  "the largest weights times the largest inputs do not saturate",
  arguments: ElementType.allCases.filter { $0.blockElements > 1 })
func reducedExtremes(_ type: ElementType) {
  let columns = 5 * max(type.blockElements, 32)
  // Every bit of a weight set or, in q8_0, only the sign: 0xff is 255 or -1, 0x80 is -128.
  for byte in [0xff, 0x80, 0x7f] as [UInt8] {
    var block = [UInt8](repeating: byte, count: type.blockBytes)
    // The scales, 0x3c00, are 1.
    for offset in type == .q6_K ? [208] : type.blockBytes > 34 || type == .q4_1 ? [0, 2] : [0] {
      block[offset] = 0
      block[offset + 1] = 0x3c
    }
    let bytes = (0..<4 * columns / type.blockElements).flatMap { _ in block }
    let matrix = Matrix(
      type: type, rows: 4, columns: columns, storage: GuardedMemory(bytes).storage)
    for sign in [1, -1] as [Float] {
      let inputs = [Float](repeating: sign, count: columns)
      let reference = matrix.products(
        inputs, tokens: 1, instructions: .scalar, precision: .reduced)
      let sum = matrix.row(0).reduce(0, +)
      // Inputs of one size round to 127 and -127 exactly.
      #expect(abs(reference.values[0] - sign * sum) <= 1e-5 * abs(sum) + 1e-5)
      for instructions in InstructionSet.available.dropFirst() {
        let products = matrix.products(
          inputs, tokens: 1, instructions: instructions, precision: .reduced)
        #expect(products.bits == reference.bits, "\(byte), \(sign), \(instructions)")
      }
    }
  }
}

@Test("bfloat16 dot products round as documented: odd before even, subnormals as zero")
func bfloatOrder() {
  var generator = SeededGenerator(seed: 45)
  for _ in 0..<200 {
    // Wide exponents, so that the order of two additions shows.
    func wide() -> UInt16 {
      let exponent = UInt16.random(in: 1...254, using: &generator)
      return UInt16.random(in: 0...1, using: &generator) << 15 | exponent << 7
        | UInt16.random(in: 0...127, using: &generator)
    }
    func near() -> UInt16 { wide() & 0x807f | UInt16.random(in: 118...136, using: &generator) << 7 }
    let far = Bool.random(using: &generator)
    let bytes = (0..<64 * 3).flatMap { _ -> [UInt8] in
      let bits = far ? wide() : near()
      return [UInt8(bits & 255), UInt8(bits >> 8)]
    }
    let inputs = (0..<64).map { _ in Float(bitPattern: UInt32(far ? wide() : near()) << 16) }
    let matrix = Matrix(
      type: .bfloat16, rows: 3, columns: 64, storage: GuardedMemory(bytes).storage)
    let reference = matrix.products(
      inputs, tokens: 1, instructions: .scalar, precision: .reduced)
    let best = matrix.products(inputs, tokens: 1, instructions: .best, precision: .reduced)
    for (a, b) in zip(best.values, reference.values) {
      #expect(a.bitPattern == b.bitPattern || (a.isNaN && b.isNaN), "\(a) and \(b)")
    }
  }
}
