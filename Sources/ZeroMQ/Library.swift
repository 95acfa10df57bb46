import CZeroMQ

/// The libzmq this process runs on.
public enum Library {
  /// A release of libzmq.
  public struct Version: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// Incremented when the interface changes incompatibly.
    public let major: Int
    /// Incremented when something is added.
    public let minor: Int
    /// Incremented for corrections.
    public let patch: Int

    /// A release by its three numbers.
    public init(_ major: Int, _ minor: Int, _ patch: Int) {
      (self.major, self.minor, self.patch) = (major, minor, patch)
    }

    /// As in `4.3.4`.
    public var description: String { "\(major).\(minor).\(patch)" }

    /// Whether `a` was released before `b` in the same line.
    public static func < (a: Self, b: Self) -> Bool {
      (a.major, a.minor, a.patch) < (b.major, b.minor, b.patch)
    }
  }

  /// What a build of libzmq may or may not contain.
  public struct Capability: RawRepresentable, Hashable, Sendable {
    /// The name libzmq knows it by.
    public let rawValue: String

    /// A capability that has no constant here.
    public init(rawValue: String) { self.rawValue = rawValue }

    /// The `ipc://` transport.
    public static let ipc = Self(rawValue: "ipc")
    /// CURVE encryption and authentication.
    public static let curve = Self(rawValue: "curve")
    /// Interfaces that libzmq still reserves the right to change.
    public static let draft = Self(rawValue: "draft")
  }

  /// The release that was loaded, which may be newer than the headers this was compiled with.
  public static var version: Version {
    var (major, minor, patch): (CInt, CInt, CInt) = (0, 0, 0)
    zmq_version(&major, &minor, &patch)
    return Version(Int(major), Int(minor), Int(patch))
  }

  /// Whether the loaded libzmq was built with `capability`.
  public static func has(_ capability: Capability) -> Bool { zmq_has(capability.rawValue) == 1 }
}
