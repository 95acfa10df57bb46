import Foundation
import Tensors

/// Bytes that end where the next page may not be touched: a kernel that reads past them crashes.
final class GuardedMemory {
  let bytes: UnsafeMutableRawBufferPointer
  private let mapping: UnsafeMutableRawPointer
  private let mappedBytes: Int

  init(byteCount: Int) {
    let page = Int(sysconf(Int32(_SC_PAGESIZE)))
    let inner = (byteCount + page - 1) / page * page
    mappedBytes = inner + page
    let flags = MAP_PRIVATE | MAP_ANONYMOUS
    mapping = mmap(nil, mappedBytes, PROT_READ | PROT_WRITE, flags, -1, 0)!
    precondition(mapping != MAP_FAILED, "no \(mappedBytes) bytes to map")
    precondition(mprotect(mapping + inner, page, PROT_NONE) == 0, "mprotect failed")
    bytes = UnsafeMutableRawBufferPointer(
      start: mapping + (inner - byteCount), count: byteCount)
  }

  convenience init(_ content: [UInt8]) {
    self.init(byteCount: content.count)
    bytes.copyBytes(from: content)
  }

  deinit { munmap(mapping, mappedBytes) }

  /// The bytes as weights.
  var storage: Storage { Storage(bytes: UnsafeRawBufferPointer(bytes), owner: self) }
}

/// Floats that end where the next page may not be touched.
struct GuardedFloats {
  let memory: GuardedMemory
  let floats: UnsafeMutableBufferPointer<Float>

  init(count: Int) {
    memory = GuardedMemory(byteCount: count * 4)
    floats = memory.bytes.bindMemory(to: Float.self)
  }

  init(_ content: [Float]) {
    self.init(count: content.count)
    _ = floats.update(from: content)
  }

  var values: [Float] { Array(floats) }
  var bits: [UInt32] { floats.map(\.bitPattern) }
  var readOnly: UnsafeBufferPointer<Float> { UnsafeBufferPointer(floats) }
}
