import Messaging
import Programs
import Quantities

/// How a rank's faults travel: four lists, and every enumeration a byte and its fields in order.

extension ByteWriter {
  mutating func put(_ faults: RankFaults) {
    put(list: faults.links) { writer, link in
      writer.put(UInt32(link.to.index))
      writer.put(link.interval)
      writer.put(link.latency)
      writer.put(factor: link.serialization)
    }
    put(list: faults.losses) { writer, loss in
      writer.put(UInt32(loss.to.index))
      writer.put(loss.timeout)
      switch loss.which {
      case .message(let stream, let sequence):
        writer.put(UInt8(0))
        writer.put(stream.rawValue)
        writer.put(count: sequence)
      case .chance(let chance, let seed):
        writer.put(UInt8(1))
        writer.put(chance)
        writer.put(seed)
      }
    }
    put(list: faults.slowdowns) { writer, slowdown in
      writer.put(slowdown.interval)
      writer.put(factor: slowdown.factor)
      writer.put(slowdown.isOfFabricAlone)
    }
    put(list: faults.outages) { writer, outage in
      writer.put(outage.begins)
      writer.put(outage.lasts)
    }
  }

  private mutating func put(_ interval: RankFaults.Interval) {
    put(interval.begins)
    put(interval.ends != nil)
    if let ends = interval.ends { put(ends) }
  }

  /// - Precondition: both parts fit 64 bits, which the limits of an experiment's keys see to.
  private mutating func put(factor: Rational) {
    put(Int64(factor.numerator))
    put(Int64(factor.denominator))
  }
}

extension ByteReader {
  mutating func rankFaults(of rank: Rank) throws(FrameError) -> RankFaults {
    var faults = RankFaults(of: rank)
    faults.links = try list(minimumBytes: 4 + 9 + 8 + 16) { reader throws(FrameError) in
      RankFaults.SlowLink(
        to: try reader.nodeRank(), interval: try reader.interval(),
        latency: try reader.faultTime(), serialization: try reader.factor())
    }
    faults.losses = try list(minimumBytes: 4 + 8 + 10) { reader throws(FrameError) in
      RankFaults.Loss(
        to: try reader.nodeRank(), timeout: try reader.faultTime(), which: try reader.lost())
    }
    faults.slowdowns = try list(minimumBytes: 9 + 16 + 1) { reader throws(FrameError) in
      RankFaults.Slowdown(
        interval: try reader.interval(), factor: try reader.factor(),
        isOfFabricAlone: try reader.truth())
    }
    let outages = try list(minimumBytes: 16) { reader throws(FrameError) in
      RankFaults.Outage(begins: try reader.faultTime(), lasts: try reader.faultTime())
    }
    for outage in outages { faults.add(outage) }
    return faults
  }

  private mutating func lost() throws(FrameError) -> RankFaults.Loss.Which {
    let start = offset
    switch try get(UInt8.self) {
    case 0: return .message(try choice(), sequence: try count())
    case 1: return .chance(try get(), seed: try get())
    case let kind: throw .value(offset: start, "\(kind) is no kind of loss")
    }
  }

  private mutating func interval() throws(FrameError) -> RankFaults.Interval {
    let begins = try faultTime()
    return RankFaults.Interval(from: begins, until: try truth() ? try faultTime() : nil)
  }

  /// A time so far from the largest that sums of a few do not overflow.
  private mutating func faultTime() throws(FrameError) -> EmulatedTime {
    let start = offset
    let time = try time()
    guard time.picoseconds <= Int64.max / 4 else {
      throw .value(offset: start, "\(time.picoseconds) ps of a fault")
    }
    return time
  }

  private mutating func factor() throws(FrameError) -> Rational {
    let start = offset
    let numerator = try get(Int64.self)
    let denominator = try get(Int64.self)
    guard denominator > 0, numerator >= denominator else {
      throw .value(offset: start, "\(numerator)/\(denominator) is no factor of at least 1")
    }
    return Rational(Int128(numerator), over: Int128(denominator))
  }
}
