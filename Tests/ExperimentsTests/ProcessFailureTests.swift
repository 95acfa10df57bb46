import Foundation
import Messaging
import Programs
import Runtime
import TestSupport
import Testing
import ZeroMQ

@testable import Experiments

#if canImport(Glibc)
  import Glibc
#endif

/// What happens to real processes when one of them fails: the run ends with status 1 and says why, and
/// nothing is left behind.
@Suite("Failures of processes", .serialized)
struct ProcessFailureTests {
  /// Far more work than any test waits for, in tiny steps.
  private static let long = [
    "run", "--model", "synthetic-tiny", "--pp", "2", "--tp", "1", "--payload", "phantom",
    "--output-tokens", "500000",
  ]

  /// Runs `wafer` with its temporary files in a folder of its own, which must be empty afterwards.
  ///
  /// - Parameter onRunning: Called once when the cluster's nodes begin to run, with the coordinator.
  private func failing(
    _ arguments: [String], onRunning: @escaping @Sendable (Int32) -> Void = { _ in }
  ) async throws -> Ended {
    try await Fixtures.withShortFolder { folder in
      let children = Collected<Int32>()
      let ended = try await run(Products.wafer, arguments, temporary: folder) { process, line in
        children.append(contentsOf: Processes.children(of: process))
        if line.hasPrefix("cluster:"), line.hasSuffix("running") { onRunning(process) }
      }
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == [])
      for child in Set(children.all) {
        #expect(!Processes.isAlive(child), "process \(child) is left")
      }
      return ended
    }
  }

  @Test(
    "a killed node ends the run, which names its rank and the signal", arguments: ["tcp", "ipc"])
  func killed(transport: String) async throws {
    let ended = try await failing(Self.long + ["--transport", transport]) { process in
      let children = Processes.children(of: process)
      #expect(children.count == 2)
      if let child = children.first { kill(child, SIGKILL) }
    }
    #expect(ended.status == 1)
    #expect(
      ended.errors.contains(
        /the node of rank [01] ended in the middle of the run: signal 9 \(Killed\)/))
    #expect(ended.output.isEmpty)
  }

  @Test("a node program that ends at once ends the run", arguments: ["/bin/false", "/bin/true"])
  func endsAtOnce(program: String) async throws {
    let ended = try await failing(Self.long + ["--node-program", program])
    #expect(ended.status == 1)
    #expect(ended.errors.contains(/node process [0-9]+ ended before it registered/))
  }

  @Test("a node that never comes is missed by its rank")
  func neverRegisters() async throws {
    try await Fixtures.withShortFolder { folder in
      let program = "\(folder)/node"
      try "#!/bin/sh\nexec sleep 600\n".write(toFile: program, atomically: true, encoding: .utf8)
      chmod(program, 0o755)
      let ended = try await failing(
        Self.long + ["--node-program", program, "--registration-limit", "100ms"])
      #expect(ended.status == 1)
      #expect(ended.errors.contains("no node registered for ranks 0, 1 within"))
    }
  }

  @Test("only the missing ranks are named, with who is there")
  func missingRank() async throws {
    try await Fixtures.withShortFolder { folder in
      let coordinator = "ipc://\(folder)/coordinator"
      async let node = run(
        Products.node, ["--coordinator", coordinator, "--rank", "1", "--registration-limit", "30"])
      let ended = try await run(
        Products.wafer,
        Self.long + [
          "--external-nodes", "--coordinator", coordinator, "--registration-limit", "4 s",
        ])
      #expect(ended.status == 1)
      #expect(ended.errors.contains("no node registered for rank 0 within"), "\(ended.errors)")
      #expect(ended.errors.contains("there are rank 1: "))
      // The node is told why.
      let left = try await node
      #expect(left.status == 1)
      #expect(left.errors.contains("no node registered for rank 0"), "\(left.errors)")
    }
  }

  @Test("a refused node ends with status 1 and the coordinator's words")
  func refused() async throws {
    try await Fixtures.withShortFolder { folder in
      let words = "this coordinator speaks protocol version 9999"
      let endpoint = "ipc://\(folder)/coordinator"
      var router = try Socket<Router>(
        in: try Context(), options: SocketOptions { $0.receiveTimeout = .after(.seconds(60)) })
      try router.bind(Endpoint(rawValue: endpoint))
      async let node = run(Products.node, ["--coordinator", endpoint])
      let (sender, parts) = try router.receiveParts()
      guard case .success(.hello(let hello)) = ControlMessage.reading(Array(parts.joined())) else {
        Issue.record("the node's first word is no hello")
        return
      }
      #expect(hello.protocolVersion == ProtocolVersion.current)
      // As a coordinator of another version writes it.
      var frame = ControlMessage.refuse(words).encoded()
      frame.replaceSubrange(4..<6, with: [0x0F, 0x27])
      try router.send(frame, to: sender)
      let ended = try await node
      #expect(ended.status == 1)
      #expect(ended.errors.contains("the coordinator refused this node: \(words)"))
    }
  }

  @Test("a node whose coordinator is not there says so")
  func noCoordinator() async throws {
    try await Fixtures.withShortFolder { folder in
      let ended = try await run(
        Products.node,
        ["--coordinator", "ipc://\(folder)/nobody", "--registration-limit", "1"])
      #expect(ended.status == 1)
      #expect(ended.errors.contains("no coordinator answers at ipc://\(folder)/nobody for 1"))
    }
  }

  @Test("a node of others that is killed is seen by its connection, long before the limit")
  func connectionEnds() async throws {
    try await Fixtures.withShortFolder { folder in
      let coordinator = "ipc://\(folder)/coordinator"
      let node = ["--coordinator", coordinator, "--registration-limit", "60"]
      let program = try Products.nodeProgram(in: folder, before: "echo $$ >'\(folder)/victim'")
      async let first = run(program, node + ["--rank", "1"])
      async let second = run(Products.node, node + ["--rank", "0"])
      let lost = Collected<ContinuousClock.Instant>()
      let ended = try await run(
        Products.wafer,
        Self.long + [
          "--external-nodes", "--coordinator", coordinator, "--silence-limit", "600 s",
        ]
      ) { _, line in
        guard line.hasSuffix("running"),
          let text = try? String(contentsOfFile: "\(folder)/victim", encoding: .utf8),
          let process = Int32(text.trimmingCharacters(in: .whitespacesAndNewlines))
        else { return }
        kill(process, SIGKILL)
        lost.append(.now)
      }
      let killed = try #require(lost.all.first)
      #expect(ended.status == 1)
      #expect(
        ended.errors.contains("of which rank 1 has lost its connection"), "\(ended.errors)")
      #expect(
        ended.errors.contains("the connection of rank 1 ended while running"), "\(ended.errors)")
      // Five seconds, and as much again for a loaded host; the limit of silence is ten minutes.
      #expect(ContinuousClock.now - killed < .seconds(60))
      #expect(try await first.status == nil)
      let left = try await second
      #expect(left.status == 1)
      #expect(left.errors.contains("the connection of rank 1 ended"), "\(left.errors)")
    }
  }

  @Test("nodes end when their coordinator is killed")
  func coordinatorKilled() async throws {
    try await Fixtures.withShortFolder { folder in
      let coordinator = "ipc://\(folder)/coordinator"
      let node = [
        "--coordinator", coordinator, "--silence-limit", "600", "--registration-limit", "60",
      ]
      async let first = run(Products.node, node)
      async let second = run(Products.node, node)
      let killed = try await run(
        Products.wafer, Self.long + ["--external-nodes", "--coordinator", coordinator]
      ) { process, line in
        if line.hasSuffix("running") { kill(process, SIGKILL) }
      }
      #expect(killed.status == nil)
      for ended in try await [first, second] {
        #expect(ended.status == 1)
        // Not by its silence, for which they have ten minutes.
        #expect(
          ended.errors.contains("the connection to the coordinator at \(coordinator) has ended"),
          "\(ended.errors)")
      }
    }
  }

  @Test("nodes of a killed coordinator end, and remove what it cannot")
  func nothingLeft() async throws {
    try await Fixtures.withShortFolder { folder in
      let temporary = "\(folder)/t"
      try FileManager.default.createDirectory(
        atPath: temporary, withIntermediateDirectories: true)
      let children = Collected<Int32>()
      let killed = try await run(
        Products.wafer, Self.long + ["--transport", "ipc", "--silence-limit", "2s"],
        temporary: temporary
      ) { process, line in
        guard line.hasSuffix("running") else { return }
        children.append(contentsOf: Processes.children(of: process))
        kill(process, SIGKILL)
      }
      #expect(killed.status == nil)
      #expect(!children.all.isEmpty)
      for _ in 0..<600 where children.all.contains(where: Processes.isAlive) {
        try await Task.sleep(for: .milliseconds(100))
      }
      #expect(!children.all.contains(where: Processes.isAlive))
      #expect(try FileManager.default.contentsOfDirectory(atPath: temporary) == [])
    }
  }

  @Test("a control port in use is said with its address and what to do")
  func portInUse() async throws {
    var taken = try Socket<Router>(in: try Context())
    let endpoint = try taken.bind("tcp://127.0.0.1:*")
    let ended = try await failing(Self.long + ["--coordinator", endpoint.rawValue])
    #expect(ended.status == 1)
    #expect(ended.errors.contains("control socket cannot be opened"), "\(ended.errors)")
    #expect(ended.errors.contains(endpoint.rawValue), "\(ended.errors)")
    #expect(ended.errors.contains("--coordinator"), "\(ended.errors)")
  }

  @Test("an interrupted run ends its nodes", arguments: [SIGINT, SIGTERM])
  func interrupted(signal: Int32) async throws {
    let ended = try await failing(Self.long + ["--transport", "ipc"]) { process in
      kill(process, signal)
    }
    #expect(ended.status == 1)
    #expect(ended.errors.contains("the run was given up: interrupted by SIG"))
  }

  @Test("a terminal that closes signals more than once, and that is one interruption")
  func hungUp() async throws {
    let ended = try await failing(Self.long + ["--transport", "ipc"]) { process in
      for signal in [SIGHUP, SIGHUP, SIGTERM] {
        kill(process, signal)
        // Else the system makes one of two equal ones.
        usleep(20_000)
      }
    }
    #expect(ended.status == 1)
    #expect(ended.errors.contains("the run was given up: interrupted by SIGHUP"))
  }

  @Test("a model file that is not the coordinator's is refused by the node that loads it")
  func changedModel() async throws {
    try await Fixtures.withShortFolder { folder in
      let golden = Fixtures.repository.appendingPathComponent("Tests/Golden/models")
      let model = "\(folder)/model.gguf"
      try FileManager.default.copyItem(
        atPath: golden.appendingPathComponent("llama/model.gguf").path, toPath: model)
      let ended = try await run(
        Products.wafer,
        [
          "run", "--model", model, "--pp", "2", "--prompt-ids", "1,2,3", "--output-tokens", "2",
          "--weights", "path", "--node-program", try Self.changingProgram(in: folder, model: model),
        ])
      #expect(ended.status == 1)
      #expect(ended.errors.contains("is not the coordinator's model"), "\(ended.errors)")
      #expect(ended.errors.contains("rank "))
    }
  }

  /// A node program that swaps the model before it becomes a node: after the coordinator's look at it,
  /// before the node's own.
  private static func changingProgram(in folder: String, model: String) throws -> String {
    let other = Fixtures.repository.appendingPathComponent(
      "Tests/Golden/models/llama-q8_0/model.gguf"
    ).path
    return try Products.nodeProgram(
      in: folder, before: "cp '\(other)' '\(model)'.$$ && mv '\(model)'.$$ '\(model)'")
  }
}
