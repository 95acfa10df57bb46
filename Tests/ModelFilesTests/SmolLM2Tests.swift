import Glibc
import Models
import Tensors
import Testing

@testable import ModelFiles

/// The real file of DESIGN's main job, where the environment variable `WAFER_SMOLLM2` has its path.
@Suite(.enabled(if: SmolLM2.path != nil, "set WAFER_SMOLLM2 to the path of the GGUF file"))
struct SmolLM2Tests {
  @Test("its shape is the published one, and all of its tensors are there")
  func shape() throws {
    let path = try #require(SmolLM2.path)
    let model = try ModelFile.open(path)
    let shape = model.shape
    #expect(shape.layers == 30 && shape.width == 576 && shape.feedForwardWidth == 1536)
    #expect(shape.queryHeads == 9 && shape.keyValueHeads == 3 && shape.headSize == 64)
    #expect(shape.vocabulary == 49152 && shape.contextLength == 8192)
    #expect(shape.tiedHead && !shape.attentionBias && shape.slidingWindow == nil)
    #expect(shape.rotary.base == 100_000 && shape.rotary.pairing == .interleaved)
    #expect(shape.normEpsilon == 1e-5)
    #expect(model.totalBytes == 98_362_432)
    try model.verifyTensors()
    let embedding = try #require(model.weights).matrix(
      .embedding, shape: (49152, 576), rows: 7..<9, columns: 0..<576)
    #expect(embedding.type == .q8_0)
  }

  @Test("its prompts become the reference's tokens")
  func tokens() throws {
    let path = try #require(SmolLM2.path)
    let tokenizer = try #require(try ModelFile.open(path).tokenizer())
    #expect(tokenizer.encode("The capital of France is") == [504, 3575, 282, 4649, 314])
    #expect(tokenizer.encode("def fibonacci(n):") == [1604, 3987, 46477, 24, 94, 727])
    #expect(tokenizer.encode("<|im_start|>user\n").prefix(1) == [1])
    #expect(tokenizer.endOfText == [0, 2])
    let text = "Héllo wörld, 2024! 今日は 😀\r\n\ttabs"
    #expect(tokenizer.decode(tokenizer.encode(text)) == text)
  }
}

enum SmolLM2 {
  static let path = getenv("WAFER_SMOLLM2").map { String(cString: $0) }
}
