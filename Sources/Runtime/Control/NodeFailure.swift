/// Why a node ended before its run was done.
public struct NodeFailure: Error, Hashable, Sendable, CustomStringConvertible {
  /// What went wrong, for a person.
  public let reason: String
  /// Whether this node is at fault, and so must tell the coordinator; else it was told.
  public let isOwn: Bool

  /// Takes each field as it is.
  public init(reason: String, isOwn: Bool) {
    self.reason = reason
    self.isOwn = isOwn
  }

  /// One sentence.
  public var description: String { reason }
}
