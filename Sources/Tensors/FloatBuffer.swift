#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Memory for intermediate floats: one owner, aligned to a cache line (64 bytes), zero at first.
///
/// Large buffers ask for huge pages, since a pass over a KV cache otherwise misses the TLB at every
/// fourth kilobyte.
public struct FloatBuffer: ~Copyable {
  /// The floats. Valid as long as the buffer exists.
  public let floats: UnsafeMutableBufferPointer<Float>

  /// A buffer of this size or more is backed by huge pages where the system has them: 2 MiB is the
  /// size of one on x86-64 and on arm64 with 4 KiB pages.
  private static let hugePage = 2 << 20

  /// - Parameter count: how many floats; may be 0.
  public init(count: Int) {
    precondition(count >= 0, "a buffer of \(count) floats")
    let bytes = max(count * MemoryLayout<Float>.stride, 64)
    let large = bytes >= Self.hugePage
    let memory = UnsafeMutableRawPointer.allocate(
      byteCount: bytes, alignment: large ? Self.hugePage : 64)
    #if os(Linux)
      if large {
        // A wish: where it is not granted, nothing but speed is lost.
        _ = madvise(memory, bytes, Int32(MADV_HUGEPAGE))
      }
    #endif
    memory.initializeMemory(as: UInt8.self, repeating: 0, count: bytes)
    floats = UnsafeMutableBufferPointer(
      start: memory.bindMemory(to: Float.self, capacity: count), count: count)
  }

  deinit { UnsafeMutableRawPointer(floats.baseAddress!).deallocate() }

  /// How many floats there are.
  public var count: Int { floats.count }

  /// The float at `index`.
  public subscript(index: Int) -> Float {
    get { floats[index] }
    nonmutating set { floats[index] = newValue }
  }
}
