import Tensors

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// A folder of parts of weights that this host has had before, each in a file named by its hash.
///
/// Nodes of one host may share it, at once too. What cannot be read or written is as if it were not there:
/// the weights then come from the coordinator. Nothing is ever removed; that is its owner's to do.
public struct WeightCache: Sendable {
  private let folder: String

  /// A cache in a folder, which is made when it is not there.
  ///
  /// Throws `NodeError.load` when it cannot be made or written to.
  public init(folder: String) throws(NodeError) {
    self.folder = folder
    guard mkdir(folder, 0o700) == 0 || errno == EEXIST else {
      throw .load("the cache '\(folder)' cannot be made: \(Self.reason)")
    }
    guard access(folder, W_OK | X_OK) == 0 else {
      throw .load("the cache '\(folder)' cannot be written to: \(Self.reason)")
    }
  }

  /// Reads a part into `memory`. Returns whether it was there, whole.
  func read(_ part: WeightPart, into memory: OwnedBytes) -> Bool {
    let file = open(path(part), O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return false }
    defer { close(file) }
    for (index, hash) in part.hashes.enumerated() {
      let chunk = UnsafeMutableRawBufferPointer(
        rebasing: memory.bytes[part.range(ofChunk: index)])
      var count = 0
      while count < chunk.count {
        let step = Glibc.read(file, chunk.baseAddress! + count, chunk.count - count)
        guard step > 0 else { return false }
        count += step
      }
      guard ContentHash(of: UnsafeRawBufferPointer(chunk)) == hash else { return false }
    }
    return true
  }

  /// Keeps a part. A file comes to its name whole or not at all.
  func write(_ part: WeightPart, _ bytes: UnsafeRawBufferPointer) {
    let path = path(part)
    let draft = "\(path).\(getpid())"
    let file = open(draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
    guard file >= 0 else { return }
    var count = 0
    while count < bytes.count {
      let step = Glibc.write(file, bytes.baseAddress! + count, bytes.count - count)
      guard step > 0 else { break }
      count += step
    }
    close(file)
    if count < bytes.count || rename(draft, path) != 0 { unlink(draft) }
  }

  private func path(_ part: WeightPart) -> String { "\(folder)/\(part.name)" }

  private static var reason: String { String(cString: strerror(errno)) }
}
