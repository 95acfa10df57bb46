import Programs
import Quantities

/// The first frame of a data message: whose it is, what it carries, and its emulated time.
///
/// The payload is a frame of its own behind it, so that numbers are never copied to be framed. The
/// account beside the arrival is why every time knows where it was spent, whatever rank it comes to.
public struct MessageHeader: Hashable, Sendable {
  /// Tells runs apart, so that a frame of another run is found out.
  public var run: UInt64
  /// The rank that sends it.
  public var source: Rank
  /// The stream between the two.
  public var stream: Stream
  /// Place in the stream, from 0.
  public var sequence: UInt64
  /// Whether numbers follow.
  public var type: PayloadType
  /// Shape of the payload: a flat run of this many elements, even when it is phantom.
  public var elements: Int
  /// Bytes of the payload frame; 0 when it is phantom.
  public var payloadBytes: Int
  /// When the message left, in emulated time.
  public var departure: EmulatedTime
  /// When it arrives, in emulated time, and how that came to be.
  public var arrival: Stamp

  /// What the payload frame holds.
  public enum PayloadType: UInt8, CaseIterable, Sendable {
    /// Nothing: emulated time only.
    case phantom
    /// 4-byte floats, or the 4-byte tokens of a token stream.
    case words
  }

  /// Takes each field as it is.
  public init(
    run: UInt64, source: Rank, stream: Stream, sequence: UInt64, type: PayloadType, elements: Int,
    payloadBytes: Int, departure: EmulatedTime, arrival: Stamp
  ) {
    self.run = run
    self.source = source
    self.stream = stream
    self.sequence = sequence
    self.type = type
    self.elements = elements
    self.payloadBytes = payloadBytes
    self.departure = departure
    self.arrival = arrival
  }

  /// "WFRM", least significant byte first.
  public static let magic: UInt32 = 0x4D52_4657
  /// Bytes of the frame: magic, version, stream, type, source, run, sequence, elements, payload
  /// bytes, departure, arrival, and the entries of the account.
  public static let byteCount = 4 + 2 + 1 + 1 + 8 * 7 + 8 * Account.Entry.allCases.count

  /// Writes the frame into `buffer`, which holds at least `byteCount` bytes.
  public func write(into buffer: UnsafeMutableRawBufferPointer) {
    precondition(buffer.count >= Self.byteCount)
    var offset = 0
    func put<Value: FixedWidthInteger>(_ value: Value) {
      buffer.storeBytes(of: value.littleEndian, toByteOffset: offset, as: Value.self)
      offset += MemoryLayout<Value>.size
    }
    put(Self.magic)
    put(ProtocolVersion.current)
    put(stream.rawValue)
    put(type.rawValue)
    put(UInt64(source.index))
    put(run)
    put(sequence)
    put(Int64(elements))
    put(Int64(payloadBytes))
    put(departure.picoseconds)
    put(arrival.time.picoseconds)
    for entry in Account.Entry.allCases { put(arrival.account[entry].picoseconds) }
  }

  /// Reads a frame.
  ///
  /// Throws `FrameError` for a frame that is cut short or too long, is not ours or of another version,
  /// names something unknown, or whose account does not add up to its arrival.
  public init(reading frame: UnsafeRawBufferPointer) throws(FrameError) {
    var reader = ByteReader(frame)
    let magic = try reader.get(UInt32.self)
    guard magic == Self.magic else { throw .magic(magic) }
    let version = try reader.get(UInt16.self)
    guard version == ProtocolVersion.current else {
      throw .version(found: version, expected: ProtocolVersion.current)
    }
    stream = try reader.choice()
    type = try reader.choice()
    let sourceOffset = reader.offset
    let source = try reader.get(UInt64.self)
    guard source < UInt64(Rank.maximumCount) else {
      throw .value(offset: sourceOffset, "rank \(source) of at most \(Rank.maximumCount)")
    }
    self.source = Rank(Int(source))
    run = try reader.get()
    sequence = try reader.get()
    elements = try reader.count()
    let sizeOffset = reader.offset
    payloadBytes = try reader.count()
    let (words, overflow) = elements.multipliedReportingOverflow(by: 4)
    guard !overflow, payloadBytes == (type == .phantom ? 0 : words) else {
      throw .value(
        offset: sizeOffset, "\(payloadBytes) payload bytes for \(elements) elements of \(type)")
    }
    departure = try reader.time()
    let arrival = try reader.time()
    var account = Account()
    var total: Int64 = 0
    for entry in Account.Entry.allCases {
      account[entry] = try reader.time()
      total &+= account[entry].picoseconds
    }
    try reader.finish()
    guard total == arrival.picoseconds, let stamp = Stamp(time: arrival, account: account) else {
      throw .account(arrival: arrival.picoseconds, total: total)
    }
    self.arrival = stamp
  }
}

/// The version of everything that nodes and coordinator say to each other.
public enum ProtocolVersion {
  /// Raised with every change of a frame.
  public static let current: UInt16 = 5
}
