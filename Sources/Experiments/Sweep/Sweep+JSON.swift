extension Sweep {
  /// Names of the columns of its rows.
  public var columns: [String] {
    SweepRow.columns(of: grid.axes, measures: measures != nil)
  }

  /// What the experiment asks, as its file says it.
  private var summary: String? {
    switch grid.base["summary"]?.value {
    case .plain(let text), .quoted(let text): text
    default: nil
    }
  }

  /// What `sweep.json` holds: all that its rows follow from, and how it was called.
  ///
  /// - Parameter command: The command line, program first.
  public func json(command: [String]) -> JSONValue {
    [
      "schema": "wafer.sweep/1",
      "summary": summary.map { .string($0) } ?? .null,
      "experiment": base?.json ?? .null,
      "settings": .object(
        Dictionary(
          uniqueKeysWithValues: grid.base.without("host.output").names.map { name in
            (name, grid.base[name]!.value.json)
          })),
      "axes": .array(
        grid.axes.map {
          [
            "key": .string($0.column), "keys": .array($0.keys.map { .string($0.name) }),
            "name": .string($0.name),
            "values": .array($0.values.map { .string($0) }),
          ]
        }),
      "points": .integer(grid.count),
      "measure_every": measures.map { .integer($0.every) } ?? .null,
      "columns": .array(columns.map { .string($0) }),
      "command": .array(command.map { .string($0) }),
      "provenance": [
        "tool_version": .string(Provenance.toolVersion), "presets": presetsJSON,
      ],
    ]
  }

  /// The preset files of all points, each once, in the order in which they are met.
  private var presetsJSON: JSONValue {
    var seen = Set<PresetSource>()
    var presets: [JSONValue] = []
    for case .success(let point) in points {
      for preset in point.evaluated.presets where seen.insert(preset).inserted {
        presets.append([
          "kind": .string(preset.kind.rawValue), "name": .string(preset.name),
          "file": .string(preset.file), "sha256": .string(preset.sha256),
        ])
      }
    }
    return .array(presets)
  }
}

extension Settings.Value {
  /// As it was written.
  fileprivate var json: JSONValue {
    switch self {
    case .plain(let text), .quoted(let text): .string(text)
    case .list(let words): .array(words.map { .string($0) })
    case .items(let items): .array(items.map { .string("\($0)") })
    }
  }
}
