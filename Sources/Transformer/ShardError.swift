/// Why a shard cannot be made, beside what its weights' source throws.
public enum ShardError: Error, Hashable, CustomStringConvertible {
  /// The system gave no address space for a cache.
  case noMemory(bytes: Int, purpose: String, errno: Int32)

  /// What is wrong, and what to do.
  public var description: String {
    switch self {
    case .noMemory(let bytes, let purpose, let errno):
      """
      the system refuses \(bytes) bytes for \(purpose) (errno \(errno)): \
      ask for fewer sequences or positions, or for more shards
      """
    }
  }
}
