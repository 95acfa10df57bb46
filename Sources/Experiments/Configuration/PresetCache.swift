import Synchronization

/// Presets that a library has read, so that a command which resolves many experiments reads each file once.
///
/// A library without one reads the file every time, as a change of the file should show.
final class PresetCache: Hashable, Sendable {
  private let loaded = Mutex<[String: any Sendable]>([:])

  /// What was read before under this key; else what `load` reads now.
  func value<Value: Sendable>(
    _ key: String, load: () throws(ConfigurationError) -> Value
  ) throws(ConfigurationError) -> Value {
    if let known = loaded.withLock({ $0[key] }) as? Value { return known }
    let value = try load()
    loaded.withLock { $0[key] = value }
    return value
  }

  /// Two caches are the same when they are one: what they hold is the files' own.
  static func == (a: PresetCache, b: PresetCache) -> Bool { a === b }

  func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(self)) }
}
