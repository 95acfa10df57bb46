import Foundation
import Testing

@testable import Experiments

struct ConfigurationFileTests {
  @Test("a key that stands twice is an error with its line")
  func duplicates() throws {
    let error = try #require(Fixtures.error("seed: 1\nplan:\n  tensor: 1\n  tensor: 2\n"))
    #expect(error.place == .file("test.yaml", line: 3))
    #expect(error.key == "tensor")
    #expect(try #require(Fixtures.error("seed: 1\nseed: 2\n")).key == "seed")
  }

  @Test(
    "what is no plain YAML mapping is an error with its line",
    arguments: [
      ("plan:\n\ttensor: 2\n", 2), ("a: [1, 2\nb: 3\n", 2), ("- 1\n- 2\n", 1), ("text\n", 1),
      ("seed: &a 3\n", 1), ("seed: *a\n", 1), ("seed: 1\n---\nseed: 2\n", 2),
      ("seed: 1\n[1, 2]: 3\n", 2), ("? {a: 1}\n: 2\n", 1),
    ])
  func malformed(text: String, line: Int) throws {
    let error = try #require(Fixtures.error(text))
    guard case .file("test.yaml", let found?) = error.place else {
      Issue.record("\(error) has no line")
      return
    }
    #expect(abs(found - line) <= 1, "\(error)")
  }

  @Test("depth without end is an error, not a crash")
  func depth() throws {
    for text in [
      String(repeating: "[", count: 100_000), String(repeating: "{a: ", count: 100_000),
      String(repeating: "- ", count: 50_000), String(repeating: "? ", count: 50_000),
      "seed: " + String(repeating: "[", count: 200) + String(repeating: "]", count: 200),
    ] {
      #expect(Fixtures.error(text) != nil)
    }
  }

  @Test("a file that is empty, missing, a folder, too large or no text is an error with its path")
  func unreadable() throws {
    try Fixtures.withFolder { folder in
      func problem(_ name: String) -> String? {
        do {
          _ = try Settings(file: "\(folder)/\(name)")
          return nil
        } catch {
          #expect(error.place == .file("\(folder)/\(name)", line: nil))
          return error.problem
        }
      }
      try Data().write(to: URL(fileURLWithPath: "\(folder)/empty.yaml"))
      try Data("# only a comment\n".utf8).write(to: URL(fileURLWithPath: "\(folder)/comment.yaml"))
      try Data([0xFF, 0xFE, 0x00, 0xC3, 0x28])
        .write(to: URL(fileURLWithPath: "\(folder)/bytes.yaml"))
      try Data(repeating: UInt8(ascii: "#"), count: StrictYAML.largestFile + 1)
        .write(to: URL(fileURLWithPath: "\(folder)/large.yaml"))
      #expect(problem("empty.yaml") == "is empty")
      #expect(problem("comment.yaml") == "is empty")
      #expect(problem("bytes.yaml") == "is not UTF-8 text")
      #expect(problem("large.yaml")?.contains("larger than") == true)
      #expect(problem("missing.yaml") == "does not exist")
      #expect(problem("") == "is a folder")
    }
  }

  @Test("a model's path in a file is relative to the file")
  func relativePaths() throws {
    let settings = try Settings(yaml: "model: models/a.gguf\n", path: "/x/y/exp.yaml")
    let place = try #require(settings["model.name"]).place
    #expect(ModelReference("models/a.gguf", at: place) == .file("/x/y/models/a.gguf"))
    #expect(ModelReference("/a.gguf", at: place) == .file("/a.gguf"))
    #expect(ModelReference("a.gguf", at: .option("--model")) == .file("a.gguf"))
    #expect(ModelReference("synthetic-small", at: place) == .synthetic("small"))
    #expect(ModelReference("llama-3.1-8b", at: place) == .preset("llama-3.1-8b"))
  }

  @Test("cut or broken anywhere, an experiment file never crashes the reader")
  func fuzz() throws {
    func read(_ bytes: some Collection<UInt8>) {
      guard
        let settings = try? Settings(
          yaml: String(decoding: bytes, as: UTF8.self), path: "test.yaml")
      else { return }
      try? SettingsReader(settings: settings).checkAll()
    }
    let text = Array(try Fixtures.resolve().yaml.utf8)
    for end in stride(from: 0, through: text.count, by: 5) {
      read(text[..<end])
    }
    for index in stride(from: 0, to: text.count, by: 17) {
      for byte in [UInt8(ascii: ":"), UInt8(ascii: "["), UInt8(ascii: "\""), 0x09, 0x00] {
        var broken = text
        broken[index] = byte
        read(broken)
      }
    }
  }
}
