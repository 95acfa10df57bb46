import FoundationEssentials
import Tensors

/// Reading JSON with errors that name the file, and writing the texts in it.
package enum JSON {
  /// A text as a JSON string, with its quotes.
  package static func quoted(_ text: String) -> String {
    var out = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": out += "\\\""
      case "\\": out += "\\\\"
      case _ where scalar.value < 0x20:
        let hex = String(scalar.value, radix: 16)
        out += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
      default: out.unicodeScalars.append(scalar)
      }
    }
    return out + "\""
  }

  /// Any key of an object.
  struct Key: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }

    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
  }

  /// A value that this program cannot use; a `ModelFileError` once the file is known.
  struct KeyError: Error {
    var kind: ModelFileError.Kind
    var key: String
    var detail: String

    init(_ kind: ModelFileError.Kind = .unsupported, key: String, _ detail: String) {
      self.kind = kind
      self.key = key
      self.detail = detail
    }

    func inFile(_ path: String) -> ModelFileError {
      ModelFileError(kind, file: path, subject: "key '\(key)'", detail)
    }
  }

  /// Decodes a part of a file.
  static func decode<T: Decodable>(
    _ type: T.Type, file: FileBytes, range: Range<Int>? = nil
  ) throws(ModelFileError) -> T {
    let range = range ?? 0..<file.count
    let bytes = UnsafeRawBufferPointer(rebasing: file.storage.bytes[range])
    do {
      return try JSONDecoder().decode(type, from: Data(bytes))
    } catch let error as KeyError {
      throw error.inFile(file.path)
    } catch let error as DecodingError {
      throw ModelFileError(
        .malformed, file: file.path, offset: range.lowerBound == 0 ? nil : range.lowerBound,
        describe(error))
    } catch {
      throw ModelFileError(
        .malformed, file: file.path, offset: range.lowerBound == 0 ? nil : range.lowerBound,
        "\(error)")
    }
  }

  private static func describe(_ error: DecodingError) -> String {
    switch error {
    case .typeMismatch(let type, let context):
      "\(path(context)) is not of type \(type)"
    case .valueNotFound(let type, let context):
      "\(path(context)) is null; expected \(type)"
    case .keyNotFound(let key, let context):
      "\(path(context)) has no key '\(key.stringValue)'"
    case .dataCorrupted(let context):
      // Without full Foundation the decoder does not say what or where.
      context.codingPath.isEmpty
        ? "not valid JSON, or a number that is not whole or too large"
        : "\(path(context)): \(context.debugDescription)"
    @unknown default: "\(error)"
    }
  }

  private static func path(_ context: DecodingError.Context) -> String {
    context.codingPath.isEmpty
      ? "the document"
      : "'" + context.codingPath.map(\.stringValue).joined(separator: ".") + "'"
  }
}
