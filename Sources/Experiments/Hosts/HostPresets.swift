import Hardware

/// The measured hosts and links of a folder, as `wafer calibrate --host` writes them.
public struct HostPresets: Sendable {
  /// Where they are.
  public let folder: String
  /// The hosts, by number of busy processes.
  public let hosts: [LoadedPreset<HostProcess>]
  private let library: PresetLibrary
  private let place: Place

  /// Reads the hosts of a folder whose names begin so and end in their number of busy processes.
  ///
  /// - Parameter name: As it was given to `calibrate`; needed where a folder holds several.
  ///
  /// Throws `ConfigurationError` at `place` when there is none, or there are several and none is named.
  public init(folder: String, name: String?, at place: Place) throws(ConfigurationError) {
    self.folder = folder
    self.place = place
    library = try PresetLibrary.locate(asked: folder, at: place)
    let names = library.names(of: .host)
    let stems = Set(names.map(Self.stem)).sorted()
    let remedy = "Make them with 'wafer calibrate --host --model MODEL --output \(folder)'"
    guard !names.isEmpty else {
      throw ConfigurationError(place, "'\(folder)' holds no measured host", remedy: remedy)
    }
    if let name, !stems.contains(name) {
      throw ConfigurationError(
        .option("--name"), "is '\(name)', and '\(folder)' holds no host of that name",
        nearest: NearestName.of(name, among: stems),
        remedy: "The hosts are \(stems.joined(separator: ", "))")
    }
    guard let stem = name ?? (stems.count == 1 ? stems[0] : nil) else {
      throw ConfigurationError(
        place, "'\(folder)' holds several hosts: \(stems.joined(separator: ", "))",
        remedy: "Say which with --name")
    }
    var hosts: [LoadedPreset<HostProcess>] = []
    for name in names where Self.stem(name) == stem {
      hosts.append(try library.host(name, at: place))
    }
    self.hosts = hosts.sorted { $0.value.busyProcesses < $1.value.busyProcesses }
  }

  /// The name without the number of busy processes.
  private static func stem(_ name: String) -> String {
    guard let dash = name.lastIndex(of: "-"), Int(name[name.index(after: dash)...]) != nil else {
      return name
    }
    return String(name[..<dash])
  }

  /// The host that was measured with so many busy; else that with the next fewer, or the fewest.
  public func host(busy: Int) -> LoadedPreset<HostProcess> {
    hosts.last { $0.value.busyProcesses <= busy } ?? hosts[0]
  }

  /// The link of a host.
  ///
  /// Throws `ConfigurationError` when its file is not there or cannot be read.
  public func link(of host: LoadedPreset<HostProcess>) throws(ConfigurationError) -> Link {
    try library.link(
      host.value.link, at: .file("\(folder)/\(host.source.file)", line: nil), key: "figures.link"
    ).value
  }
}
