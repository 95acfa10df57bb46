import Experiments
import ModelFiles
import Models
import Quantities
import Serving
import Tensors
import ZeroMQTransport

extension FuzzTarget {
  /// The shape that safetensors files are read for.
  static let smallShape = ModelShape(
    name: "small", layers: 1, width: 4, queryHeads: 2, keyValueHeads: 1, headSize: 2,
    feedForwardWidth: 6, vocabulary: 8, contextLength: 16)

  /// What a tokenizer must take: every class of characters, and a byte order mark.
  static let text = "Hello, it's 2026!\n\n  \u{FEFF}été 日本 <|im_start|>\u{0}🧮 x"

  static func gguf(_ bytes: [UInt8]) -> Outcome {
    outcome { () throws(ModelFileError) in
      let model = try ModelBytes(bytes).gguf()
      exercise(model.shape)
      try model.verifyTensors()
      try read(model, of: model.shape)
    }
  }

  static func safetensors(_ bytes: [UInt8]) -> Outcome {
    outcome { () throws(ModelFileError) in
      let model = try ModelBytes(bytes).safetensors(shape: smallShape)
      try model.verifyTensors()
      try read(model, of: smallShape)
    }
  }

  /// Reads a vector and slices of a matrix, as a node does.
  private static func read(
    _ source: some WeightSource, of shape: ModelShape
  ) throws(ModelFileError) {
    do {
      _ = try source.vector(.finalNorm, count: shape.width, range: 0..<shape.width)
      let half = shape.width / 2
      _ = try source.matrix(
        .embedding, shape: (shape.vocabulary, shape.width), rows: 0..<shape.vocabulary,
        columns: half..<shape.width)
    } catch let error as ModelFileError {
      throw error
    } catch {
      preconditionFailure("weights of a file end in \(error)")
    }
  }

  static func modelConfig(_ bytes: [UInt8]) -> Outcome {
    outcome { () throws(ModelFileError) in exercise(try ModelBytes(bytes).configuration()) }
  }

  /// Sizes that plans and nodes make of a shape.
  private static func exercise(_ shape: ModelShape) {
    _ = shape.weights
    _ = shape.activeWeights(sequences: 16)
    _ = shape.keyValuesPerToken
  }

  static func tokenizer(_ bytes: [UInt8]) -> Outcome {
    outcome { () throws(ModelFileError) in
      let tokenizer = try ModelBytes(bytes).tokenizer()
      let tokens = tokenizer.encode(text)
      _ = tokenizer.decode(tokens + [-1, Int.max, tokenizer.vocabulary])
    }
  }

  private static func outcome(_ body: () throws(ModelFileError) -> Void) -> Outcome {
    do {
      try body()
      return .accepted
    } catch {
      return .rejected("\(error.kind.rawValue): \(error.detail)")
    }
  }

  static func trace(_ bytes: [UInt8]) -> Outcome {
    do {
      _ = try Trace.rows(String(decoding: bytes, as: UTF8.self))
      return .accepted
    } catch {
      return .rejected(error.problem)
    }
  }

  static func keys(_ bytes: [UInt8]) -> Outcome {
    do {
      let file = try KeyFile("keys", bytes: bytes)
      for value in file.values(of: "node") { _ = try file.publicKey(value) }
      _ = try file.pair()
      _ = try file.publicKey(try file.value(of: "coordinator"))
      return .accepted
    } catch {
      return .rejected(error.reason)
    }
  }
}
