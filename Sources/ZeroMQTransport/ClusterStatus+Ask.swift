import Messaging
import Runtime
import ZeroMQ

extension ClusterStatus {
  /// Asks a coordinator who is registered; blocks the thread.
  ///
  /// Throws `RunError.coordinator` when nobody answers in time, or what answers is no coordinator of this
  /// version.
  public static func ask(
    _ address: String, within limit: Duration, keys: NodeKeys? = nil
  ) throws(RunError) -> ClusterStatus {
    do {
      var dealer = try Socket<Dealer>(
        in: try Context(),
        options: SocketOptions {
          $0.receiveTimeout = .after(limit)
          $0.linger = .immediate
          $0.maximumMessageSize = ControlLimits.largestFrame
          if let keys { $0.security = .curveClient(keys.own, server: keys.coordinator) }
        })
      try dealer.connect(Endpoint(rawValue: address))
      try dealer.send(ControlMessage.status.encoded())
      let frame = Array(try dealer.receiveParts().joined())
      guard case .members(let status) = try ControlMessage.reading(frame).get() else {
        throw RunError.coordinator("\(address) answered with something else than its nodes")
      }
      return status
    } catch let error as RunError {
      throw error
    } catch let error as ZeroMQError where error.code == .again {
      throw .coordinator(
        "no coordinator answers at \(address) within \(limit); is it running, reachable from here, and "
          + (keys == nil ? "open, without keys?" : "does it admit this key?"))
    } catch {
      throw .coordinator(
        "\(address) did not answer as a coordinator of this version does: \(error)")
    }
  }
}
