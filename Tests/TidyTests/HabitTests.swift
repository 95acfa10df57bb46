import Foundation
import Testing

/// What `swift format lint` does not see.
struct HabitTests {
  let repository = Repository()

  /// Longest file: what does not fit is more than one idea. Generous, as a test's table may be long.
  static let mostLines = 500

  @Test("no file is longer than one idea")
  func length() throws {
    for path in repository.texts where path.hasSuffix(".swift") || path.hasSuffix(".c") {
      let count = try repository.lines(path).count
      #expect(count <= Self.mostLines, "\(path) has \(count) lines; split it by topic")
    }
  }

  @Test("no tab, no space at a line's end, no line past column 110")
  func lines() throws {
    for path in repository.texts {
      for (index, line) in try repository.lines(path).enumerated() {
        let place = "\(path):\(index + 1)"
        #expect(!line.contains("\t"), "\(place) has a tab")
        #expect(!line.hasSuffix(" "), "\(place) ends in a space")
        // Code is held to 100 columns by the formatter; tables and addresses in prose may be longer.
        if path.hasSuffix(".c") || path.hasSuffix(".h") {
          #expect(line.count <= 110, "\(place) has \(line.count) columns")
        }
      }
    }
  }

  /// Written in pieces, so that this file does not find itself.
  static let leftovers = [
    "TO" + "DO", "FIX" + "ME", "XX" + "X:", "/wo" + "rk/shared", "/wo" + "rk/main", "/ro" + "ot/",
  ]

  @Test("nothing is left for later, and no path of a developer's machine")
  func leftovers() throws {
    for path in repository.texts {
      for (index, line) in try repository.lines(path).enumerated() {
        for word in Self.leftovers where line.contains(word) {
          Issue.record("\(path):\(index + 1) has '\(word)'")
        }
      }
    }
  }

  @Test("every script can be executed, says how it is used, and stops at the first error")
  func scripts() throws {
    for path in repository.files(below: "scripts", endingIn: [""])
    where !repository.isFolder(path) && !path.contains(".d/")
      && !path.hasSuffix(".awk") && path != "scripts/lib"
    {
      let lines = try repository.lines(path)
      let full = repository.root.appendingPathComponent(path).path
      #expect(FileManager.default.isExecutableFile(atPath: full), "\(path)")
      #expect(lines[0] == "#!/usr/bin/env bash", "\(path)")
      #expect(lines[1].hasPrefix("# \(path)"), "\(path) begins with how it is used")
      #expect(lines.contains("set -euo pipefail"), "\(path)")
      #expect(lines.contains { $0.hasPrefix("help_if_asked") }, "\(path) has no --help")
    }
  }

  @Test("decision records are numbered from 1 without a gap")
  func decisions() {
    let numbers = repository.files(below: "docs/decisions", endingIn: [".md"]).map { path in
      Int(path.split(separator: "/").last!.prefix(4)) ?? -1
    }
    #expect(!numbers.isEmpty && numbers == Array(1...max(1, numbers.count)), "\(numbers)")
  }

  @Test("links between documents lead somewhere")
  func links() throws {
    for path in ["README.md", "CHANGELOG.md", "Cluster/README.md"]
      + repository.files(below: "docs", endingIn: [".md"])
    {
      let folder = path.split(separator: "/").dropLast().joined(separator: "/")
      for (index, line) in try repository.lines(path).enumerated() {
        for match in line.matches(of: /\]\(([^)#]+)(#[^)]*)?\)/) {
          let target = String(match.1)
          guard !target.contains("://") else { continue }
          let full = folder.isEmpty ? target : "\(folder)/\(target)"
          #expect(repository.exists(full), "\(path):\(index + 1) links to \(target)")
        }
      }
    }
  }
}
