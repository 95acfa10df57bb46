import Foundation
import ModelFiles
import Models
import Programs

/// Whether this host can hold what the nodes of a real payload load.
struct HostMemory {
  /// Bytes of weights, over all nodes of the larger half.
  let weights: Int
  /// Bytes of KV cache when full, in float32.
  let cache: Int

  /// What an experiment's nodes need. Both halves hold the whole model once, one after the other;
  /// replicated KV heads and cut blocks are little beside it.
  ///
  /// Throws what opening the model throws.
  init(_ experiment: Experiment) throws {
    let shape = experiment.modelled.shape
    let workload = experiment.modelled.workload
    weights =
      switch experiment.host.model {
      case .file(let path): try ModelFile.open(path).totalBytes
      // Synthetic weights are made in bfloat16.
      case .synthetic, .preset: shape.weights * 2
      }
    cache =
      shape.keyValuesPerToken * workload.positions * workload.batch * MemoryLayout<Float>.size
  }

  /// Throws `ConfigurationError` with the sum when it is more than what is available.
  func check(available: Int? = Self.available) throws(ConfigurationError) {
    guard let available, weights + cache > available else { return }
    func gigabytes(_ bytes: Int) -> String { String(format: "%.2f GB", Double(bytes) / 1e9) }
    throw ConfigurationError(
      .option("--payload"),
      "real needs \(gigabytes(weights + cache)) of this host's memory (weights "
        + "\(gigabytes(weights)), KV cache \(gigabytes(cache))), and "
        + "\(gigabytes(available)) are available",
      remedy: "Use --payload phantom: emulated times are the same. Or take a smaller model, batch "
        + "or context, or spread the nodes over hosts")
  }

  /// Bytes that new processes may take without swapping, as Linux estimates them; `nil` elsewhere.
  static var available: Int? {
    guard let text = try? String(contentsOfFile: "/proc/meminfo", encoding: .utf8) else {
      return nil
    }
    for line in text.split(separator: "\n") where line.hasPrefix("MemAvailable:") {
      let digits = line.drop { !$0.isNumber }.prefix { $0.isNumber }
      return Int(digits).map { $0 * 1024 }
    }
    return nil
  }
}
