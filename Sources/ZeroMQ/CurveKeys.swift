import CZeroMQ

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// The bytes of a CURVE key, public or secret (Curve25519).
private let curveKeySize = 32

/// The key by which others know a peer. It is no secret.
public struct CurvePublicKey: Hashable, Sendable, CustomStringConvertible {
  /// 32 bytes.
  public let bytes: [UInt8]

  /// A key of 32 bytes; `nil` for any other number.
  public init?(bytes: [UInt8]) {
    guard bytes.count == curveKeySize else { return nil }
    self.bytes = bytes
  }

  /// A key by its 40 characters of Z85; `nil` for any other text.
  public init?(z85 text: String) {
    guard let bytes = Z85.decode(text) else { return nil }
    self.init(bytes: bytes)
  }

  /// The key in 40 characters of Z85.
  public var z85: String { Z85.encode(bytes) }

  /// The key in 40 characters of Z85.
  public var description: String { z85 }
}

/// The key that proves who a peer is.
///
/// It does not print, reflect or dump itself. Its bytes are wiped when the last copy goes; what libzmq
/// copies of it is out of reach.
public struct CurveSecretKey: Sendable {
  /// The bytes, shared by all copies.
  ///
  /// `@unchecked Sendable`: they are written before the value exists, and at its end.
  private final class Storage: @unchecked Sendable {
    let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: curveKeySize, alignment: 16)

    init(_ source: [UInt8]) { bytes.copyBytes(from: source) }

    deinit {
      wipe(bytes)
      bytes.deallocate()
    }
  }

  private let storage: Storage

  /// A key of 32 bytes; `nil` for any other number.
  public init?(bytes: [UInt8]) {
    guard bytes.count == curveKeySize else { return nil }
    storage = Storage(bytes)
  }

  /// A key by its 40 characters of Z85; `nil` for any other text.
  public init?(z85 text: String) {
    guard let bytes = Z85.decode(text) else { return nil }
    self.init(bytes: bytes)
  }

  /// The bytes, in place. Valid within `body` only.
  public func withUnsafeBytes<Result, Failure: Error>(
    _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try body(UnsafeRawBufferPointer(storage.bytes))
  }

  /// The key in 40 characters of Z85, to be written where only its owner reads.
  public var revealedZ85: String { withUnsafeBytes { Z85.encode(Array($0)) } }
}

extension CurveSecretKey: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  /// Says that there is a key, and not which.
  public var description: String { "CurveSecretKey(redacted)" }
  /// Says that there is a key, and not which.
  public var debugDescription: String { description }
  /// Empty, so that `dump` shows nothing either.
  public var customMirror: Mirror { Mirror(self, children: [:]) }
}

/// A secret key and the public key that belongs to it.
public struct CurveKeyPair: Sendable {
  /// What others may know.
  public let publicKey: CurvePublicKey
  /// What no one else may know.
  public let secretKey: CurveSecretKey

  /// A new random pair.
  ///
  /// - Throws: ``ZeroMQError`` with ``ZeroMQError/Code/notSupported`` when libzmq lacks
  ///   ``Library/Capability/curve``.
  public init() throws(ZeroMQError) {
    let pair = Self.withKeyTexts { publicText, secretText in
      zmq_curve_keypair(publicText, secretText) == 0
        ? Self(publicText: publicText, secretText: secretText) : nil
    }
    guard let pair else { throw .last(in: "zmq_curve_keypair") }
    self = pair
  }

  /// The pair of a secret key that is known, with the public key that follows from it.
  ///
  /// - Throws: ``ZeroMQError`` with ``ZeroMQError/Code/notSupported`` when libzmq lacks
  ///   ``Library/Capability/curve``.
  public init(secretKey: CurveSecretKey) throws(ZeroMQError) {
    let pair = Self.withKeyTexts { publicText, secretText in
      secretKey.withUnsafeBytes {
        _ = zmq_z85_encode(
          secretText, $0.baseAddress?.assumingMemoryBound(to: UInt8.self), $0.count)
      }
      return zmq_curve_public(publicText, secretText) == 0
        ? Self(publicText: publicText, secretText: secretText) : nil
    }
    guard let pair else { throw .last(in: "zmq_curve_public") }
    self = pair
  }

  private init?(
    publicText: UnsafeMutablePointer<CChar>, secretText: UnsafeMutablePointer<CChar>
  ) {
    guard let publicKey = CurvePublicKey(z85: String(cString: publicText)),
      let secretKey = CurveSecretKey(z85: String(cString: secretText))
    else { return nil }
    (self.publicKey, self.secretKey) = (publicKey, secretKey)
  }

  /// Lends room for two keys in Z85 with their final zeros, and wipes it.
  private static func withKeyTexts<Result>(
    _ body: (UnsafeMutablePointer<CChar>, UnsafeMutablePointer<CChar>) -> Result
  ) -> Result {
    let size = curveKeySize / 4 * 5 + 1
    return withUnsafeTemporaryAllocation(of: CChar.self, capacity: 2 * size) { room in
      defer { wipe(UnsafeMutableRawBufferPointer(room)) }
      let start = room.baseAddress!
      return body(start, start + size)
    }
  }
}

/// Writes zeros that the optimiser may not leave out.
private func wipe(_ bytes: UnsafeMutableRawBufferPointer) {
  guard let start = bytes.baseAddress else { return }
  #if canImport(Darwin)
    memset_s(start, bytes.count, 0, bytes.count)
  #else
    explicit_bzero(start, bytes.count)
  #endif
}
