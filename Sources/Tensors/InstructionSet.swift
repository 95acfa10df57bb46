import CKernels

/// The instructions that kernels may use. Every set gives the same bits; they differ in speed.
public enum InstructionSet: UInt32, CaseIterable, Comparable, Sendable {
  /// Portable C: the reference the others are held against.
  case scalar = 0
  /// AVX2, FMA and F16C.
  case avx2 = 1
  /// AVX-512 F, BW, DQ and VL; VNNI and BF16 where the processor has them.
  case avx512 = 2

  /// The fastest set of this processor.
  public static let best = InstructionSet(rawValue: wk_detect().rawValue) ?? .scalar

  /// The sets that this processor can run, slowest first.
  public static var available: [InstructionSet] { allCases.filter { $0 <= best } }

  /// Slower sets come first.
  public static func < (a: InstructionSet, b: InstructionSet) -> Bool { a.rawValue < b.rawValue }

  /// A sum of the 64-bit words of `bytes` (whole KiB): how fast memory can be read, for benchmarks to
  /// hold the kernels against.
  public func read(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
    guard let start = bytes.baseAddress else { return 0 }
    return wk_read(kernels, start, bytes.count)
  }

  /// The same set, as C knows it.
  public var kernels: wk_isa { wk_isa(rawValue: rawValue) }
}

/// How exactly inputs enter a matrix multiplication. Unlike an instruction set it changes results,
/// so a result that used `reduced` says so.
public enum Precision: String, CaseIterable, Sendable {
  /// Inputs stay float32.
  case float32
  /// Inputs are rounded to what the processor multiplies fastest: int8 in blocks of 32 for quantised
  /// weights, bfloat16 for bfloat16 weights. Other weights keep float32 inputs.
  case reduced
}
