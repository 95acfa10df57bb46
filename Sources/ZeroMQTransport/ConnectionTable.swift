import Runtime

/// Who speaks over which connection of the control socket, so that the end of a connection is the end of somebody's.
///
/// A connection is known by its descriptor, which the system gives again to another one, and a node that connects
/// anew keeps its name. So a node has the connection over which it spoke last, and a connection is that of the node
/// which spoke over it last.
///
/// It is used in turns: which connections have ended, then all frames that are there, then who has lost its
/// connection by that.
struct ConnectionTable {
  private var nodes: [Int32: NodeIdentity] = [:]
  private var connections: [NodeIdentity: Int32] = [:]
  /// Connections that have ended in this turn. What was said over them before may be heard after that.
  private var ended: [Int32: NodeIdentity] = [:]

  /// Begins a turn with the connections that have ended since the last one.
  mutating func begin(ended descriptors: [Int32]) {
    ended = [:]
    for descriptor in descriptors {
      // One over which nothing was heard, or whose node has a newer one, is nobody's.
      guard let node = nodes.removeValue(forKey: descriptor) else { continue }
      connections[node] = nil
      ended[descriptor] = node
    }
  }

  /// A node has said something over a connection.
  mutating func heard(_ node: NodeIdentity, over descriptor: Int32) {
    guard ended[descriptor] != node, connections[node] != descriptor else { return }
    if let old = connections.updateValue(descriptor, forKey: node) { nodes[old] = nil }
    if let other = nodes.updateValue(node, forKey: descriptor) { connections[other] = nil }
  }

  /// Who has lost its connection in this turn, and has no other.
  var disconnected: [NodeIdentity] {
    ended.sorted { $0.key < $1.key }.map(\.value).filter { connections[$0] == nil }
  }
}
