import Defects
import Hardware
import Models
import Quantities

/// What stands for one rank: a wafer; for comparison a group of accelerators, or a process of a host.
public enum Device: Hashable, Sendable {
  case wafer(WaferDevice)
  case accelerators(AcceleratorGroup)
  case host(HostProcess)

  /// Its preset's name.
  public var name: String {
    switch self {
    case .wafer(let device): device.wafer.name
    case .accelerators(let group): group.accelerator.name
    case .host(let process): process.name
    }
  }

  /// Watts under load.
  public var power: Rational {
    switch self {
    case .wafer(let device): device.wafer.power
    case .accelerators(let group): group.accelerator.power * Rational(group.devices)
    // All processes together take the host's.
    case .host(let process):
      (process.power ?? Rational(0)) / Rational(process.busyProcesses)
    }
  }

  /// How one of them, or several, are called.
  public func noun(_ count: Int) -> String {
    let singular =
      switch self {
      case .wafer: "wafer"
      case .accelerators: "node"
      case .host: "process"
      }
    return count == 1 ? singular : singular + (singular.hasSuffix("s") ? "es" : "s")
  }
}

/// A wafer, and how the model is to lie on it.
public struct WaferDevice: Hashable, Sendable {
  /// The wafer, with its clock as the experiment has it, and with the mesh that defects leave.
  public var wafer: Wafer
  /// What prices its kernels.
  public var calibration: Calibration
  /// How many regions its layers are cut into.
  public var mapping: Mapping.Kind
  /// PEs of a region of layers.
  public var grid: Mapping.Grid
  /// Whether SRAM that is too small is taken as enlarged.
  public var allowsHypotheticalSRAM: Bool
  /// Dead PEs; `nil` for a wafer without any.
  public var defects: WaferDefects?
}

/// The dead PEs of every wafer of an experiment: all have the same map.
public struct WaferDefects: Hashable, Sendable {
  /// Where the map is from.
  public var source: Source
  /// What happens to dies that repair cannot save.
  public var beyondRepair: RepairedMesh.BeyondRepair
  /// The mesh that is left, and the hops that repair adds.
  public var mesh: RepairedMesh

  /// Where a map is from.
  public enum Source: Hashable, Sendable {
    /// Drawn by a seed: defects a mm², and how they cluster, `nil` for independent ones.
    case drawn(density: Rational, clustering: Rational?, seed: Int)
    /// Read from a file.
    case file(String)
  }
}

/// Equal accelerators that act as one node.
public struct AcceleratorGroup: Hashable, Sendable {
  /// One of them.
  public var accelerator: Accelerator
  /// How many.
  public var devices: Int
  /// Whether the number was given, or is the fewest that hold a rank's share.
  public var isAutomatic: Bool
  /// Whether memory that is too small is taken as enlarged.
  public var allowsHypotheticalMemory: Bool

  /// Links between nodes, where the experiment names none: the bandwidth of the fast links, and as latency
  /// what a tiny all-reduce over several nodes takes, since no source gives a message's.
  public var link: Link {
    Link(
      name: accelerator.name, latency: accelerator.clusterFloor,
      bandwidth: accelerator.linkBandwidth)
  }
}
