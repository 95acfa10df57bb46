#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Floats whose address space is reserved at once and whose pages cost memory when first written.
///
/// A cache is bounded by the longest context it may see and mostly holds much less. Pages are zero until
/// then. What has been written stays until the value ends.
struct ReservedFloats: ~Copyable {
  /// The floats. Valid as long as the value exists.
  let floats: UnsafeMutableBufferPointer<Float>

  /// Throws `ShardError.noMemory` when the system refuses; `purpose` is for its message.
  init(count: Int, purpose: String) throws(ShardError) {
    precondition(count >= 0, "\(count) floats for \(purpose)")
    guard count > 0 else {
      floats = UnsafeMutableBufferPointer(start: nil, count: 0)
      return
    }
    let bytes = count * MemoryLayout<Float>.stride
    #if os(Linux)
      // The bound is not a forecast: it must not count against the system's promise of memory.
      let flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE
    #else
      let flags = MAP_PRIVATE | MAP_ANON
    #endif
    let address = mmap(nil, bytes, PROT_READ | PROT_WRITE, flags, -1, 0)
    guard let address, address != MAP_FAILED else {
      throw .noMemory(bytes: bytes, purpose: purpose, errno: errno)
    }
    floats = UnsafeMutableBufferPointer(
      start: address.bindMemory(to: Float.self, capacity: count), count: count)
  }

  deinit {
    if let start = floats.baseAddress { munmap(start, floats.count * MemoryLayout<Float>.stride) }
  }
}
