import Foundation
import Hardware
import Testing

@testable import Experiments

struct ConfigurationPresetTests {
  /// Hosts are measured where they are, and none is committed.
  private static let committedKinds = PresetKind.allCases.filter { $0 != .host }

  @Test("every preset of the repository can be read and listed", arguments: committedKinds)
  func allRead(kind: PresetKind) throws {
    let listing = try PresetListing([kind], in: Fixtures.presets)
    #expect(!listing.entries.isEmpty)
    for entry in listing.entries {
      #expect(!entry.summary.isEmpty)
      #expect(!entry.figures.isEmpty)
      #expect(entry.figures.allSatisfy { !$0.source.isEmpty && !$0.value.isEmpty })
      let text = entry.text(TextStyle(width: 80, hasColour: false))
      for figure in entry.figures { #expect(text.contains(figure.key)) }
      #expect(!text.contains("\u{1B}"))
    }
    #expect(listing.json["presets"] == .array(listing.entries.map(\.json)))
    #expect(listing.text(TextStyle(width: 80, hasColour: true)).hasPrefix("\u{1B}[1m"))
  }

  @Test("every wafer's calibration is there")
  func calibrations() throws {
    for name in Fixtures.presets.names(of: .wafer) {
      let experiment = try Fixtures.resolve(set: ["hardware=\(name)"])
      #expect(
        experiment.modelled.waferDevice.calibration.name
          == experiment.modelled.waferDevice.wafer.calibration)
    }
  }

  @Test("a preset that is not there names the nearest and all there are")
  func unknownPreset() throws {
    let error = #expect(throws: ConfigurationError.self) {
      try Fixtures.presets.link("wse3-oi", at: .option("--link"), key: "link.name")
    }
    #expect(error?.nearest == "wse3-io")
    #expect(error?.remedy?.contains("100gbe") == true)
    #expect(error?.description.hasPrefix("--link: 'link.name' is 'wse3-oi'") == true)
  }

  static let link = """
    preset: link
    name: test
    summary: a link
    figures:
      latency:
        value: 5 us
        mark: published
        source: a paper
      bandwidth: {value: 1 GB/s, mark: assumed, source: chosen}
    """

  /// A change of the link above, the key at fault, its line, and what is nearest.
  static let broken: [(from: String, to: String, key: String, line: Int?, nearest: String?)] = [
    ("latency:", "latencie:", "figures.latencie", 5, "latency"),
    ("    mark: published", "    marc: published", "figures.latency.marc", 7, "mark"),
    ("mark: published", "mark: publishd", "mark", 7, "published"),
    ("value: 5 us", "value: 5", "figures.latency", 5, nil),
    ("value: 5 us", "value: 5 parsec", "figures.latency", 5, nil),
    ("value: 5 us", "value: 2 s", "figures.latency", 5, nil),
    ("value: 5 us", "value: [5 us]", "value", 6, nil),
    ("    value: 5 us\n", "", "figures.latency.value", 5, nil),
    ("    source: a paper\n", "", "figures.latency.source", 5, nil),
    (
      "  bandwidth: {value: 1 GB/s, mark: assumed, source: chosen}", "", "figures.bandwidth", 4, nil
    ),
    ("preset: link", "preset: wafer", "preset", 1, nil),
    ("preset: link\n", "", "preset", nil, nil),
    ("name: test", "name: toast", "name", 2, nil),
    ("summary: a link", "sumary: a link", "sumary", 3, "summary"),
    ("summary: a link\n", "", "summary", nil, nil),
    ("summary: a link", "summary: a link\nname: test", "name", 2, nil),
    ("summary: a link", "summary:", "summary", 3, nil),
    ("figures:", "figures: 3\nx:", "x", 5, nil),
  ]

  @Test("a broken preset names file, line, key and the nearest key", arguments: broken)
  func brokenPreset(from: String, to: String, key: String, line: Int?, nearest: String?) throws {
    let text = Self.link.replacing(from, with: to, maxReplacements: 1)
    #expect(text != Self.link)
    let error = #expect(throws: ConfigurationError.self) {
      let yaml = try StrictYAML(path: "links/test.yaml", text: text)
      _ = try PresetFile(yaml: yaml, kind: .link, expectedName: "test").preset(of: Link.self)
    }
    #expect(error?.place == .file("links/test.yaml", line: line), "\(error!)")
    #expect(error?.key == key, "\(error!)")
    if let nearest { #expect(error?.nearest == nearest, "\(error!)") }
  }

  @Test("a broken calibration names the row or group at fault")
  func brokenCalibration() throws {
    let path = "\(Fixtures.presets.folder)/calibration/waferllm-wse2.yaml"
    let whole = try String(contentsOfFile: path, encoding: .utf8)
    let changes: [(from: String, to: String, key: String)] = [
      ("phase: decode", "phase: decoding", "rows[0].phase"),
      ("    side:", "    sid:", "rows[0].sid"),
      ("240: 15", "240: 17", "groups.configurations"),
      ("groups:\n  mark: published", "groups:\n  mark: guessed", "mark"),
      ("decode_row:", "decode_rows:", "figures.decode_rows"),
      ("wafer: wse-2\n", "", "wafer"),
    ]
    for (from, to, key) in changes {
      let text = whole.replacing(from, with: to, maxReplacements: 1)
      #expect(text != whole, "\(from)")
      let error = #expect(throws: ConfigurationError.self) {
        let yaml = try StrictYAML(path: "c.yaml", text: text)
        _ = try PresetFile(yaml: yaml, kind: .calibration, expectedName: "waferllm-wse2")
          .calibration()
      }
      #expect(error?.key == key, "\(error!)")
    }
  }

  @Test("presets are found by option, environment, executable, current folder, installation")
  func locating() throws {
    try Fixtures.withFolder { root in
      func makeLibrary(_ path: String) throws -> String {
        try FileManager.default.createDirectory(
          atPath: "\(root)/\(path)/hardware", withIntermediateDirectories: true)
        return "\(root)/\(path)"
      }
      func locate(
        asked: String? = nil, environment: [String: String] = [:], executable: String = "bin/wafer",
        current: String = "project/deep"
      ) throws -> String {
        try FileManager.default.createDirectory(
          atPath: "\(root)/\(current)", withIntermediateDirectories: true)
        try FileManager.default.createDirectory(
          atPath: "\(root)/bin", withIntermediateDirectories: true)
        return try PresetLibrary.locate(
          asked: asked, environment: environment, executable: "\(root)/\(executable)",
          currentFolder: "\(root)/\(current)"
        ).folder
      }
      let none = #expect(throws: ConfigurationError.self) { try locate() }
      #expect(none?.description.contains("\(root)/project/Configs") == true)
      #expect(none?.description.contains("\(root)/share/wafercluster/Configs") == true)
      #expect(none?.description.contains("WAFER_CONFIGS") == true)

      let installed = try makeLibrary("share/wafercluster/Configs")
      #expect(try locate() == installed)
      let current = try makeLibrary("project/Configs")
      #expect(try locate() == current)
      let beside = try makeLibrary("bin/Configs")
      #expect(try locate() == beside)
      let named = try makeLibrary("elsewhere")
      #expect(try locate(environment: ["WAFER_CONFIGS": named]) == named)
      #expect(try locate(asked: installed, environment: ["WAFER_CONFIGS": named]) == installed)
      let wrong = #expect(throws: ConfigurationError.self) { try locate(asked: "\(root)/bin") }
      #expect(wrong?.place == .option("--configs"))
      let variable = #expect(throws: ConfigurationError.self) {
        try locate(environment: ["WAFER_CONFIGS": "/nowhere"])
      }
      #expect(variable?.place == .option("$WAFER_CONFIGS"))
    }
  }
}
