/// Where a time was spent. The entries of a time's account add up to the time, exactly.
///
/// An emulated time carries its account as a small vector. An instruction adds to the entries it is
/// made of; the maximum of two times keeps the account of the later one; so every time knows its own
/// critical path at no storage. The difference of two accounts is an account too (entries may then
/// be negative), and answers why one run was slower than another.
public struct Account: Hashable, Sendable {
  /// Arithmetic of kernels.
  public var compute = EmulatedTime.zero
  /// Communication inside a wafer, between PEs.
  public var fabric = EmulatedTime.zero
  /// Memory traffic; only devices priced by a roofline have it.
  public var memory = EmulatedTime.zero
  /// Latency of links between wafers.
  public var linkLatency = EmulatedTime.zero
  /// Bytes over bandwidth of links between wafers.
  public var linkSerialization = EmulatedTime.zero
  /// Waiting for an egress or ingress port.
  public var portQueue = EmulatedTime.zero
  /// Waiting for a region of PEs.
  public var regionQueue = EmulatedTime.zero
  /// Per-message overhead at either end of a link.
  public var overhead = EmulatedTime.zero
  /// Time before the request arrived.
  public var idle = EmulatedTime.zero

  /// An account of nothing.
  @inlinable
  public init() {}

  /// The entries, in the order in which every document and frame lists them.
  public enum Entry: String, CaseIterable, Sendable {
    case compute, fabric, memory
    case linkLatency = "link_latency"
    case linkSerialization = "link_serialization"
    case portQueue = "port_queue"
    case regionQueue = "region_queue"
    case overhead, idle
  }

  /// The entry that documents and frames call so.
  @inlinable
  public subscript(entry: Entry) -> EmulatedTime {
    get {
      switch entry {
      case .compute: compute
      case .fabric: fabric
      case .memory: memory
      case .linkLatency: linkLatency
      case .linkSerialization: linkSerialization
      case .portQueue: portQueue
      case .regionQueue: regionQueue
      case .overhead: overhead
      case .idle: idle
      }
    }
    set {
      switch entry {
      case .compute: compute = newValue
      case .fabric: fabric = newValue
      case .memory: memory = newValue
      case .linkLatency: linkLatency = newValue
      case .linkSerialization: linkSerialization = newValue
      case .portQueue: portQueue = newValue
      case .regionQueue: regionQueue = newValue
      case .overhead: overhead = newValue
      case .idle: idle = newValue
      }
    }
  }

  /// The sum of all entries. For the account of a time it equals that time.
  @inlinable
  public var total: EmulatedTime {
    compute + fabric + memory + linkLatency + linkSerialization + portQueue + regionQueue
      + overhead + idle
  }

  /// Entry by entry. Written out, since the evaluator adds accounts at every instruction.
  @inlinable
  public static func + (a: Self, b: Self) -> Self {
    var sum = a
    sum.compute += b.compute
    sum.fabric += b.fabric
    sum.memory += b.memory
    sum.linkLatency += b.linkLatency
    sum.linkSerialization += b.linkSerialization
    sum.portQueue += b.portQueue
    sum.regionQueue += b.regionQueue
    sum.overhead += b.overhead
    sum.idle += b.idle
    return sum
  }

  /// Entry by entry; entries of a difference may be negative.
  @inlinable
  public static func - (a: Self, b: Self) -> Self {
    var difference = a
    difference.compute -= b.compute
    difference.fabric -= b.fabric
    difference.memory -= b.memory
    difference.linkLatency -= b.linkLatency
    difference.linkSerialization -= b.linkSerialization
    difference.portQueue -= b.portQueue
    difference.regionQueue -= b.regionQueue
    difference.overhead -= b.overhead
    difference.idle -= b.idle
    return difference
  }
}
