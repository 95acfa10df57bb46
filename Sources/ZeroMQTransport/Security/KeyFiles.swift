import Runtime
import ZeroMQ

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// A key file that cannot be used, or written: which, and what would be right.
public struct KeyFileError: Error, Hashable, CustomStringConvertible {
  /// The file or folder.
  public var path: String
  /// What is wrong.
  public var reason: String

  /// One sentence or two.
  public var description: String { "\(path): \(reason)" }
}

/// What the coordinator of a secured cluster has: its own keys, and whom it admits.
///
/// In a folder: `coordinator.secret` for itself, `nodes.public` with a public key a line.
public struct CoordinatorKeys: Sendable {
  /// Its own.
  public let own: CurveKeyPair
  /// Public keys of nodes that may join, and of people who may ask for the status.
  public let admitted: Set<CurvePublicKey>

  static let secretFile = "coordinator.secret"
  static let nodesFile = "nodes.public"

  /// Takes each field as it is.
  public init(own: CurveKeyPair, admitted: Set<CurvePublicKey>) {
    self.own = own
    self.admitted = admitted
  }

  /// Reads a folder that `wafer keys` made.
  ///
  /// Throws `KeyFileError` for what is missing, is no key, or is readable by everyone.
  public init(folder: String) throws(KeyFileError) {
    let secret = try KeyFile("\(folder)/\(Self.secretFile)", isSecret: true)
    own = try secret.pair()
    let nodes = try KeyFile("\(folder)/\(Self.nodesFile)", isSecret: false)
    var admitted: Set<CurvePublicKey> = []
    for value in nodes.values(of: "node") { admitted.insert(try nodes.publicKey(value)) }
    guard !admitted.isEmpty else {
      throw KeyFileError(
        path: nodes.path,
        reason: "admits nobody; write 'node' and a public key on a line for each node")
    }
    self.admitted = admitted
  }
}

/// What a node of a secured cluster has: its own keys, and the coordinator's public one.
public struct NodeKeys: Sendable {
  /// Its own.
  public let own: CurveKeyPair
  /// By which it knows the coordinator.
  public let coordinator: CurvePublicKey

  /// Takes each field as it is.
  public init(own: CurveKeyPair, coordinator: CurvePublicKey) {
    self.own = own
    self.coordinator = coordinator
  }

  /// Reads a file that `wafer keys` made.
  ///
  /// Throws `KeyFileError` for what is missing, is no key, or is readable by everyone.
  public init(file path: String) throws(KeyFileError) {
    let file = try KeyFile(path, isSecret: true)
    own = try file.pair()
    coordinator = try file.publicKey(try file.value(of: "coordinator"))
  }
}

/// Makes the keys of a cluster.
public enum KeyFiles {
  /// Writes new keys into a folder that is made, or is empty of them: `coordinator.secret`, `nodes.public`, and
  /// a file for each node, `node.secret` or `node-0.secret` and so on. Only the owner can read the secret ones.
  ///
  /// Returns the paths of the nodes' files. Throws `KeyFileError`; keys that are there are never overwritten.
  public static func make(folder: String, nodes: Int?) throws(KeyFileError) -> [String] {
    guard mkdir(folder, 0o700) == 0 || errno == EEXIST else {
      throw KeyFileError(path: folder, reason: "cannot be made: \(KeyFile.systemReason)")
    }
    let coordinator = try newPair(folder)
    let names = nodes.map { count in (0..<count).map { "node-\($0).secret" } } ?? ["node.secret"]
    let all = names + [CoordinatorKeys.secretFile, CoordinatorKeys.nodesFile]
    if let there = all.first(where: { access("\(folder)/\($0)", F_OK) == 0 }) {
      throw KeyFileError(
        path: "\(folder)/\(there)", reason: "is there already; keys are not overwritten")
    }
    var admitted =
      "# Public keys of the nodes that may join. Whoever has a secret key of one may.\n"
    for name in names {
      let pair = try newPair(folder)
      admitted += "node \(pair.publicKey.z85)\n"
      try write(
        """
        # A node's secret key: whoever has it can join the cluster, and read what nodes send.
        secret \(pair.secretKey.revealedZ85)
        coordinator \(coordinator.publicKey.z85)

        """, to: "\(folder)/\(name)", mode: 0o600)
    }
    try write(admitted, to: "\(folder)/\(CoordinatorKeys.nodesFile)", mode: 0o644)
    try write(
      """
      # The coordinator's secret key: whoever has it can command the nodes.
      secret \(coordinator.secretKey.revealedZ85)

      """, to: "\(folder)/\(CoordinatorKeys.secretFile)", mode: 0o600)
    return names.map { "\(folder)/\($0)" }
  }

  private static func newPair(_ folder: String) throws(KeyFileError) -> CurveKeyPair {
    do { return try CurveKeyPair() } catch {
      throw KeyFileError(path: folder, reason: "no keys can be made: \(error)")
    }
  }

  private static func write(
    _ text: String, to path: String, mode: mode_t
  ) throws(KeyFileError) {
    // Exclusive, and readable by its owner alone from the first moment on.
    let file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode)
    guard file >= 0 else {
      throw KeyFileError(path: path, reason: "cannot be written: \(KeyFile.systemReason)")
    }
    var text = text
    let isWhole = text.withUTF8 { Glibc.write(file, $0.baseAddress, $0.count) == $0.count }
    guard close(file) == 0, isWhole else {
      unlink(path)
      throw KeyFileError(path: path, reason: "cannot be written: \(KeyFile.systemReason)")
    }
  }
}

/// A file of words and keys, a pair a line.
package struct KeyFile {
  let path: String
  private let lines: [(word: Substring, value: Substring, number: Int)]

  /// A key file has some hundred bytes; one of a thousand nodes, 50 kB.
  private static let mostBytes = 1 << 20

  /// Reads a file.
  ///
  /// Throws `KeyFileError` when it is not there, is readable by everyone though it is secret, or has a line
  /// of another form.
  init(_ path: String, isSecret: Bool) throws(KeyFileError) {
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else {
      throw KeyFileError(
        path: path, reason: "cannot be read: \(Self.systemReason). 'wafer keys DIR' makes keys")
    }
    defer { close(file) }
    var status = stat()
    guard fstat(file, &status) == 0, status.st_size <= Self.mostBytes else {
      throw KeyFileError(path: path, reason: "is no key file: it is too large")
    }
    guard !isSecret || status.st_mode & 0o007 == 0 else {
      throw KeyFileError(
        path: path, reason: "is open to everyone on this host; chmod o= \(path)")
    }
    var bytes = [UInt8](repeating: 0, count: Int(status.st_size))
    guard read(file, &bytes, bytes.count) == bytes.count else {
      throw KeyFileError(path: path, reason: "cannot be read: \(Self.systemReason)")
    }
    try self.init(path, bytes: bytes)
  }

  /// Reads the bytes of a file that errors call `path`.
  ///
  /// Throws `KeyFileError` when they are no text, or a line has another form.
  package init(_ path: String, bytes: [UInt8]) throws(KeyFileError) {
    self.path = path
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw KeyFileError(path: path, reason: "is no text")
    }
    var lines: [(Substring, Substring, Int)] = []
    for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated()
    {
      guard !line.isEmpty, !line.hasPrefix("# ") else { continue }
      let words = line.split(separator: " ")
      guard words.count == 2 else {
        throw KeyFileError(
          path: path, reason: "line \(index + 1) is neither a word and a key nor a comment ('# …')")
      }
      lines.append((words[0], words[1], index + 1))
    }
    self.lines = lines
  }

  /// The values of all lines that begin with a word.
  package func values(of word: String) -> [Substring] {
    lines.filter { $0.word == word }.map(\.value)
  }

  /// The value of the one line that begins with a word. Throws `KeyFileError` when there is another number of them.
  package func value(of word: String) throws(KeyFileError) -> Substring {
    let found = values(of: word)
    guard found.count == 1 else {
      throw KeyFileError(
        path: path, reason: "has \(found.count) lines that begin with '\(word)'; it needs one")
    }
    return found[0]
  }

  /// A value as a public key. Throws `KeyFileError` when it is none.
  package func publicKey(_ value: Substring) throws(KeyFileError) -> CurvePublicKey {
    guard let key = CurvePublicKey(z85: String(value)) else {
      throw KeyFileError(
        path: path, reason: "'\(value)' is no public key: it has 40 characters of Z85")
    }
    return key
  }

  /// The file's own keys. Errors do not quote them. Throws `KeyFileError` when it has none.
  package func pair() throws(KeyFileError) -> CurveKeyPair {
    guard let secret = CurveSecretKey(z85: String(try value(of: "secret"))) else {
      throw KeyFileError(path: path, reason: "its secret is no key: it has 40 characters of Z85")
    }
    do { return try CurveKeyPair(secretKey: secret) } catch {
      throw KeyFileError(path: path, reason: "its secret cannot be used: \(error)")
    }
  }

  static var systemReason: String { String(cString: strerror(errno)) }
}
