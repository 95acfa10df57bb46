import Experiments
import Quantities

extension FuzzTarget {
  /// Most requests that a fuzzed experiment draws: the schema allows ten million, whose drawing takes seconds and
  /// reads no byte of the file.
  static let mostRequests = 1000

  /// Reads an experiment file and resolves it.
  static func experiment(_ bytes: [UInt8], _ presets: PresetLibrary) -> Outcome {
    guard let text = String(validating: bytes, as: UTF8.self) else {
      return .rejected("is not UTF-8 text")
    }
    // Paths in the file are not followed: what they name is not the input's.
    let resolver = ExperimentResolver(presets: presets) { _ in throw NotOpened() }
    do throws(ConfigurationError) {
      var settings = try Settings(yaml: text, path: "memory")
      if case .plain(let count)? = settings["workload.requests"]?.value,
        let count = Int(count), (mostRequests...10_000_000).contains(count)
      {
        var fewer = Settings()
        try fewer.set("workload.requests", to: .plain("\(mostRequests)"), at: .builtIn)
        settings.merge(fewer)
      }
      _ = try resolver.resolve(settings)
      return .accepted
    } catch {
      return .rejected(error.problem)
    }
  }

  private struct NotOpened: Error {}
}
