/// Read-only bytes and whatever keeps them alive: a mapped file, or an allocation.
///
/// `@unchecked Sendable`: the bytes are never written after the storage exists.
public struct Storage: @unchecked Sendable {
  /// The bytes. Valid as long as this value, or a copy of it, exists.
  public let bytes: UnsafeRawBufferPointer
  private let owner: AnyObject

  /// Bytes that stay valid and unchanged as long as `owner` lives.
  public init(bytes: UnsafeRawBufferPointer, owner: AnyObject) {
    self.bytes = bytes
    self.owner = owner
  }

  /// A part of the same bytes.
  public subscript(range: Range<Int>) -> Storage {
    Storage(bytes: UnsafeRawBufferPointer(rebasing: bytes[range]), owner: owner)
  }
}
