/// What a preset file describes.
public enum PresetKind: String, CaseIterable, Hashable, Sendable {
  case model, wafer, accelerator, host, link, calibration

  /// The folder of such presets under `Configs`.
  public var folder: String {
    switch self {
    case .model: "models"
    // They share it: a file says itself which it is.
    case .wafer, .accelerator, .host: "hardware"
    case .link: "links"
    case .calibration: "calibration"
    }
  }
}

/// Which file a preset was read from, so that a result can name the version it was made with.
public struct PresetSource: Hashable, Sendable {
  /// What it describes.
  public let kind: PresetKind
  /// Its name.
  public let name: String
  /// The file, as folder and file under `Configs`: `hardware/wse-3.yaml`.
  public let file: String
  /// Digest of the file's bytes, as `sha256sum` prints it.
  public let sha256: String
}

/// A preset and the file it was read from.
public struct LoadedPreset<Value: Hashable & Sendable>: Hashable, Sendable {
  /// One sentence on what it is.
  public let summary: String
  /// What pricing uses.
  public let value: Value
  /// Its figures as written, with mark and source.
  public let figures: [ListedFigure]
  /// The file.
  public let source: PresetSource
}

/// A figure as listings show it: as written, with its mark and source.
public struct ListedFigure: Hashable, Sendable {
  /// The key in the file.
  public let key: String
  /// As written, with its unit.
  public let value: String
  /// `published`, `secondary`, `derived` or `assumed`.
  public let mark: String
  /// Where it was read, or how it was derived, or why it was assumed.
  public let source: String
  /// What the key means.
  public let meaning: String
}
