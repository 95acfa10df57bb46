#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Memory of weights that somebody makes, and then only reads.
///
/// `@unchecked Sendable`: written by its maker only, before anyone else sees it.
public final class OwnedBytes: @unchecked Sendable {
  /// What its maker fills.
  public let bytes: UnsafeMutableRawBufferPointer

  /// Memory of `count` bytes, aligned to a cache line.
  ///
  /// Large pieces are aligned to a huge page and ask for such, so that the processor looks up few addresses
  /// while it reads them.
  public init(count: Int) {
    let isLarge = count >= 2 * Self.hugePage
    bytes = .allocate(byteCount: max(count, 1), alignment: isLarge ? Self.hugePage : 64)
    #if os(Linux)
      // A wish: where it is not granted, nothing but speed is lost.
      if isLarge { _ = madvise(bytes.baseAddress!, count, Int32(MADV_HUGEPAGE)) }
    #endif
  }

  private static let hugePage = 2 << 20

  /// The same memory, to be read.
  public var storage: Storage { Storage(bytes: UnsafeRawBufferPointer(bytes), owner: self) }

  deinit { bytes.deallocate() }
}
