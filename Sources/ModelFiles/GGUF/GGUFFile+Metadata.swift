/// Typed access to metadata: the value, `nil` where the key is absent, an error where it is of another
/// kind.
extension GGUFFile {
  func integer(_ key: String) throws(ModelFileError) -> Int? {
    guard let value = metadata[key] else { return nil }
    guard let integer = value.integer else {
      throw wrong(key, value, expected: "an integer")
    }
    return integer
  }

  func number(_ key: String) throws(ModelFileError) -> Double? {
    guard let value = metadata[key] else { return nil }
    if case .float(let number) = value { return number }
    if let integer = value.integer { return Double(integer) }
    throw wrong(key, value, expected: "a number")
  }

  func bool(_ key: String) throws(ModelFileError) -> Bool? {
    guard let value = metadata[key] else { return nil }
    guard case .bool(let bool) = value else { throw wrong(key, value, expected: "a bool") }
    return bool
  }

  func string(_ key: String) throws(ModelFileError) -> String? {
    guard let value = metadata[key] else { return nil }
    guard case .string(let string) = value else { throw wrong(key, value, expected: "a string") }
    return string
  }

  /// Ranges of an array's strings in the file, without their lengths.
  func stringRanges(_ key: String) throws(ModelFileError) -> [Range<Int>]? {
    guard let value = metadata[key] else { return nil }
    guard case .array(let array) = value, array.elementType == .string else {
      throw wrong(key, value, expected: "an array of strings")
    }
    var cursor = FileCursor(file: file, offset: array.range.lowerBound, subject: "key '\(key)'")
    var ranges: [Range<Int>] = []
    ranges.reserveCapacity(array.count)
    for _ in 0..<array.count { ranges.append(try cursor.stringRange("a string")) }
    return ranges
  }

  /// An array of integers of any width.
  func integers(_ key: String) throws(ModelFileError) -> [Int]? {
    guard let value = metadata[key] else { return nil }
    guard case .array(let array) = value else {
      throw wrong(key, value, expected: "an array of integers")
    }
    var cursor = FileCursor(file: file, offset: array.range.lowerBound, subject: "key '\(key)'")
    var integers: [Int] = []
    integers.reserveCapacity(array.count)
    for _ in 0..<array.count {
      let element: Int? =
        switch array.elementType {
        case .uint8: Int(try cursor.integer(UInt8.self, "an element"))
        case .int8: Int(try cursor.integer(Int8.self, "an element"))
        case .uint16: Int(try cursor.integer(UInt16.self, "an element"))
        case .int16: Int(try cursor.integer(Int16.self, "an element"))
        case .uint32: Int(try cursor.integer(UInt32.self, "an element"))
        case .int32: Int(try cursor.integer(Int32.self, "an element"))
        case .uint64: Int(exactly: try cursor.integer(UInt64.self, "an element"))
        case .int64: Int(exactly: try cursor.integer(Int64.self, "an element"))
        case .float32, .float64, .bool, .string, .array: nil
        }
      guard let element else { throw wrong(key, value, expected: "an array of integers") }
      integers.append(element)
    }
    return integers
  }

  private func wrong(_ key: String, _ value: GGUFValue, expected: String) -> ModelFileError {
    ModelFileError(
      .malformed, file: file.path, subject: "key '\(key)'",
      "expected \(expected), found \(value.kindName)")
  }
}
