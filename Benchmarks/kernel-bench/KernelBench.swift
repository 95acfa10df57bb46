import Tensors

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// How fast weights are multiplied, as a share of what one thread reads from memory in the same run.
///
/// Usage: `swift run -c release kernel-bench [reading|scalar|avx2|avx512] [TYPE]`. Each line is one shape of
/// SmolLM2-135M (for K-quants, the nearest in whole blocks) repeated until it fills 96 MiB (three times a large last-level cache), so that every
/// pass comes from memory, as a decode step's does. Best of several passes, measured in turns with the
/// reading, so that both see the same machine; in processor time of the thread, so that a pass which was
/// interrupted by another process is not counted as slow.
@main
struct KernelBench {
  static let totalBytes = 96 << 20
  static let passes = 25

  static func main() {
    let arguments = CommandLine.arguments.dropFirst()
    if arguments.first == "reading" { return printReading() }
    let types = ElementType.allCases.filter { arguments.contains("\($0)") }
    let name = arguments.first { word in InstructionSet.allCases.contains { "\($0)" == word } }
    for word in arguments where word != name && !types.contains(where: { "\($0)" == word }) {
      preconditionFailure("\(word) is neither an instruction set nor a type of weights")
    }
    let instructions = InstructionSet.allCases.first { "\($0)" == name } ?? .best
    precondition(
      name == nil || (instructions <= .best && "\(instructions)" == name),
      "\(name ?? "") is not one of \(InstructionSet.available)")
    let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: totalBytes, alignment: 4096)
    fill(memory)
    let storage = Storage(bytes: UnsafeRawBufferPointer(memory), owner: Owner(memory: memory))
    print("instructions \(instructions), one thread, \(totalBytes >> 20) MiB")
    print("type      rows×columns   precision  GB/s   of reading   64 tokens, per token")
    for type in types.isEmpty ? ElementType.allCases : types {
      let shapes =
        type.blockElements == 256
        ? [(576, 1536), (1536, 768)] : [(576, 576), (1536, 576), (576, 1536), (49152, 576)]
      for (rows, columns) in shapes where rows * type.bytes(elements: columns) <= totalBytes {
        for precision in Precision.allCases {
          if precision == .reduced && (type == .float32 || type == .float16) { continue }
          measure(
            type, rows: rows, columns: columns, storage: storage, instructions: instructions,
            precision: precision)
        }
      }
    }
  }

  /// Prints what one thread reads from memory, in GB/s: the best of the passes.
  static func printReading() {
    let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: totalBytes, alignment: 4096)
    defer { memory.deallocate() }
    fill(memory)
    var best = Double.infinity
    var sum: UInt64 = 0
    for _ in 0..<passes {
      best = min(
        best, measure { sum &+= InstructionSet.best.read(UnsafeRawBufferPointer(memory)) })
    }
    // The sum is used, so that the reading cannot be left out.
    print(
      (Double(totalBytes) / best / 1e9 * 100).rounded() / 100, terminator: sum == 1 ? " \n" : "\n")
  }

  /// Prints one line: a decode step's bandwidth, and how much faster a token of a prefill is.
  static func measure(
    _ type: ElementType, rows: Int, columns: Int, storage: Storage, instructions: InstructionSet,
    precision: Precision
  ) {
    let bytes = rows * type.bytes(elements: columns)
    let matrices = stride(from: 0, through: totalBytes - bytes, by: (bytes + 31) / 32 * 32).map {
      Matrix(type: type, rows: rows, columns: columns, storage: storage[$0..<$0 + bytes])
    }
    let inputs = FloatBuffer(count: 64 * columns)
    for i in 0..<inputs.count { inputs[i] = Float(i % 17) / 8 - 1 }
    let outputs = FloatBuffer(count: 64 * rows)
    let scratch = FloatBuffer(
      count: matrices[0].scratchCount(tokens: 64, precision: precision))
    func multiply(_ matrix: Matrix, tokens: Int) {
      matrix.multiply(
        UnsafeBufferPointer(inputs.floats), inputStride: columns, tokens: tokens,
        into: outputs.floats, outputStride: rows, instructions: instructions, precision: precision,
        scratch: scratch.floats)
    }
    var (decode, prefill, reading) = (Double.infinity, Double.infinity, Double.infinity)
    var sum: UInt64 = 0
    // A few matrices suffice for a prefill: it computes longer than it reads.
    let some = matrices.prefix(max(1, matrices.count / 32))
    for _ in 0..<passes {
      decode = min(decode, measure { for m in matrices { multiply(m, tokens: 1) } })
      reading = min(reading, measure { sum &+= instructions.read(storage.bytes) })
    }
    for _ in 0..<9 {
      prefill = min(prefill, measure { for m in some { multiply(m, tokens: 64) } })
    }
    precondition(sum != 1, "the sum is used, so that it is computed")
    let decoded = Double(bytes * matrices.count) / decode
    let read = Double(totalBytes) / reading
    let perToken = prefill / Double(64 * some.count)
    let speedUp = decode / Double(matrices.count) / perToken
    print(
      pad("\(type)", 9), pad("\(rows)×\(columns)", 14), pad("\(precision)", 10),
      pad(rounded(decoded / 1e9), 6), pad(rounded(decoded / read), 12), rounded(speedUp) + "×")
  }

  /// Every 16-bit word is a small finite float16, and every type's numbers are finite.
  static func fill(_ memory: UnsafeMutableRawBufferPointer) {
    let words = memory.bindMemory(to: UInt64.self)
    var state: UInt64 = 1
    for i in words.indices {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      words[i] = (state ^ state >> 29) & 0x2bff_2bff_2bff_2bff
    }
  }

  /// Seconds of processor time that `work` takes.
  static func measure(_ work: () -> Void) -> Double {
    func now() -> Double {
      var time = timespec()
      clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
      return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
    }
    let start = now()
    work()
    return now() - start
  }

  static func rounded(_ value: Double) -> String {
    let hundredths = Int((value * 100).rounded())
    return "\(hundredths / 100)." + (hundredths % 100 < 10 ? "0" : "") + "\(hundredths % 100)"
  }

  static func pad(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(0, width - text.count))
  }
}

/// Keeps the weights of the benchmark alive.
final class Owner {
  let memory: UnsafeMutableRawBufferPointer
  init(memory: UnsafeMutableRawBufferPointer) { self.memory = memory }
  deinit { memory.deallocate() }
}
