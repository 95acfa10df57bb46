/// Presets as `wafer models`, `hardware`, `links` and `calibrations` show them.
public struct PresetListing: Hashable, Sendable {
  /// One entry a preset, by kind and name.
  public let entries: [Entry]

  /// A preset with every figure as its file has it.
  public struct Entry: Hashable, Sendable {
    /// Its name.
    public let name: String
    /// One sentence on what it is.
    public let summary: String
    /// Its figures.
    public let figures: [ListedFigure]
    /// Its file.
    public let source: PresetSource

    init<Value>(_ preset: LoadedPreset<Value>) {
      name = preset.source.name
      summary = preset.summary
      figures = preset.figures
      source = preset.source
    }

    /// The document of one preset.
    public var json: JSONValue {
      [
        "name": .string(name),
        "kind": .string(source.kind.rawValue),
        "summary": .string(summary),
        "file": .string(source.file),
        "sha256": .string(source.sha256),
        "figures": .array(
          figures.map {
            [
              "key": .string($0.key), "value": .string($0.value), "mark": .string($0.mark),
              "source": .string($0.source), "meaning": .string($0.meaning),
            ]
          }),
      ]
    }

    /// Name, summary, and a table of the figures with mark and source.
    public func text(_ style: TextStyle) -> String {
      var table = Table(columns: ["figure", "value", "mark", "source"])
      for figure in figures {
        table.append([figure.key, figure.value, figure.mark, figure.source])
      }
      return style.bold(name) + ": \(summary)\n\(source.file), sha256 \(source.sha256)\n\n"
        + table.text(style)
    }
  }

  /// Reads all presets of these kinds, or the one that is asked for.
  ///
  /// Throws `ConfigurationError` when a file cannot be read or there is none of that name.
  public init(_ kinds: [PresetKind], name: String? = nil, in library: PresetLibrary)
    throws(ConfigurationError)
  {
    let place = Place.option("NAME")
    if let name {
      let kind = try library.kind(of: name, among: kinds, at: place)
      entries = [try Self.entry(name, kind, at: place, in: library)]
      return
    }
    var entries: [Entry] = []
    for kind in kinds {
      for name in library.names(of: kind) {
        entries.append(try Self.entry(name, kind, at: place, in: library))
      }
    }
    self.entries = entries
  }

  private static func entry(
    _ name: String, _ kind: PresetKind, at place: Place, in library: PresetLibrary
  ) throws(ConfigurationError) -> Entry {
    switch kind {
    case .model: Entry(try library.model(name, at: place))
    case .wafer: Entry(try library.wafer(name, at: place))
    case .accelerator: Entry(try library.accelerator(name, at: place))
    case .host: Entry(try library.host(name, at: place))
    case .link: Entry(try library.link(name, at: place))
    case .calibration: Entry(try library.calibration(name, at: place))
    }
  }

  /// The document of all.
  public var json: JSONValue {
    ["schema": "wafer.presets/1", "presets": .array(entries.map(\.json))]
  }

  /// A table a kind, with the first figures of each preset.
  public func text(_ style: TextStyle) -> String {
    PresetKind.allCases.compactMap { kind in
      let entries = entries.filter { $0.source.kind == kind }
      guard !entries.isEmpty else { return nil }
      let shown = Self.shownFigures[kind]!
      var table = Table(columns: ["name"] + shown + ["summary"])
      for entry in entries {
        let values = shown.map { key in entry.figures.first { $0.key == key }?.value ?? "" }
        table.append([entry.name] + values + [entry.summary])
      }
      return table.text(style)
    }.joined(separator: "\n")
  }

  /// The figures by which one chooses.
  private static let shownFigures: [PresetKind: [String]] = [
    .model: ["layers", "width", "query_heads", "key_value_heads", "vocabulary"],
    .wafer: ["columns", "rows", "clock", "sram_per_pe", "off_wafer_bandwidth"],
    .accelerator: ["memory", "memory_bandwidth", "peak", "power"],
    .host: ["model", "precision", "busy_processes"],
    .link: ["latency", "bandwidth"],
    .calibration: ["clock"],
  ]
}
