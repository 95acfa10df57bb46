import CZeroMQ

/// A kind of socket. It decides which operations a ``Socket`` offers.
public protocol SocketKind: Sendable {
  /// libzmq's number for it, as in `ZMQ_PUSH`.
  static var typeNumber: CInt { get }
}

/// A kind that sends to peers of libzmq's choice.
public protocol SendingKind: SocketKind {}

/// A kind that receives from any of its peers.
public protocol ReceivingKind: SocketKind {}

/// A kind that a ``Router`` peer knows by a routing id of its own choice.
public protocol IdentifiedKind: SocketKind {}

/// Sends to its ``Pull`` peers in turn; waits when all queues are full.
public enum Push: SendingKind {
  /// `ZMQ_PUSH`.
  public static var typeNumber: CInt { ZMQ_PUSH }
}

/// Receives from its ``Push`` peers, fairly.
public enum Pull: ReceivingKind {
  /// `ZMQ_PULL`.
  public static var typeNumber: CInt { ZMQ_PULL }
}

/// Talks to exactly one other pair, best over `inproc`: it does not reconnect.
public enum Pair: SendingKind, ReceivingKind {
  /// `ZMQ_PAIR`.
  public static var typeNumber: CInt { ZMQ_PAIR }
}

/// Sends to its peers in turn and receives from them fairly, with no order between the two.
public enum Dealer: SendingKind, ReceivingKind, IdentifiedKind {
  /// `ZMQ_DEALER`.
  public static var typeNumber: CInt { ZMQ_DEALER }
}

/// Sends to the peer it names, and learns from which peer a message came. Unless opened otherwise, it
/// fails for a peer that is not there (``Unroutable``).
public enum Router: SocketKind {
  /// `ZMQ_ROUTER`.
  public static var typeNumber: CInt { ZMQ_ROUTER }
}

/// Asks, then waits for the answer, in turn.
public enum Req: SendingKind, ReceivingKind, IdentifiedKind {
  /// `ZMQ_REQ`.
  public static var typeNumber: CInt { ZMQ_REQ }
}

/// Waits for a question, then answers it, in turn.
public enum Rep: SendingKind, ReceivingKind {
  /// `ZMQ_REP`.
  public static var typeNumber: CInt { ZMQ_REP }
}

/// Sends to every subscriber; what a full queue cannot take is lost.
public enum Pub: SendingKind {
  /// `ZMQ_PUB`.
  public static var typeNumber: CInt { ZMQ_PUB }
}

/// Receives what it subscribed to.
public enum Sub: ReceivingKind {
  /// `ZMQ_SUB`.
  public static var typeNumber: CInt { ZMQ_SUB }
}
