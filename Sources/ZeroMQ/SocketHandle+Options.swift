import CZeroMQ

/// Setting options. The name of an option goes into the error; keys do not, and neither do bytes.
extension SocketHandle {
  /// Sets one option; `nil` leaves it as it is.
  func set(_ option: CInt, _ value: CInt?, _ name: String) throws(ZeroMQError) {
    if let value { try setNumber(option, value, name) }
  }

  /// Sets one of the few options that take 64 bits.
  func setWide(_ option: CInt, _ value: Int64, _ name: String) throws(ZeroMQError) {
    try setNumber(option, value, name)
  }

  /// Sets one option that takes bytes.
  func set(_ option: CInt, _ bytes: [UInt8], _ name: String) throws(ZeroMQError) {
    guard zmq_setsockopt(pointer, option, bytes, bytes.count) == 0 else {
      throw .last(in: "zmq_setsockopt(\(name))")
    }
  }

  /// Sets this side's secret key.
  func set(_ key: CurveSecretKey) throws(ZeroMQError) {
    let result = key.withUnsafeBytes {
      zmq_setsockopt(pointer, ZMQ_CURVE_SECRETKEY, $0.baseAddress, $0.count)
    }
    guard result == 0 else { throw .last(in: "zmq_setsockopt(ZMQ_CURVE_SECRETKEY)") }
  }

  /// libzmq tells an option's type by its size, so that `Number` must be the very type it takes.
  private func setNumber<Number: FixedWidthInteger>(
    _ option: CInt, _ value: Number, _ name: String
  ) throws(ZeroMQError) {
    var value = value
    guard zmq_setsockopt(pointer, option, &value, MemoryLayout<Number>.size) == 0 else {
      throw .last(in: "zmq_setsockopt(\(name) = \(value))")
    }
  }
}
