import Foundation
import Quantities
import Serving

extension ExperimentResolver {
  /// The requests of a service, or `nil` for one batch of equal sequences.
  ///
  /// Throws `ConfigurationError` for what a kind of arrivals needs and has not, for what it has no use for, and for
  /// a trace that cannot be read, with its row.
  func served(_ reader: SettingsReader, prompt: Prompt) throws(ConfigurationError)
    -> ServedRequests?
  {
    guard let written = try reader.text("workload.arrivals") else {
      for key in Self.keysOfServices where reader.isSet(key) {
        throw reader.error(
          key, "is given without 'workload.arrivals'",
          remedy: "Say how requests come: --arrivals together, closed-loop, poisson or trace")
      }
      return nil
    }
    let kind = ServedRequests.Kind(rawValue: written)!
    guard case .drawn(let promptMean) = prompt else {
      throw reader.error(
        reader.isSet("workload.prompt") ? "workload.prompt" : "workload.prompt_ids",
        "is one prompt, and requests have many",
        remedy: "Give --prompt-tokens, their mean length; the tokens are drawn by the seed")
    }
    for (key, kinds) in Self.kindsOfKeys where reader.isSet(key) && !kinds.contains(kind) {
      throw reader.error(
        key, "is given, and arrivals are '\(written)'",
        remedy: "It belongs to " + kinds.map { "'\($0.rawValue)'" }.joined(separator: " and "))
    }
    if reader.isSet("host.logits") {
      throw reader.error(
        "host.logits", "is given, and arrivals are '\(written)'",
        remedy: "Logits are kept of one batch: leave --arrivals out")
    }
    let lengths = ServedRequests.Lengths(
      prompt: try reader.choice("workload.prompt_lengths"), promptMean: promptMean,
      output: try reader.choice("workload.output_lengths"),
      outputMean: try reader.count("workload.output_tokens"))
    let (arrivals, source) = try arrivals(kind, reader)
    let count = try reader.optionalCount("workload.requests")
    if count == nil, kind != .trace {
      throw reader.error(
        "workload.requests", "is missing", remedy: "Say how many requests come: --requests 1000")
    }
    let requests = arrivals.requests(
      count: count ?? 0, prompt: (lengths.prompt, lengths.promptMean),
      output: (lengths.output, lengths.outputMean), seed: UInt64(try reader.count("seed")))
    let limit = { (key: String) throws(ConfigurationError) in
      try reader.quantity(key).map { EmulatedTime(seconds: $0) }
    }
    return ServedRequests(
      kind: kind, source: source, lengths: lengths, requests: requests,
      goal: ServingMetrics.Goal(
        timeToFirstToken: try limit("workload.ttft_limit"),
        timePerOutputToken: try limit("workload.tpot_limit")))
  }

  private func arrivals(
    _ kind: ServedRequests.Kind, _ reader: SettingsReader
  ) throws(ConfigurationError) -> (Arrivals, ServedRequests.Source) {
    switch kind {
    case .together: return (.together, .together)
    case .closedLoop:
      guard let users = try reader.optionalCount("workload.users") else {
        throw reader.error(
          "workload.users", "is missing", remedy: "Say how many users a closed loop has: --users 8")
      }
      let pause = EmulatedTime(seconds: try reader.quantity("workload.pause")!)
      return (.closedLoop(users: users, pause: pause), .users(users, pause: pause))
    case .poisson:
      guard let rate = try reader.quantity("workload.rate") else {
        throw reader.error(
          "workload.rate", "is missing", remedy: "Say how many requests come: --rate 2.5/s")
      }
      return (.poisson(rate: rate), .rate(rate))
    case .trace:
      guard let path = try reader.text("workload.trace") else {
        throw reader.error(
          "workload.trace", "is missing",
          remedy: "Give a file with the columns TIMESTAMP,ContextTokens,GeneratedTokens")
      }
      guard let data = FileManager.default.contents(atPath: path) else {
        throw reader.error("workload.trace", "is '\(path)', which cannot be read")
      }
      do {
        return (
          .trace(try Trace.rows(String(decoding: data, as: UTF8.self))),
          .trace(path: path, sha256: SHA256.hexadecimal(Array(data)))
        )
      } catch {
        throw reader.error("workload.trace", "is '\(path)', whose \(error)")
      }
    }
  }

  static let keysOfServices = [
    "workload.requests", "workload.rate", "workload.users", "workload.pause", "workload.trace",
    "workload.prompt_lengths", "workload.output_lengths", "workload.ttft_limit",
    "workload.tpot_limit",
  ]

  private static let kindsOfKeys: [(String, [ServedRequests.Kind])] = [
    ("workload.rate", [.poisson]), ("workload.users", [.closedLoop]),
    ("workload.pause", [.closedLoop]), ("workload.trace", [.trace]),
    ("workload.requests", [.together, .closedLoop, .poisson]),
    ("workload.prompt_lengths", [.together, .closedLoop, .poisson]),
    ("workload.output_lengths", [.together, .closedLoop, .poisson]),
  ]
}
