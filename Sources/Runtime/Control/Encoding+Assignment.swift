import Messaging
import ModelFiles
import Models
import Programs
import Tensors
import Transformer

/// How an assignment travels. Every enumeration is a byte and its fields in order.

extension ByteWriter {
  mutating func put(_ assignment: Assignment) {
    put(assignment.run)
    put(UInt32(assignment.rank.index))
    put(list: assignment.sources) { $0.put(UInt32($1.index)) }
    put(list: assignment.sourceKeys) { $0.put($1) }
    switch assignment.transport {
    case .tcp: put(UInt8(0))
    case .ipc(let folder):
      put(UInt8(1))
      put(folder)
    }
    put(count: assignment.waitLimitMilliseconds)
    put(count: assignment.queueLimit)
    put(count: assignment.largestPayload)
    // 0 is none.
    put(UInt16(assignment.processor.map { $0 + 1 } ?? 0))
    // No events is no recording.
    put(count: assignment.recording?.windows.lowerBound ?? 0)
    put(count: assignment.recording?.windows.upperBound ?? 0)
    put(count: assignment.recording?.events ?? 0)
    put(assignment.faults)
    switch assignment.payload {
    case .phantom: put(UInt8(0))
    case .plain: put(UInt8(1))
    case .model(let model):
      put(UInt8(2))
      put(model)
    }
  }

  private mutating func put(_ model: ModelAssignment) {
    put(model.shape)
    put(list: model.layersPerStage) { $0.put(UInt32($1)) }
    put(UInt32(model.tensor))
    switch model.weights {
    case .file(let path, let fingerprint, let access):
      put(UInt8(0))
      put(path)
      put(fingerprint)
      put(UInt8(WeightAccess.allCases.firstIndex(of: access)!))
    case .synthetic(let seed, let type):
      put(UInt8(1))
      put(seed)
      put(UInt8(type.rawValue))
    }
    put(model.precision == .reduced)
    put(count: model.sequences)
    put(count: model.positions)
    put(count: model.maximumTokens)
    switch model.sampling {
    case .greedy: put(UInt8(0))
    case .topK(let k, let temperature, let topP):
      put(UInt8(1))
      put(UInt32(k))
      put(temperature)
      put(topP)
    case .gumbel(let temperature):
      put(UInt8(2))
      put(temperature)
    }
    put(model.seed)
    put(list: model.prompts) { writer, prompt in
      writer.put(list: prompt) { $0.put($1) }
    }
    put(model.reportsLogits)
  }

  private mutating func put(_ shape: ModelShape) {
    put(shape.name)
    for size in [
      shape.layers, shape.width, shape.queryHeads, shape.keyValueHeads, shape.headSize,
      shape.feedForwardWidth, shape.vocabulary, shape.contextLength,
    ] { put(count: size) }
    put(shape.tiedHead)
    put(shape.normEpsilon)
    put(shape.rotary.base)
    put(shape.rotary.pairing == .interleaved)
    switch shape.rotary.scaling {
    case .none: put(UInt8(0))
    case .linear(let factor):
      put(UInt8(1))
      put(factor)
    case .llama3(let factor, let low, let high, let context):
      put(UInt8(2))
      put(factor)
      put(low)
      put(high)
      put(count: context)
    case .factors(let factors):
      put(UInt8(3))
      put(list: factors) { $0.put($1) }
    }
    put(shape.attentionBias)
    put(count: shape.slidingWindow ?? 0)
  }
}

extension ByteReader {
  mutating func assignment() throws(FrameError) -> Assignment {
    let run = try get(UInt64.self)
    let rank = try nodeRank()
    let sources = try list(minimumBytes: 4) { reader throws(FrameError) in try reader.nodeRank() }
    let keys = try list(minimumBytes: 4) { reader throws(FrameError) in try reader.text() }
    let transportOffset = offset
    let transport: Assignment.TransportKind
    switch try get(UInt8.self) {
    case 0: transport = .tcp
    case 1: transport = .ipc(folder: try text())
    case let kind: throw .value(offset: transportOffset, "\(kind) is no transport")
    }
    let waitLimit = try count()
    let queueLimit = try count()
    let largest = try count()
    let processor = Int(try get(UInt16.self))
    let recording = try recordingLimits()
    let faults = try rankFaults(of: rank)
    let payloadOffset = offset
    let payload: Assignment.Payload
    switch try get(UInt8.self) {
    case 0: payload = .phantom
    case 1: payload = .plain
    case 2: payload = .model(try modelAssignment())
    case let kind: throw .value(offset: payloadOffset, "\(kind) is no payload")
    }
    var assignment = Assignment(
      run: run, rank: rank, sources: sources, transport: transport,
      waitLimitMilliseconds: waitLimit, queueLimit: queueLimit, largestPayload: largest,
      processor: processor == 0 ? nil : processor - 1, payload: payload, recording: recording,
      faults: faults)
    assignment.sourceKeys = keys
    return assignment
  }

  private mutating func weightAccess() throws(FrameError) -> WeightAccess {
    let start = offset
    let index = Int(try get(UInt8.self))
    guard WeightAccess.allCases.indices.contains(index) else {
      throw .value(offset: start, "\(index) is no way to weights")
    }
    return WeightAccess.allCases[index]
  }

  private mutating func recordingLimits() throws(FrameError) -> Recording.Limits? {
    let start = offset
    let lower = try count()
    let upper = try count()
    let events = try count()
    guard lower <= upper else { throw .value(offset: start, "windows \(lower) to \(upper)") }
    return events == 0 ? nil : Recording.Limits(windows: lower..<upper, events: events)
  }

  mutating func nodeRank() throws(FrameError) -> Rank {
    let start = offset
    let index = try get(UInt32.self)
    guard index < Rank.maximumCount else { throw .value(offset: start, "rank \(index)") }
    return Rank(Int(index))
  }

  private mutating func modelAssignment() throws(FrameError) -> ModelAssignment {
    let shape = try modelShape()
    let layers = try list(minimumBytes: 4) { reader throws(FrameError) in
      Int(try reader.get(UInt32.self))
    }
    let tensor = Int(try get(UInt32.self))
    let weightsOffset = offset
    let weights: ModelAssignment.Weights
    switch try get(UInt8.self) {
    case 0:
      weights = .file(
        path: try text(), fingerprint: try text(), access: try weightAccess())
    case 1:
      let seed = try get(UInt64.self)
      let typeOffset = offset
      let raw = try get(UInt8.self)
      guard let type = ElementType(rawValue: Int32(raw)) else {
        throw .value(offset: typeOffset, "\(raw) is no element type")
      }
      weights = .synthetic(seed: seed, type: type)
    case let kind: throw .value(offset: weightsOffset, "\(kind) is no source of weights")
    }
    let precision: Precision = try truth() ? .reduced : .float32
    let sequences = try count()
    let positions = try count()
    let tokens = try count()
    let samplingOffset = offset
    let sampling: SamplingRule
    switch try get(UInt8.self) {
    case 0: sampling = .greedy
    case 1:
      sampling = .topK(
        k: Int(try get(UInt32.self)), temperature: try float(), topP: try float())
    case 2: sampling = .gumbel(temperature: try float())
    case let kind: throw .value(offset: samplingOffset, "\(kind) is no sampling rule")
    }
    return ModelAssignment(
      shape: shape, layersPerStage: layers, tensor: tensor, weights: weights,
      precision: precision, sequences: sequences, positions: positions, maximumTokens: tokens,
      sampling: sampling, seed: try get(),
      prompts: try list(minimumBytes: 4) { reader throws(FrameError) in
        try reader.list(minimumBytes: 4) { reader throws(FrameError) in try reader.get() }
      },
      reportsLogits: try truth())
  }

  private mutating func modelShape() throws(FrameError) -> ModelShape {
    let start = offset
    let name = try text()
    var sizes: [Int] = []
    for _ in 0..<8 { sizes.append(try count()) }
    let tied = try truth()
    let epsilon = try float()
    let base = try float()
    let pairing: RotaryEmbedding.Pairing = try truth() ? .interleaved : .halves
    let scalingOffset = offset
    let scaling: RotaryEmbedding.Scaling
    switch try get(UInt8.self) {
    case 0: scaling = .none
    case 1: scaling = .linear(factor: try float())
    case 2:
      scaling = .llama3(
        factor: try float(), lowFrequency: try float(), highFrequency: try float(),
        originalContext: try count())
    case 3:
      scaling = .factors(
        try list(minimumBytes: 4) { reader throws(FrameError) in try reader.float() })
    case let kind: throw .value(offset: scalingOffset, "\(kind) is no rotary scaling")
    }
    let bias = try truth()
    let window = try count()
    let shape = ModelShape(
      name: name, layers: sizes[0], width: sizes[1], queryHeads: sizes[2],
      keyValueHeads: sizes[3], headSize: sizes[4], feedForwardWidth: sizes[5],
      vocabulary: sizes[6], contextLength: sizes[7], tiedHead: tied, normEpsilon: epsilon,
      rotary: RotaryEmbedding(base: base, scaling: scaling, pairing: pairing),
      attentionBias: bias, slidingWindow: window == 0 ? nil : window)
    guard sizes.allSatisfy({ (1...ShapeBounds.largestSize).contains($0) }),
      shape.layers <= ShapeBounds.mostLayers, shape.queryHeads % shape.keyValueHeads == 0,
      shape.isCountable
    else { throw .value(offset: start, "a shape of sizes \(sizes)") }
    return shape
  }
}
