/// How nodes of a run are reached.
public enum Transport: String, CaseIterable, Hashable, Sendable {
  /// No nodes: the evaluator alone, emulated time only.
  case none
  /// Nodes are threads of this process.
  case inproc
  /// Nodes are processes of this host, with sockets in the file system.
  case ipc
  /// Nodes are processes, anywhere.
  case tcp
}

/// What messages and kernels hold.
public enum Payload: String, CaseIterable, Hashable, Sendable {
  /// Tensors: nodes load weights, compute, and send what they computed.
  case real
  /// Nothing: nodes follow the program and keep emulated time.
  case phantom
}

/// How the host's kernels treat activations.
public enum Precision: String, CaseIterable, Hashable, Sendable {
  /// As 32-bit floats throughout; the bits do not depend on the processor.
  case float32
  /// Quantised where a kernel is faster so.
  case reduced
}

/// What becomes of a run when a node is lost.
public enum FailurePolicy: String, CaseIterable, Hashable, Sendable {
  /// It ends with an error.
  case abort
  /// The node is replaced, by a new process or a spare, and the program is run again.
  case restart
}

/// Whether nodes stay on processors of their own.
public enum Pinning: String, CaseIterable, Hashable, Sendable {
  /// Where the host has as many processors as nodes.
  case automatic
  /// Never: the scheduler moves them as it likes.
  case off
}

/// How the modelled hardware writes a number down.
public enum NumberFormat: String, CaseIterable, Hashable, Sendable {
  case fp32, bf16, fp16, fp8, int8, int4

  /// Bits of a number.
  public var bits: Int {
    switch self {
    case .fp32: 32
    case .bf16, .fp16: 16
    case .fp8, .int8: 8
    case .int4: 4
    }
  }

  static let names = allCases.map(\.rawValue)
  /// Formats of whole bytes, which messages are made of.
  static let wireNames = allCases.filter { $0.bits % 8 == 0 }.map(\.rawValue)
}
