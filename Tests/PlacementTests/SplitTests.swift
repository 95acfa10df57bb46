import Models
import Placement
import Testing

/// A model of these layers and heads; the other sizes are small and divide nothing evenly.
private func shape(
  layers: Int = 7, queryHeads: Int = 6, keyValueHeads: Int = 3, feedForwardWidth: Int = 29,
  vocabulary: Int = 31
) -> ModelShape {
  ModelShape(
    name: "test", layers: layers, width: 24, queryHeads: queryHeads, keyValueHeads: keyValueHeads,
    headSize: 4, feedForwardWidth: feedForwardWidth, vocabulary: vocabulary, contextLength: 64)
}

@Suite("Split")
struct SplitTests {
  @Test("shares are contiguous, cover all, differ by at most one, and the low ones are larger")
  func shares() {
    for total in 0...40 {
      for count in 1...12 {
        let parts = (0..<count).map { Split.share($0, of: count, total: total) }
        #expect(parts.first!.lowerBound == 0 && parts.last!.upperBound == total)
        for (low, high) in zip(parts, parts.dropFirst()) {
          #expect(low.upperBound == high.lowerBound)
          #expect(low.count == high.count || low.count == high.count + 1)
        }
        #expect(parts.first!.count - parts.last!.count <= 1)
      }
    }
  }

  @Test("every layer is on one stage, spare layers on the low stages, for every pipeline size")
  func stages() throws {
    for layers in 1...12 {
      for pipeline in 1...layers {
        let split = try Split(shape: shape(layers: layers), pipeline: pipeline, tensor: 1)
        #expect(split.pipeline == pipeline && split.ranks == pipeline)
        #expect(split.stages.flatMap { Array($0) } == Array(0..<layers))
        #expect(split.stages.allSatisfy { !$0.isEmpty })
        #expect(zip(split.stages, split.stages.dropFirst()).allSatisfy { $0.count >= $1.count })
      }
    }
  }

  @Test("every part of a layer is on some shard, for every number of heads and shards")
  func shards() throws {
    for keyValueHeads in 1...6 {
      for group in 1...4 {
        let shape = shape(queryHeads: keyValueHeads * group, keyValueHeads: keyValueHeads)
        for tensor in 1...shape.queryHeads {
          let split = try Split(shape: shape, pipeline: 1, tensor: tensor)
          let slices = (0..<tensor).map { split.slice(ofRank: $0) }
          #expect(slices.flatMap { Array($0.queryHeads) } == Array(0..<shape.queryHeads))
          #expect(
            slices.flatMap { Array($0.feedForward) } == Array(0..<shape.feedForwardWidth))
          #expect(slices.flatMap { Array($0.vocabulary) } == Array(0..<shape.vocabulary))
          for slice in slices {
            // It holds exactly the KV heads that its queries read.
            let read = Set(slice.queryHeads.map { $0 / group })
            #expect(Set(slice.keyValueHeads) == read)
            #expect(!slice.queryHeads.isEmpty)
          }
          if tensor <= keyValueHeads {
            // Whole groups: no KV head is held twice.
            #expect(
              slices.flatMap { Array($0.keyValueHeads) } == Array(0..<keyValueHeads))
          }
        }
      }
    }
  }

  @Test("rank is stage × tensor + shard; the first stage embeds, the last has the head")
  func ranks() throws {
    let split = try Split(shape: shape(), pipeline: 3, tensor: 2)
    for rank in 0..<6 {
      let slice = split.slice(ofRank: rank)
      #expect(slice.stage * 2 + slice.shard == rank)
      #expect(slice.layers == split.stages[slice.stage])
      #expect(slice.hasEmbedding == (slice.stage == 0))
      #expect(slice.hasHead == (slice.stage == 2))
    }
    let whole = try Split(shape: shape(), pipeline: 1, tensor: 1).slice(ofRank: 0)
    #expect(whole.hasEmbedding && whole.hasHead && whole.layers == 0..<7)
  }

  @Test("a plan may list the layers of each stage")
  func listedLayers() throws {
    let split = try Split(shape: shape(), pipeline: 3, tensor: 1, layersPerStage: [1, 4, 2])
    #expect(split.stages == [0..<1, 1..<5, 5..<7])
  }

  @Test(
    "a list of layers that is no split is refused",
    arguments: [[7], [1, 2, 3, 1], [0, 4, 3], [-1, 4, 4], [3, 3, 2], [.max, .max, 9]])
  func badLists(list: [Int]) {
    #expect(throws: SplitError.layerList(list, pipeline: 3, layers: 7)) {
      try Split(shape: shape(), pipeline: 3, tensor: 1, layersPerStage: list)
    }
  }

  @Test("more stages than layers, or none, are refused", arguments: [0, -1, 8])
  func badStages(pipeline: Int) {
    #expect(throws: SplitError.stages(pipeline: pipeline, layers: 7)) {
      try Split(shape: shape(), pipeline: pipeline, tensor: 1)
    }
  }

  @Test("more shards than query heads, or none, are refused", arguments: [0, -1, 7])
  func badShards(tensor: Int) {
    #expect(throws: SplitError.shards(tensor: tensor, queryHeads: 6)) {
      try Split(shape: shape(), pipeline: 1, tensor: tensor)
    }
  }

  @Test("more shards than columns of the feed-forward or tokens are refused")
  func badColumns() {
    #expect(throws: SplitError.columns(tensor: 5, feedForwardWidth: 4, vocabulary: 31)) {
      try Split(shape: shape(feedForwardWidth: 4), pipeline: 1, tensor: 5)
    }
    #expect(throws: SplitError.columns(tensor: 5, feedForwardWidth: 29, vocabulary: 3)) {
      try Split(shape: shape(vocabulary: 3), pipeline: 1, tensor: 5)
    }
  }

  @Test("errors say what would be right")
  func messages() {
    #expect(SplitError.stages(pipeline: 9, layers: 7).description.contains("1 and the model's 7"))
    #expect(SplitError.shards(tensor: 9, queryHeads: 6).description.contains("6 query heads"))
    #expect(
      SplitError.columns(tensor: 9, feedForwardWidth: 4, vocabulary: 3).description
        .contains("feed-forward width 4"))
    #expect(
      SplitError.layerList([1], pipeline: 2, layers: 7).description.contains("add up to 7"))
  }
}
