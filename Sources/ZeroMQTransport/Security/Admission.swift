import Synchronization
import ZeroMQ

/// Who may connect to a process of a secured cluster, and how many were turned away.
///
/// libzmq asks during the handshake, before a byte of a stranger reaches a socket of ours.
final class Admission: Sendable {
  private struct State {
    var keys: Set<CurvePublicKey>
    var refused = 0
    var lastAddress = ""
  }

  private let state: Mutex<State>

  init(_ keys: Set<CurvePublicKey> = []) { state = Mutex(State(keys: keys)) }

  /// Admits these and no others from now on.
  func admit(_ keys: Set<CurvePublicKey>) { state.withLock { $0.keys = keys } }

  /// Peers that were turned away so far, and the address of the last.
  var refused: (count: Int, address: String) {
    state.withLock { ($0.refused, $0.lastAddress) }
  }

  /// Answers all who wait for an answer.
  func answer(_ authenticator: inout Authenticator) throws(ZeroMQError) {
    while true {
      do {
        try authenticator.answer(.dontWait) { decide($0) }
      } catch  where error.code == .again {
        return
      }
    }
  }

  private func decide(_ request: Authenticator.Request) -> Authenticator.Decision {
    state.withLock { state in
      if case .curve(let key) = request.credentials, state.keys.contains(key) {
        return .accept(userID: key.z85)
      }
      state.refused += 1
      state.lastAddress = request.address
      return .refuse(reason: "not admitted")
    }
  }
}
