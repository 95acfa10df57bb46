import Foundation
import Tensors
import TestSupport
import Testing

private let lengths = [1, 2, 7, 15, 16, 17, 32, 33, 63, 64, 100, 576]

@Test("norm: every instruction set gives the same bits, and the mathematical value")
func rmsNorm() {
  for n in lengths {
    var generator = SeededGenerator(seed: UInt64(n))
    let (x, weight) = (generator.floats(n), generator.floats(n))
    let results = InstructionSet.available.map { set in
      let output = set.rmsNorm(x, weight: weight)
      #expect(set.rmsNorm(x, weight: weight, inPlace: true).bits == output.bits, "\(set)")
      return output
    }
    #expect(results.allSatisfy { $0.bits == results[0].bits }, "\(n)")
    let mean = x.reduce(0) { $0 + Double($1) * Double($1) } / Double(n)
    for i in 0..<n {
      let expected = Double(x[i]) / (mean + Double(Float(1e-5))).squareRoot() * Double(weight[i])
      #expect(abs(Double(results[0].values[i]) - expected) <= 1e-6 * abs(expected))
    }
  }
}

@Test("sum and gate: every instruction set gives the same bits, and the mathematical value")
func addAndGate() {
  for n in lengths {
    var generator = SeededGenerator(seed: UInt64(n) + 1)
    let x = generator.floats(n).map { $0 * 30 }
    let y = generator.floats(n)
    let sums = InstructionSet.available.map { $0.sum(x, y).values }
    #expect(sums.allSatisfy { $0 == zip(x, y).map(+) }, "\(n)")
    let gates = InstructionSet.available.map { $0.swiGLU(gate: x, up: y) }
    #expect(gates.allSatisfy { $0.bits == gates[0].bits }, "\(n)")
    for i in 0..<n {
      let expected = Double(x[i]) / (1 + exp(-Double(x[i]))) * Double(y[i])
      #expect(abs(Double(gates[0].values[i]) - expected) <= 4e-7 * abs(expected) + 1e-44)
    }
  }
}

@Test("the gate of extreme values: zero on one side, itself on the other")
func gateExtremes() {
  let x: [Float] = [-200, -88.5, -0.0, 0, 88.5, 200, .infinity, 0x1p-133]
  for set in InstructionSet.available {
    let output = set.swiGLU(gate: x, up: [Float](repeating: 1, count: 8))
    #expect(output.values[0] == 0 && output.values[2] == 0 && output.values[3] == 0)
    #expect(abs(output.values[1]) < 1e-35 && output.values[4] == 88.5 && output.values[5] == 200)
    #expect(output.values[6] == .infinity && output.values[7] == 0x1p-134)
  }
}

@Test("attention: every instruction set gives the same bits, near the naive double computation")
func attention() {
  for headSize in [1, 8, 16, 20, 64, 80, 128] {
    for positions in [1, 2, 7, 8, 9, 16, 17, 40, 130] {
      var generator = SeededGenerator(seed: UInt64(headSize * 1000 + positions))
      let query = generator.floats(headSize).map { $0 * 3 }
      let keys = generator.floats(positions * headSize)
      let values = generator.floats(positions * headSize)
      let scale = 1 / Float(headSize).squareRoot()
      let outputs = InstructionSet.available.map {
        $0.attend(query: query, keys: keys, values: values, scale: scale)
      }
      #expect(
        outputs.allSatisfy { $0.bits == outputs[0].bits }, "\(headSize) wide, \(positions) long")
      let scores = (0..<positions).map { p in
        (0..<headSize).reduce(0) {
          $0 + Double(query[$1]) * Double(keys[p * headSize + $1])
        } * Double(scale)
      }
      let weights = scores.map { exp($0 - scores.max()!) }
      let sum = weights.reduce(0, +)
      for i in 0..<headSize {
        let expected =
          (0..<positions).reduce(0) { $0 + weights[$1] * Double(values[$1 * headSize + i]) } / sum
        #expect(abs(Double(outputs[0].values[i]) - expected) < 2e-6)
      }
    }
  }
}

@Test("log-sum-exp: same bits, right value, no overflow")
func logSumExp() {
  for n in lengths + [1000] {
    for offset in [Float(0), 500, -500] {
      var generator = SeededGenerator(seed: UInt64(n) + 2)
      let x = generator.floats(n).map { $0 * 20 + offset }
      let results = InstructionSet.available.map { $0.logSumExp(x) }
      #expect(results.allSatisfy { $0 == results[0] }, "\(n)")
      let top = Double(x.max()!)
      let expected = top + log(x.reduce(0) { $0 + exp(Double($1) - top) })
      #expect(abs(Double(results[0]) - expected) <= 2e-7 * max(1, abs(expected)))
    }
  }
}

@Test("a rotation turns pairs, and keeps their length", arguments: [Rotation.interleaved, .halves])
func rotation(_ rotation: Rotation) {
  var generator = SeededGenerator(seed: 51)
  for size in [2, 6, 64, 128] {
    let head = generator.floats(size)
    let angles = (0..<size / 2).map { _ in Double(generator.float()) * 1000 }
    let output = rotation.turned(
      head, cosines: angles.map { Float(cos($0)) }, sines: angles.map { Float(sin($0)) })
    for i in 0..<size / 2 {
      let (a, b) = rotation == .interleaved ? (2 * i, 2 * i + 1) : (i, i + size / 2)
      let (first, second) = (Double(head[a]), Double(head[b]))
      #expect(
        abs(Double(output[a]) - (first * cos(angles[i]) - second * sin(angles[i]))) < 3e-7)
      #expect(
        abs(Double(output[b]) - (first * sin(angles[i]) + second * cos(angles[i]))) < 3e-7)
    }
  }
}

@Test("reading sums every word")
func reading() {
  var generator = SeededGenerator(seed: 71)
  let memory = GuardedMemory(byteCount: 3072)
  let words = memory.bytes.bindMemory(to: UInt64.self)
  for i in words.indices { words[i] = generator.next() }
  for set in InstructionSet.available {
    #expect(set.read(UnsafeRawBufferPointer(memory.bytes)) == words.reduce(0, &+))
  }
}
