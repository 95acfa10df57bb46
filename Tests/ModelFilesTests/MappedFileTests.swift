import Glibc
import Tensors
import TestSupport
import Testing

@testable import ModelFiles

@Suite struct MappedFileTests {
  @Test("a file's bytes are those that were written, for as long as any view of them lives")
  func bytes() throws {
    let folder = TemporaryFolder()
    let bytes = (0..<10_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
    let path = folder.write(bytes, to: "data")
    func open() throws -> Storage {
      let file = try MappedFile(path: path)
      #expect(file.count == 10_000)
      return file.bytes[100..<200]
    }
    let view = try open()
    withExtendedLifetime(view) { #expect(Array(view.bytes) == Array(bytes[100..<200])) }
  }

  @Test("what is not there, empty, or no file is an error that names the path and the reason")
  func failures() {
    let folder = TemporaryFolder()
    func failure(_ path: String) -> ModelFileError? {
      #expect(throws: ModelFileError.self) { try MappedFile(path: path) }
    }
    let missing = failure("\(folder.path)/nothing")
    #expect(missing?.kind == .cannotRead)
    #expect(missing?.description.hasPrefix("\(folder.path)/nothing: cannot read") == true)
    #expect(missing?.detail.contains("No such file") == true)
    #expect(failure(folder.path)?.detail == "it is not a regular file")
    #expect(failure(folder.write([], to: "empty"))?.kind == .truncated)
  }

  @Test("pages that were given back are read again, with the same bytes")
  func release() throws {
    let folder = TemporaryFolder()
    let page = MappedFile.pageSize
    let bytes = (0..<3 * page + 10).map { UInt8(truncatingIfNeeded: $0 &* 13) }
    let file = try MappedFile(path: folder.write(bytes, to: "data"))
    for range in [0..<bytes.count, 1..<page, 5..<5, page..<2 * page, 3 * page..<bytes.count] {
      file.release(range)
      #expect(Array(file.bytes.bytes) == bytes)
    }
  }

  @Test("after columns were copied, the process holds next to nothing of the file")
  func residentAfterColumns() throws {
    let folder = TemporaryFolder()
    // 8 MiB: rows of 4 KiB, of which a slice of columns takes 1 KiB.
    let (rows, columns) = (2048, 1024)
    let path = folder.write([UInt8](repeating: 1, count: rows * columns * 4), to: "data")
    let file = try FileBytes(mapping: path)
    let tensor = StoredTensor(
      name: "t", dimensions: [rows, columns], typeName: "F32", type: .float32, file: file,
      range: 0..<rows * columns * 4)
    let slice = try tensor.matrix(shape: (rows, columns), rows: 0..<rows, columns: 256..<512)
    #expect(slice.storage.bytes.count == rows * 1024)
    withExtendedLifetime(slice) { #expect(slice.storage.bytes.allSatisfy { $0 == 1 }) }
    #expect(residentBytes(of: path) == 0)
    // The counter does count.
    #expect(file.storage.bytes.allSatisfy { $0 == 1 })
    #expect(residentBytes(of: path) == rows * columns * 4)
  }

  @Test("columns of many small rows are released however rows and pages lie")
  func residentOddRows() throws {
    let folder = TemporaryFolder()
    let (rows, columns) = (9_000, 333)
    let path = folder.write([UInt8](repeating: 1, count: 7 + rows * columns * 2), to: "data")
    let file = try FileBytes(mapping: path)
    let tensor = StoredTensor(
      name: "t", dimensions: [rows, columns], typeName: "F16", type: .float16, file: file,
      range: 7..<7 + rows * columns * 2)
    _ = try tensor.matrix(shape: (rows, columns), rows: 10..<rows, columns: 0..<100)
    // The first page holds bytes before the slice.
    #expect(residentBytes(of: path) <= 2 * MappedFile.pageSize)
  }

  /// Resident bytes of this process's maps of a file, from `/proc/self/smaps`.
  private func residentBytes(of path: String) -> Int {
    guard let stream = fopen("/proc/self/smaps", "r") else { return -1 }
    defer { fclose(stream) }
    var line: UnsafeMutablePointer<CChar>?
    var capacity = 0
    defer { free(line) }
    var isOurs = false
    var total = 0
    while getline(&line, &capacity, stream) > 0 {
      let text = String(cString: line!)
      if text.contains("-"), text.split(separator: " ").first?.contains("-") == true {
        isOurs = text.hasSuffix("\(path)\n")
      } else if isOurs, text.hasPrefix("Rss:") {
        total += (Int(text.split(separator: " ")[1]) ?? 0) * 1024
      }
    }
    return total
  }
}
