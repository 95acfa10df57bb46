import Runtime

/// What a result was made with.
enum Provenance {
  static let toolVersion = Tool.version
}
