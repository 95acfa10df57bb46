import Foundation
import Testing

/// What the files of `Cluster` promise to programs that no test of this target starts. `scripts/test-cluster`
/// renders, validates and runs them.
struct ClusterFilesTests {
  let repository = Repository()

  var paths: [String] {
    repository.files(below: "Cluster", endingIn: [""]).filter {
      !repository.isFolder($0) && !$0.hasSuffix(".md")
    }
  }

  @Test("containers are told nothing that no program reads")
  func environment() throws {
    let folders = ["Sources/wafer-node", "Sources/wafer"]
    let sources = try folders.flatMap { repository.files(below: $0, endingIn: [".swift"]) }
      .flatMap { try repository.lines($0) }.joined(separator: "\n")
    // What a container is given: in Kubernetes a name, in Compose a key of 'environment'.
    let given = /(?:- name: |^ {6})(WAFER_[A-Z]+)(?:$|: )/
    var found = 0
    for path in paths where path.hasSuffix(".yaml") {
      for line in try repository.lines(path) {
        guard let match = line.firstMatch(of: given) else { continue }
        found += 1
        #expect(sources.contains("\"\(match.1)\""), "\(path): nobody reads \(match.1)")
      }
    }
    #expect(found >= 4)
  }

  @Test("no image is named with a registry, and every base can be replaced")
  func images() throws {
    for path in paths {
      for line in try repository.lines(path) {
        if let match = line.firstMatch(of: /^\s*image: (.+)$/) {
          let name = match.1.replacing(/\$\{WAFER_IMAGE:-(.*)\}/) { $0.1 }
          #expect(!name.contains("/"), "\(path): \(line)")
        }
        if let match = line.firstMatch(of: /^(?:ARG [A-Z]+_IMAGE=|FROM )(\S+)/) {
          #expect(!match.1.contains("/"), "\(path): \(line)")
          let isOpen = line.hasPrefix("ARG") || match.1.hasPrefix("${") || match.1 == "scratch"
          #expect(isOpen, "\(path): \(line)")
        }
      }
    }
  }
}
