import Tensors

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// A file in memory as the operating system pages it in: read-only, whole, private to nobody.
///
/// Only pages that are read take memory, and the system may drop them again, since the file has them.
/// The file must not be shortened while it is mapped: reading a page that is gone ends the process
/// (SIGBUS), as with every program that maps files.
public final class MappedFile: Sendable {
  /// The path, as it was given.
  public let path: String
  /// All of the file.
  public var bytes: Storage { Storage(bytes: mapping.bytes, owner: self) }
  /// Size of the file in bytes.
  public var count: Int { mapping.bytes.count }

  /// Bytes of a page: the grain in which memory is given back.
  static let pageSize = Int(sysconf(Int32(_SC_PAGESIZE)))

  private let mapping: Mapping

  /// `@unchecked Sendable`: the bytes are never written.
  private struct Mapping: @unchecked Sendable {
    let bytes: UnsafeRawBufferPointer
  }

  /// Maps the file at `path`.
  ///
  /// Throws `ModelFileError.cannotRead` when it is not there, not a regular file, or not readable, and
  /// `.truncated` when it is empty.
  public init(path: String) throws(ModelFileError) {
    func failure(_ verb: String) -> ModelFileError {
      ModelFileError(
        .cannotRead, file: path, "cannot \(verb) it: \(String(cString: strerror(errno)))")
    }
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw failure("open") }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw failure("examine") }
    guard status.st_mode & S_IFMT == S_IFREG else {
      throw ModelFileError(.cannotRead, file: path, "it is not a regular file")
    }
    let size = Int(status.st_size)
    guard size > 0 else { throw ModelFileError(.truncated, file: path, "the file is empty") }
    guard let start = mmap(nil, size, PROT_READ, MAP_SHARED, descriptor, 0), start != MAP_FAILED
    else {
      throw failure("map")
    }
    self.path = path
    mapping = Mapping(bytes: UnsafeRawBufferPointer(start: start, count: size))
  }

  deinit {
    munmap(UnsafeMutableRawPointer(mutating: mapping.bytes.baseAddress!), mapping.bytes.count)
  }

  /// Gives back the memory of all whole pages inside `range`; reading them again pages them in again.
  public func release(_ range: Range<Int>) {
    precondition(range.lowerBound >= 0 && range.upperBound <= count, "\(range) of \(count) bytes")
    let page = Self.pageSize
    let first = (range.lowerBound + page - 1) / page * page
    // The last page of the file is whole for this purpose: nothing else can be in it.
    let end = range.upperBound == count ? count : range.upperBound / page * page
    guard first < end else { return }
    let start = UnsafeMutableRawPointer(mutating: mapping.bytes.baseAddress! + first)
    // Only advice: a failure costs memory, not correctness.
    _ = madvise(start, end - first, MADV_DONTNEED)
  }

  /// Whether the directory entry `path` is a folder.
  static func isFolder(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
  }

  /// Whether there is anything at `path`.
  static func exists(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0
  }
}
