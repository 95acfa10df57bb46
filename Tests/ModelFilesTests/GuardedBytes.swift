import Glibc
import Tensors

@testable import ModelFiles

/// Bytes that end where memory ends: the page behind them cannot be read.
///
/// A parser that reads one byte past the end of its file kills the test run, instead of passing by luck.
final class GuardedBytes {
  private let start: UnsafeMutableRawPointer
  private let mapped: Int
  /// The bytes, as a file of the name `test`.
  private(set) var file: FileBytes!

  init(_ bytes: [UInt8], path: String = "test") {
    let page = Int(sysconf(Int32(_SC_PAGESIZE)))
    let readable = max(1, (bytes.count + page - 1) / page) * page
    mapped = readable + page
    start = mmap(nil, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
    precondition(start != MAP_FAILED)
    precondition(mprotect(start + readable, page, PROT_NONE) == 0)
    let first = start + readable - bytes.count
    bytes.withUnsafeBytes {
      first.copyMemory(from: $0.baseAddress ?? UnsafeRawPointer(start), byteCount: bytes.count)
    }
    // The file does not keep this object alive, so that there is no cycle; the test does.
    file = FileBytes(
      path: path,
      storage: Storage(
        bytes: UnsafeRawBufferPointer(start: first, count: bytes.count), owner: Owner()))
  }

  private final class Owner {}

  deinit { munmap(start, mapped) }
}

/// Runs `body` on bytes that end where memory ends.
func withFile<T>(
  _ bytes: [UInt8], path: String = "test", _ body: (FileBytes) throws -> T
) throws -> T {
  let guarded = GuardedBytes(bytes, path: path)
  return try withExtendedLifetime(guarded) { try body(guarded.file) }
}

/// The error that `body` throws on such bytes; `nil` when it throws none.
func error<T>(
  of bytes: [UInt8], path: String = "test", _ body: (FileBytes) throws(ModelFileError) -> T
) -> ModelFileError? {
  let guarded = GuardedBytes(bytes, path: path)
  do throws(ModelFileError) {
    _ = try body(guarded.file)
    return withExtendedLifetime(guarded) { nil }
  } catch {
    return error
  }
}

extension Matrix {
  /// The stored numbers of a float32 matrix.
  var floats: [Float] {
    withExtendedLifetime(storage) { Array(storage.bytes.bindMemory(to: Float.self)) }
  }
}
