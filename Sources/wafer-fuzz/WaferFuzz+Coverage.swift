import ArgumentParser
import FuzzTargets

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

#if LIBFUZZER
  @_silgen_name("LLVMFuzzerRunDriver")
  private func runDriver(
    _ count: UnsafeMutablePointer<Int32>,
    _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?>,
    _ callback: @convention(c) (UnsafePointer<UInt8>?, Int) -> Int32
  ) -> Int32

  // For the callback, which has no context. Set before libFuzzer begins, on its only thread.
  nonisolated(unsafe) private var reader: Fuzzer?
  nonisolated(unsafe) private var tally: FuzzTally?
#endif

extension WaferFuzz {
  /// Hands the process to libFuzzer, whose arguments are the command's files.
  func runCoverage(_ fuzzer: Fuzzer) throws {
    #if LIBFUZZER
      reader = fuzzer
      tally = FuzzTally(target)
      var arguments = (["wafer-fuzz"] + files).map { strdup($0) }
      arguments.append(nil)
      var count = Int32(arguments.count - 1)
      let status = arguments.withUnsafeMutableBufferPointer { buffer in
        var start = buffer.baseAddress
        return runDriver(&count, &start) { bytes, count in
          tally!.add(reader!.run([UInt8](UnsafeBufferPointer(start: bytes, count: count))))
          if let error = tally!.unlisted.keys.first { fatalError("in no case: \(error)") }
          return 0
        }
      }
      throw ExitCode(status)
    #else
      throw ValidationError(
        "--coverage needs a build with WAFER_FUZZ set, as scripts/fuzz makes it")
    #endif
  }
}
