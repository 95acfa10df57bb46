import Messaging
import Programs
import Quantities
import Runtime

extension Simulation {
  /// A fault happens, to the node that is drawn, or to one of those that are there.
  func strike(_ index: Int) throws(Violation) {
    let (fault, drawn) = (scenario.faults[index].fault, scenario.faults[index].node)
    guard coordinator.ended == nil else { return }
    let there = nodes.indices.filter { nodes[$0].condition == .running }
    say("fault: \(fault)")
    switch fault {
    case .coordinatorDies: return endCoordinator("coordinator died")
    case .interrupt:
      if coordinator.session != nil {
        try perform(coordinator.session!.abort("interrupted"))
      } else {
        endCoordinator("aborted")
      }
      return
    case .stranger: return try stranger()
    case .otherVersion: return try otherVersion()
    default: break
    }
    guard !there.isEmpty else { return }
    try strike(there[drawn % there.count], fault, index)
  }

  private func strike(_ node: Int, _ fault: Scenario.Fault, _ index: Int) throws(Violation) {
    say("  of \(nodes[node].name)")
    switch fault {
    case .crash: kill(node, "crash")
    case .pause(let time):
      nodes[node].condition = .stopped
      schedule(.resume(node), after: time)
    case .stall(let time):
      nodes[node].stalledUntil = max(nodes[node].stalledUntil, now + time)
      for toNode in [false, true] {
        repost(node, toNode: toNode, frames: nodes[node].takeAll(toNode: toNode))
      }
    case .cut(let time):
      // Its end is seen at once, or while it is away; where not even that gets through, never.
      for toNode in [false, true] where chance(2) {
        schedule(.hangUp(node, toNode: toNode), after: some(0, min(scenario.delay, time)))
      }
      nodes[node].cutUntil = max(nodes[node].cutUntil, now + time)
      _ = nodes[node].takeAll(toNode: true)
      let frames = nodes[node].takeAll(toNode: false)
      let lost = Int(some(0, Int64(frames.count)))
      repost(node, toNode: false, frames: Array(frames.dropFirst(lost)))
    case .full(let time): nodes[node].fullUntil = now + time
    case .workFails: nodes[node].workFails = true
    case .helloAgain:
      // As the control thread says it with every heartbeat until it is answered.
      var hello = ControlMessage.Hello(
        host: "here", process: nodes[node].process, processors: 1, instructions: "none")
      hello.boot = scenario.isLocal ? Self.boot : "boot\(node)"
      post(ControlMessage.hello(hello).encoded(), node: node, toNode: false)
    case .twice(let toNode):
      guard let frame = nodes[node].flying(toNode: toNode).last(where: Self.isWord) else {
        // Nothing is under way: a little later there may be.
        return schedule(.fault(index), after: some(1, 200 * Scenario.millisecond))
      }
      summary.seen.insert("came twice")
      post(frame, node: node, toNode: toNode)
    case .coordinatorDies, .interrupt, .stranger, .otherVersion: break
    }
  }

  private static func isWord(_ frame: [UInt8]) -> Bool {
    frame.withUnsafeBytes { ControlMessage.kind(of: $0)?.isCounted == true }
  }

  private func stranger() throws(Violation) {
    let identity = NodeIdentity([0x58, UInt8(some(0, 3))])
    let frames: [[UInt8]] = [
      [0xFF, 0x00], ControlMessage.failed("no node").encoded(), ControlMessage.status.encoded(),
      ControlMessage.windowDone(WindowReport(index: 0)).encoded(),
      ControlMessage.done(NodeReport()).encoded(), ControlMessage.astray("nowhere").encoded(),
    ]
    for frame in frames { try coordinatorHears(frame, from: identity) }
  }

  private func otherVersion() throws(Violation) {
    let hello = ControlMessage.Hello(
      protocolVersion: ProtocolVersion.current + 1, host: "elsewhere", process: 1, processors: 1,
      instructions: "none")
    var frame = ControlMessage.hello(hello).encoded()
    // The frame says it too, behind the mark.
    frame[4] = UInt8(truncatingIfNeeded: hello.protocolVersion)
    frame[5] = UInt8(hello.protocolVersion >> 8)
    try coordinatorHears(frame, from: NodeIdentity([0x58, 9]))
  }
}
