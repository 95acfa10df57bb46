import ArgumentParser
import Programs
import Runtime
import ZeroMQ
import ZeroMQTransport

/// A node's options, from the command line and the environment, checked.
struct NodeSettings {
  let coordinator: String
  let options: NodeService.Options

  /// - Parameter environment: The value of a variable.
  ///
  /// Throws `ValidationError` that names the option or variable.
  init(_ node: Node, environment: (String) -> String?) throws {
    func variable(_ name: String) -> (value: String, name: String)? {
      environment(name).flatMap { $0.isEmpty ? nil : ($0, name) }
    }
    func either(_ option: String?, _ name: String, _ fallback: String) -> (String, String)? {
      option.map { ($0, name) } ?? variable(fallback).map { ($0.value, $0.name) }
    }
    guard let (address, place) = either(node.coordinator, "--coordinator", "WAFER_COORDINATOR")
    else {
      throw ValidationError(
        "the coordinator's address is missing; give --coordinator tcp://HOST:PORT, or set "
          + "WAFER_COORDINATOR")
    }
    guard address.hasPrefix("tcp://") || address.hasPrefix("ipc://") else {
      throw ValidationError(
        "\(place) '\(address)' is no address; write tcp://HOST:PORT or ipc://PATH")
    }
    coordinator = address
    guard node.registrationLimit > 0, node.silenceLimit > 0 else {
      throw ValidationError("limits are numbers of seconds, at least 1")
    }
    var options = NodeService.Options()
    options.requestedRank = try Self.rank(node.rank, variable)
    options.address = either(node.address, "--address", "WAFER_ADDRESS")?.0
    options.bind = either(node.bind, "--bind", "WAFER_BIND")?.0
    options.ports = try either(node.ports, "--ports", "WAFER_PORTS").map(Self.ports)
    options.cache = either(node.cache, "--cache", "WAFER_CACHE")?.0
    if let (path, _) = either(node.key, "--key", "WAFER_KEY") {
      do { options.keys = try NodeKeys(file: path) } catch {
        throw ValidationError("\(error)")
      }
    }
    // For tests of recovery; nobody else needs to know it.
    if let (text, name) = variable("WAFER_CRASH_AT") {
      guard let crash = CrashPoint(text) else {
        throw ValidationError("\(name) '\(text)' is no 'RANK weights|instruction NUMBER MARKER'")
      }
      options.crash = crash
    }
    let isOpen = node.insecure || variable("WAFER_INSECURE")?.value == "1"
    if options.keys == nil, !isOpen, Endpoint(rawValue: address).isReachedByOthers {
      throw ValidationError(
        "\(place) '\(address)' is on another host, and there is no key; give --key FILE, made by "
          + "'wafer keys', or say --insecure")
    }
    options.launchFolder = node.launchFolder
    options.registrationLimit = .seconds(node.registrationLimit)
    options.silenceLimit = .seconds(node.silenceLimit)
    self.options = options
  }

  private static func rank(
    _ option: Int?, _ variable: (String) -> (value: String, name: String)?
  ) throws -> Int? {
    let limit = Rank.maximumCount
    if let option {
      guard (0..<limit).contains(option) else {
        throw ValidationError("--rank \(option) is not between 0 and \(limit - 1)")
      }
      return option
    }
    for name in ["WAFER_RANK", "SLURM_PROCID", "JOB_COMPLETION_INDEX"] {
      guard let (value, name) = variable(name) else { continue }
      guard let rank = Int(value), (0..<limit).contains(rank) else {
        throw ValidationError("\(name) '\(value)' is no rank: a number from 0 to \(limit - 1)")
      }
      return rank
    }
    return nil
  }

  private static func ports(_ text: String, _ place: String) throws -> ClosedRange<UInt16> {
    let ends = text.split(separator: "-", omittingEmptySubsequences: false).map { UInt16($0) }
    guard ends.count == 2, let first = ends[0], let last = ends[1], first > 0, first <= last else {
      throw ValidationError(
        "\(place) '\(text)' is no range of ports; write two numbers from 1 to 65535, such as "
          + "6000-6100")
    }
    return first...last
  }
}
