#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// What a node removes of `ipc` sockets when its coordinator is gone, which made their folder and would have removed
/// it. The last node to end finds the folder empty, and removes it too.
struct AbandonedSockets {
  /// The node's own sockets, by the folder in which they are.
  private var own: [String: Set<String>] = [:]

  /// The node has bound a socket.
  mutating func bound(_ path: String, in folder: String) {
    own[folder, default: []].insert(path)
  }

  /// - Parameter launchFolder: A folder that holds nothing but sockets of one launch, whose processes all end now: in
  ///   it, those of nodes that were killed before are removed, too.
  func remove(launchFolder: String?) {
    for (folder, paths) in own {
      for path in paths { unlink(path) }
      rmdir(folder)
    }
    guard let launchFolder, let entries = opendir(launchFolder) else { return }
    defer { closedir(entries) }
    while let entry = readdir(entries) {
      let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
        String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      let path = "\(launchFolder)/\(name)"
      var status = stat()
      guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFSOCK else { continue }
      unlink(path)
    }
    rmdir(launchFolder)
  }
}
