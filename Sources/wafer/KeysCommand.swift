import ArgumentParser
import Experiments
import ZeroMQTransport

/// `wafer keys`
struct KeysCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "keys",
    abstract: "Makes the keys of a secured cluster.",
    discussion: """
      The folder gets coordinator.secret for 'wafer run --keys FOLDER', nodes.public with the public keys \
      that the coordinator admits, and a secret file for the nodes: one that all share, or with --nodes \
      one for each, so that a single one can be shut out by taking its line out of nodes.public.

        wafer keys cluster-keys
        wafer run EXPERIMENT.yaml --external-nodes --coordinator tcp://0.0.0.0:5555 --keys cluster-keys
        wafer-node --coordinator tcp://HOST:5555 --key node.secret

      Give a node its own file and no other. Keys that are there are not overwritten.
      """)

  @Argument(help: "Folder for the keys.")
  var folder: String
  @Option(help: "Make a key of its own for each of so many nodes.")
  var nodes: String?
  @OptionGroup var format: FormatOption

  func run() throws {
    let count = try nodes.map { text throws(ConfigurationError) in
      try OptionValue.count(text, in: 1...4096, option: "--nodes")
    }
    let files = try KeyFiles.make(folder: folder, nodes: count)
    let document: JSONValue = [
      "schema": "wafer.keys/1", "coordinator": .string(folder),
      "nodes": .array(files.map { .string($0) }),
    ]
    format.print(document) { style in
      style.bold("Keys are in \(folder).") + "\nFor the coordinator: --keys \(folder)\nFor "
        + (count == nil ? "every node" : "the nodes, one each") + ": --key "
        + (files.count > 2
          ? "\(files[0]) to \(files[files.count - 1])" : files.joined(separator: ", "))
        + "\n"
    }
  }
}
