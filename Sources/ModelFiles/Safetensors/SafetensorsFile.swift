import Tensors

/// The header of one safetensors file: where its tensors lie.
///
/// Format: 8 bytes with the length of the header, the header in JSON, then the data, which the tensors
/// fill without holes (https://github.com/huggingface/safetensors, "Format"). All of that is checked
/// here, against the size of the file.
struct SafetensorsFile: Sendable {
  /// Longest header, in bytes; the format's own limit.
  static let longestHeader = 100_000_000

  let file: FileBytes
  /// Tensors in the order of their data.
  let tensors: [StoredTensor]
  /// Bytes before the tensor data: the length and the header.
  let headerBytes: Int

  /// Reads and checks a header.
  ///
  /// Throws `ModelFileError` with the tensor and the offset for everything that does not fit.
  init(_ file: FileBytes) throws(ModelFileError) {
    var cursor = FileCursor(file: file, offset: 0)
    let length = try cursor.integer(UInt64.self, "the length of the header")
    guard length <= Self.longestHeader else {
      throw cursor.error(
        .notAModel, at: 0,
        "a header of \(length) bytes; a safetensors file has at most \(Self.longestHeader)")
    }
    let range = try cursor.take(Int(length), "the header")
    guard range.first.map({ file.storage.bytes[$0] }) == UInt8(ascii: "{") else {
      throw cursor.error(.notAModel, at: 8, "the header of a safetensors file starts with '{'")
    }
    let header = try JSON.decode(Header.self, file: file, range: range)
    self.file = file
    headerBytes = range.upperBound
    tensors = try Self.place(header.tensors, start: range.upperBound, file: file)
  }

  /// The header's JSON.
  private struct Header: Decodable {
    var tensors: [(name: String, entry: Entry)] = []

    struct Entry: Decodable {
      let dtype: String
      let shape: [Int]
      let offsets: [Int]

      enum CodingKeys: String, CodingKey {
        case dtype, shape
        case offsets = "data_offsets"
      }
    }

    init(from decoder: any Decoder) throws {
      let container = try decoder.container(keyedBy: JSON.Key.self)
      // In order of names, so that the same file always gives the same error.
      for key in container.allKeys.sorted(by: { $0.stringValue < $1.stringValue }) {
        if key.stringValue == "__metadata__" {
          _ = try container.decode([String: String].self, forKey: key)
        } else {
          tensors.append((key.stringValue, try container.decode(Entry.self, forKey: key)))
        }
      }
    }
  }

  private static func place(
    _ entries: [(name: String, entry: Header.Entry)], start: Int, file: FileBytes
  ) throws(ModelFileError) -> [StoredTensor] {
    var tensors: [StoredTensor] = []
    for (name, entry) in entries {
      func error(_ kind: ModelFileError.Kind, _ detail: String) -> ModelFileError {
        ModelFileError(kind, file: file.path, subject: "tensor '\(name)'", offset: 8, detail)
      }
      guard let (bits, type) = types[entry.dtype] else {
        throw error(
          .unsupported, "dtype \(entry.dtype) is not known; usable are F32, F16, BF16")
      }
      var size = bits
      for dimension in entry.shape {
        let (product, overflow) = size.multipliedReportingOverflow(by: dimension)
        guard dimension >= 0, !overflow else {
          throw error(.malformed, "shape \(entry.shape) is negative or too large")
        }
        size = product
      }
      guard entry.offsets.count == 2, entry.offsets[0] >= 0,
        entry.offsets[0] <= entry.offsets[1]
      else {
        throw error(
          .malformed, "data_offsets \(entry.offsets) are not a start and an end behind it")
      }
      guard entry.offsets[1] <= file.count - start else {
        throw error(
          .truncated,
          "its data ends at byte \(entry.offsets[1]) of the data, which starts at byte \(start); "
            + "the file has \(file.count) bytes")
      }
      let bytes = entry.offsets[1] - entry.offsets[0]
      guard size % 8 == 0, size / 8 == bytes else {
        throw error(
          .malformed,
          "shape \(entry.shape) of \(entry.dtype) takes \(size / 8) bytes, its data_offsets "
            + "\(entry.offsets) hold \(bytes)")
      }
      tensors.append(
        StoredTensor(
          name: name, dimensions: entry.shape, typeName: entry.dtype, type: type, file: file,
          range: start + entry.offsets[0]..<start + entry.offsets[1]))
    }
    tensors.sort {
      ($0.range.lowerBound, $0.range.upperBound, $0.name)
        < ($1.range.lowerBound, $1.range.upperBound, $1.name)
    }
    try checkWithoutHoles(tensors, start: start, file: file)
    return tensors
  }

  private static func checkWithoutHoles(
    _ tensors: [StoredTensor], start: Int, file: FileBytes
  ) throws(ModelFileError) {
    var end = start
    for tensor in tensors {
      guard tensor.range.lowerBound == end else {
        let what = tensor.range.lowerBound < end ? "overlaps the tensor before it" : "leaves a hole"
        throw ModelFileError(
          .malformed, file: file.path, subject: "tensor '\(tensor.name)'",
          offset: tensor.range.lowerBound,
          "its data \(what); expected it at byte \(end)")
      }
      end = tensor.range.upperBound
    }
    guard end == file.count else {
      throw ModelFileError(
        .malformed, file: file.path, offset: end,
        "\(file.count - end) bytes behind the last tensor; expected the file to end here")
    }
  }

  /// Bits of an element, and the type where it can be computed with.
  private static let types: [String: (bits: Int, ElementType?)] = [
    "F32": (32, .float32), "F16": (16, .float16), "BF16": (16, .bfloat16), "F64": (64, nil),
    "BOOL": (8, nil), "U8": (8, nil), "I8": (8, nil), "I16": (16, nil), "U16": (16, nil),
    "I32": (32, nil), "U32": (32, nil), "I64": (64, nil), "U64": (64, nil), "C64": (64, nil),
    "F8_E4M3": (8, nil), "F8_E5M2": (8, nil), "F8_E8M0": (8, nil), "F4": (4, nil),
    "F6_E2M3": (6, nil), "F6_E3M2": (6, nil),
  ]
}
