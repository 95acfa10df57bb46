import Fabric

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Runs algorithms on meshes and prints wavelet-hops a second, with the build of their programs left out.
///
/// Times are the process's own CPU time, so that other work on the machine shows less.
///
/// From below: an event touches about six cache lines, of a lane, a wavelet, a PE, a step and its memory. At
/// 4 ns each, from the second-level cache, it takes 24 ns, and 40 million events a second are the limit. A
/// hop in a star is one event, so 40 million hops a second; in a chain it is three (link, ramp, ramp), so
/// 13 million. Where a mesh does not fit that cache it is less.
///
/// `fabric-bench [repetitions]`
@main
struct FabricBench {
  static func main() throws {
    let repetitions = CommandLine.arguments.dropFirst().first.flatMap { Int($0) } ?? 3
    for (algorithm, width, height, wavelets) in [
      (FabricAlgorithm.chain, 512, 1, 4096), (.chain, 64, 64, 256), (.broadcast, 64, 64, 256),
      (.star, 512, 1, 64), (.twoTreeAllReduce, 64, 64, 256), (.ringAllReduce, 64, 1, 4096),
    ] {
      let mesh = try Mesh(width: width, height: height)
      let program = try FabricExperiment(algorithm, mesh: mesh, wavelets: wavelets).program()
      var rates: [Double] = []
      var hops = 0
      for _ in 0..<repetitions {
        let start = cpuTime()
        let run = try FabricRun(program)
        rates.append(Double(run.traffic.waveletHops) / ((cpuTime() - start) / .seconds(1)))
        hops = run.traffic.waveletHops
      }
      rates.sort()
      print(
        "\(algorithm.rawValue) \(width)x\(height), \(wavelets) wavelets: \(hops) wavelet-hops,",
        "\(millions(rates[0])) to \(millions(rates[rates.count - 1])) M/s (at least 5)")
    }
  }

  /// What the process has used of its processor so far.
  static func cpuTime() -> Duration {
    var time = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
  }

  /// Millions to one decimal.
  static func millions(_ value: Double) -> String {
    let tenths = Int(value / 1e5)
    return "\(tenths / 10).\(tenths % 10)"
  }
}
