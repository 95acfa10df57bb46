import Foundation
import Synchronization

#if canImport(Glibc)
  import Glibc
#endif

/// A way over TCP that is cut in the middle of a byte stream: after so many bytes from the far side, both
/// connections are closed, and the next one is let through as far as the next number says.
final class CuttingProxy: Sendable {
  /// Where to connect in place of the far side.
  let endpoint: String
  private let listener: Int32
  private let target: UInt16
  private let cuts: Mutex<[Int]>
  private let made = Mutex(0)

  /// Connections that were cut.
  var cutCount: Int { made.withLock { $0 } }

  /// - Parameters:
  ///   - target: A port of loopback.
  ///   - cuts: Bytes after which each connection is cut, in order; later ones are not.
  init(to target: UInt16, cuts: [Int]) throws {
    self.target = target
    self.cuts = Mutex(cuts)
    let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    self.listener = listener
    var address = Self.loopback(0)
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let status = withUnsafeMutablePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(listener, $0, length) | listen(listener, 16) | getsockname(listener, $0, &length)
      }
    }
    guard status == 0 else { throw POSIXError(.EIO) }
    endpoint = "tcp://127.0.0.1:\(UInt16(bigEndian: address.sin_port))"
    Thread { [self] in accept() }.start()
  }

  /// Takes no more connections.
  func close() { shutdown(listener, Int32(SHUT_RDWR)) }

  private static func loopback(_ port: UInt16) -> sockaddr_in {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    return address
  }

  private func accept() {
    while true {
      let near = Glibc.accept(listener, nil, nil)
      guard near >= 0 else { break }
      let far = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
      var address = Self.loopback(target)
      _ = withUnsafePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          connect(far, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
        }
      }
      let limit = cuts.withLock { $0.isEmpty ? Int.max : $0.removeFirst() }
      let pair = Pair(near: near, far: far)
      Thread { [self] in forward(from: far, to: near, limit, pair) }.start()
      Thread { [self] in forward(from: near, to: far, .max, pair) }.start()
    }
    Glibc.close(listener)
  }

  /// Two descriptors, which the second of their two threads closes.
  private final class Pair: Sendable {
    let near, far: Int32
    private let users = Mutex(2)

    init(near: Int32, far: Int32) { (self.near, self.far) = (near, far) }

    func leave() {
      shutdown(near, Int32(SHUT_RDWR))
      shutdown(far, Int32(SHUT_RDWR))
      let isLast = users.withLock { users in
        users -= 1
        return users == 0
      }
      guard isLast else { return }
      Glibc.close(near)
      Glibc.close(far)
    }
  }

  private func forward(from source: Int32, to target: Int32, _ limit: Int, _ pair: Pair) {
    defer { pair.leave() }
    var buffer = [UInt8](repeating: 0, count: 4096)
    var passed = 0
    while passed < limit {
      let count = read(source, &buffer, min(buffer.count, limit - passed))
      guard count > 0, send(target, buffer, count, Int32(MSG_NOSIGNAL)) == count else {
        return
      }
      passed += count
    }
    made.withLock { $0 += 1 }
  }
}
