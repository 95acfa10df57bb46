import ArgumentParser
import FuzzTargets

#if LIBFUZZER
  @_silgen_name("LLVMFuzzerRunDriver")
  private func runDriver(
    _ count: UnsafeMutablePointer<Int32>,
    _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?>,
    _ callback: @convention(c) (UnsafePointer<UInt8>?, Int) -> Int32
  ) -> Int32

  /// The reader for the callback, which has no context. Set before libFuzzer begins, on its only thread.
  nonisolated(unsafe) private var reader: Fuzzer?
#endif

extension WaferFuzz {
  /// Hands the process to libFuzzer, whose arguments are the command's files.
  func runCoverage(_ fuzzer: Fuzzer) throws {
    #if LIBFUZZER
      reader = fuzzer
      var arguments = (["wafer-fuzz"] + files).map { strdup($0) }
      arguments.append(nil)
      var count = Int32(arguments.count - 1)
      let status = arguments.withUnsafeMutableBufferPointer { buffer in
        var start = buffer.baseAddress
        return runDriver(&count, &start) { bytes, count in
          _ = reader!.run([UInt8](UnsafeBufferPointer(start: bytes, count: count)))
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
