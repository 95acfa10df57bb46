import Foundation
import Messaging
import Programs
import Runtime
import TestSupport
import Testing
import ZeroMQ
import ZeroMQTransport

#if canImport(Glibc)
  import Glibc
#endif

@Suite("A secured cluster")
struct SecurityTests {
  private static func withFolder<Result>(_ body: (String) throws -> Result) throws -> Result {
    let folder = NSTemporaryDirectory() + "wafer-keys-\(UInt32.random(in: 0 ... .max))"
    defer { try? FileManager.default.removeItem(atPath: folder) }
    return try body(folder)
  }

  private static func options(_ file: String, rank: Int? = nil) throws -> NodeService.Options {
    var options = NodeService.Options()
    options.keys = try NodeKeys(file: file)
    options.requestedRank = rank
    options.registrationLimit = .seconds(20)
    return options
  }

  @Test("admitted nodes run over encrypted sockets; strangers get nothing, and are counted")
  func strangers() throws {
    try Self.withFolder { folder in
      let files = try KeyFiles.make(folder: folder, nodes: 2)
      let coordinator = try Coordinator(
        address: "tcp://127.0.0.1:*", keys: try CoordinatorKeys(folder: folder))
      let endpoint = coordinator.endpoint
      let experiment = SocketExperiment(seed: 3)
      let plain = try SocketExperiment(seed: 3).outcome(
        of: try Coordinator(address: "tcp://127.0.0.1:*")
      ) { _ in NodeService.Options() }

      // Without keys, and with keys of another cluster: neither is heard.
      let wrong = NodeKeys(
        own: try CurveKeyPair(),
        coordinator: try CoordinatorKeys(folder: folder).own.publicKey)
      let strangers = [nil, wrong].map { keys in
        Worker {
          var options = NodeService.Options()
          options.keys = keys
          options.registrationLimit = .seconds(2)
          try NodeService(coordinator: endpoint, options: options).run()
        }
      }
      let outcome = try experiment.outcome(of: coordinator) { rank in
        try Self.options(files[rank % 2], rank: rank)
      }
      #expect(outcome.reports.map(\.clockDigest) == plain.reports.map(\.clockDigest))
      #expect(
        outcome.windows.map { $0.map(\.outputs.count) }
          == plain.windows.map { $0.map(\.outputs.count) })
      for stranger in strangers {
        let failure = #expect(throws: NodeFailure.self) { try stranger.join() }
        #expect(failure?.reason.contains("no coordinator answers") == true, "\(failure!)")
      }
    }
  }

  @Test("a data socket of a secured node takes no message of a stranger")
  func data() throws {
    let context = try Context()
    let mine = try CurveKeyPair()
    let stranger = try CurveKeyPair()
    var authenticator = try Authenticator(in: context)
    let transport = SocketTransport(
      context: context,
      limits: .init(wait: .milliseconds(700), queue: 4, largestPayload: 64),
      abortFlag: AbortFlag(), keys: mine)
    let place = try transport.bind("tcp://127.0.0.1:*", for: Rank(1))
    let outside = try Context()
    for security in [
      SocketOptions.Security.none, .curveClient(stranger, server: mine.publicKey),
    ] {
      var socket = try Socket<Push>(
        in: outside,
        options: SocketOptions {
          $0.security = security
          $0.linger = .immediate
          $0.sendTimeout = .after(.milliseconds(300))
        })
      try socket.connect(place)
      try? socket.send([UInt8](repeating: 1, count: MessageHeader.byteCount))
      // What the control thread does: it admits nobody here.
      for _ in 0..<20 {
        try? authenticator.answer(.dontWait) { _ in .refuse(reason: "no") }
        usleep(10_000)
      }
    }
    var payload = [UInt8](repeating: 0, count: 16)
    let error = #expect(throws: TransportError.self) {
      try payload.withUnsafeMutableBytes { bytes in
        _ = try transport.receive(from: Rank(1), stream: .token, into: bytes)
      }
    }
    #expect(error == .timeout(milliseconds: 700))
  }

  @Test("keys are for their owner alone, are not overwritten, and read back")
  func files() throws {
    try Self.withFolder { folder in
      let files = try KeyFiles.make(folder: folder, nodes: 3)
      #expect(files == (0..<3).map { "\(folder)/node-\($0).secret" })
      for name in ["coordinator.secret", "node-0.secret", "node-2.secret"] {
        let attributes = try FileManager.default.attributesOfItem(atPath: "\(folder)/\(name)")
        #expect((attributes[.posixPermissions] as? Int) == 0o600, "\(name)")
      }
      let coordinator = try CoordinatorKeys(folder: folder)
      #expect(coordinator.admitted.count == 3)
      for file in files {
        let node = try NodeKeys(file: file)
        #expect(node.coordinator == coordinator.own.publicKey)
        #expect(coordinator.admitted.contains(node.own.publicKey))
      }
      let again = #expect(throws: KeyFileError.self) {
        try KeyFiles.make(folder: folder, nodes: nil)
      }
      #expect(again?.description.contains("is there already") == true)
    }
  }

  @Test(
    "what is no key file is an error that names it and quotes no secret",
    arguments: [
      ("secret", 0o600, "is neither a word and a key nor a comment"),
      ("coordinator abc", 0o600, "has 0 lines that begin with 'secret'"),
      ("secret abcdefgh\ncoordinator abc", 0o600, "its secret is no key"),
      (
        "secret JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6\ncoordinator abc", 0o600,
        "'abc' is no public key"
      ),
      ("secret x", 0o604, "is open to everyone on this host; chmod o="),
    ])
  func wrong(text: String, mode: Int, words: String) throws {
    try Self.withFolder { folder in
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
      let path = "\(folder)/node.secret"
      try text.write(toFile: path, atomically: false, encoding: .utf8)
      chmod(path, mode_t(mode))
      let error = #expect(throws: KeyFileError.self) { try NodeKeys(file: path) }
      #expect(error?.description.contains(words) == true, "\(error!)")
      #expect(error?.description.contains(path) == true)
      #expect(error?.description.contains("abcdefgh") == false)
      #expect(error?.description.contains("JTKVSB") == false)
    }
  }
}
