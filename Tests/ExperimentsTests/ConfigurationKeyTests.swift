import Models
import Testing

@testable import Experiments

struct ConfigurationKeyTests {
  static let names = ExperimentSchema.keys.map(\.name)

  @Test(
    "a misspelt key in a file is an error with file, line, key and the nearest key",
    arguments: names)
  func misspeltInFile(name: String) throws {
    let wrong = name + "q"
    let error = try #require(Fixtures.error("# a comment\n" + Fixtures.yaml(wrong, "1")))
    let line = name.contains(".") ? 3 : 2
    #expect(error.place == .file("test.yaml", line: line))
    #expect(error.key == wrong)
    #expect(error.nearest == name)
    #expect(error.description.hasPrefix("test.yaml:\(line): '\(wrong)' is not a key"))
    #expect(error.description.contains("the nearest is '\(name)'"))
  }

  @Test(
    "a misspelt key of --set is an error with the argument and the nearest key", arguments: names)
  func misspeltInSet(name: String) throws {
    let wrong = "q" + name
    let error = try #require(Fixtures.error(set: ["\(wrong)=1"]))
    #expect(error.place == .set("\(wrong)=1"))
    #expect(error.key == wrong)
    #expect(error.nearest == name)
    #expect(error.description.hasPrefix("--set \(wrong)=1: '\(wrong)' is not a key"))
  }

  @Test("a key at the wrong level leads to its place")
  func wrongLevel() throws {
    #expect(try #require(Fixtures.error("tensor: 2\n")).nearest == "plan.tensor")
    #expect(try #require(Fixtures.error("plan:\n  batch: 2\n")).nearest == "workload.batch")
    #expect(try #require(Fixtures.error("plan:\n  tensr: 2\n")).nearest == "plan.tensor")
  }

  @Test("a section that is no section is an error with the nearest key")
  func unknownSection() throws {
    let error = try #require(Fixtures.error("seed: 1\nworklod:\n  batch: 2\n"))
    #expect(error.place == .file("test.yaml", line: 2))
    #expect(error.key == "worklod")
    #expect(error.nearest == "workload")
  }

  @Test("a section without its keys, and a key with keys below it, are errors")
  func sectionsAndKeys() throws {
    #expect(try #require(Fixtures.error("plan: 3\n")).problem.contains("holds other keys"))
    #expect(try #require(Fixtures.error("seed:\n  a: 3\n")).problem.contains("one value"))
    #expect(try #require(Fixtures.error("plan.tensor: 3\n")).problem.contains("dot"))
    #expect(try #require(Fixtures.error(set: ["plan=3"])).problem.contains("holds other keys"))
  }

  @Test("model, hardware and link may be given as a word")
  func shorthand() throws {
    let long = "model:\n  name: llama-3.1-8b\nhardware:\n  name: wse-2\nlink:\n  name: ideal\n"
    let short = "model: llama-3.1-8b\nhardware: wse-2\nlink: ideal\n"
    #expect(try Fixtures.resolve(long).modelled == Fixtures.resolve(short).modelled)
    #expect(try Fixtures.resolve(set: ["model=llama-3.1-8b"]).modelled.shape.layers == 32)
    let twice = try #require(
      Fixtures.error("link: ideal\nmodel: llama-3.1-8b\nseed: 1\n", set: ["=3"]))
    #expect(twice.problem.contains("key=value"))
  }

  @Test("--set without an equals sign says how to write it")
  func setForm() throws {
    for argument in ["", "plan.tensor", "=2"] {
      let error = try #require(Fixtures.error(set: [argument]))
      #expect(error.place == .set(argument))
      #expect(error.remedy!.contains("--set plan.tensor=2"))
    }
  }

  @Test("every key has one meaning, an expectation, and a default that it accepts")
  func schemaIsSound() throws {
    #expect(Set(Self.names).count == Self.names.count)
    for key in ExperimentSchema.keys {
      #expect(!key.meaning.isEmpty)
      #expect(!key.expectation.isEmpty)
    }
    _ = try Fixtures.resolve()
  }
}
