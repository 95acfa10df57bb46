#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// A folder of one test's own, removed with everything in it when the value goes.
public struct TemporaryFolder: ~Copyable {
  /// The folder's path, without a slash at the end.
  public let path: String
  private let names = Names()

  /// What was written; a class, so that writing does not need the folder to be mutable.
  private final class Names {
    var all: [String] = []
  }

  /// Makes the folder under `/tmp`.
  public init() {
    var template = Array("/tmp/wafer-test-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else {
      preconditionFailure("no temporary folder: errno \(errno)")
    }
    path = template.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
  }

  /// Writes a file into the folder and gives its path.
  @discardableResult
  public func write(_ bytes: [UInt8], to name: String) -> String {
    let file = "\(path)/\(name)"
    let descriptor = open(file, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
    precondition(descriptor >= 0, "cannot write \(file): errno \(errno)")
    var written = 0
    bytes.withUnsafeBytes { buffer in
      while written < buffer.count {
        let count = Self.writeSome(
          descriptor, UnsafeRawBufferPointer(rebasing: buffer[written...]))
        precondition(count > 0, "cannot write \(file): errno \(errno)")
        written += count
      }
    }
    close(descriptor)
    names.all.append(name)
    return file
  }

  /// Writes a text file into the folder and gives its path.
  @discardableResult
  public func write(_ text: String, to name: String) -> String {
    write(Array(text.utf8), to: name)
  }

  // Inside the methods named `write` the C function's name would mean the method.
  private static func writeSome(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) -> Int {
    #if canImport(Glibc)
      Glibc.write(descriptor, bytes.baseAddress, bytes.count)
    #else
      Darwin.write(descriptor, bytes.baseAddress, bytes.count)
    #endif
  }

  deinit {
    for name in names.all { unlink("\(path)/\(name)") }
    rmdir(path)
  }
}
