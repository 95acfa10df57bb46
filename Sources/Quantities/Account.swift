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
  /// What a slower link, a slower wafer or its dead PEs added to messages and kernels, for as long as the fault lasted.
  public var slowdown = EmulatedTime.zero
  /// What it took to send again what was lost on a link: timeouts, and the port's time for each repeat.
  public var resend = EmulatedTime.zero
  /// Waiting for a wafer that was lost or under repair, and the work that was lost with it.
  public var outage = EmulatedTime.zero

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
    case overhead, idle, slowdown, resend, outage

    /// Those that only faults of an experiment add to.
    public static let ofFaults: [Entry] = [.slowdown, .resend, .outage]
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
      case .slowdown: slowdown
      case .resend: resend
      case .outage: outage
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
      case .slowdown: slowdown = newValue
      case .resend: resend = newValue
      case .outage: outage = newValue
      }
    }
  }

  /// The sum of all entries. For the account of a time it equals that time.
  @inlinable
  public var total: EmulatedTime {
    compute + fabric + memory + linkLatency + linkSerialization + portQueue + regionQueue
      + overhead + idle + slowdown + resend + outage
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
    sum.slowdown += b.slowdown
    sum.resend += b.resend
    sum.outage += b.outage
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
    difference.slowdown -= b.slowdown
    difference.resend -= b.resend
    difference.outage -= b.outage
    return difference
  }
}
