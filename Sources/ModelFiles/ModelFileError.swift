/// A model file that cannot be used: which file, which part of it, where, and what was expected.
///
/// These are failures of the world, not of this program: a missing file, a truncated download, a
/// format that is not supported. The message is meant to be shown as it is.
public struct ModelFileError: Error, Hashable, Sendable, CustomStringConvertible {
  /// What is wrong, in kind.
  public enum Kind: String, Hashable, Sendable {
    /// The operating system did not let us read the file.
    case cannotRead = "cannot read"
    /// The operating system did not let us write the file.
    case cannotWrite = "cannot write"
    /// The path is not a model in any format we know.
    case notAModel = "not a model file"
    /// The file ends before what its header promises.
    case truncated = "truncated"
    /// The file contradicts itself or its format.
    case malformed = "malformed"
    /// The file is fine, and holds something we do not compute.
    case unsupported = "not supported"
    /// Something the model needs is not in the file.
    case missing = "missing"
    /// A tensor has another shape than the model's.
    case wrongShape = "wrong shape"
  }

  /// What is wrong, in kind.
  public var kind: Kind
  /// Path of the file.
  public var file: String
  /// The part of the file: `tensor 'blk.0.attn_q.weight'`, `key 'llama.block_count'`.
  public var subject: String?
  /// Where in the file, in bytes from its start.
  public var offset: Int?
  /// What was found, and what was expected.
  public var detail: String

  /// An error about a file, and about a part of it where `subject` or `offset` says so.
  public init(
    _ kind: Kind, file: String, subject: String? = nil, offset: Int? = nil, _ detail: String
  ) {
    self.kind = kind
    self.file = file
    self.subject = subject
    self.offset = offset
    self.detail = detail
  }

  /// `FILE: tensor 'x', at byte 1234: truncated: …`
  public var description: String {
    var parts = subject.map { [$0] } ?? []
    if let offset { parts.append("at byte \(offset)") }
    let place = parts.isEmpty ? "" : "\(parts.joined(separator: ", ")): "
    return "\(file): \(place)\(kind.rawValue): \(detail)"
  }
}
