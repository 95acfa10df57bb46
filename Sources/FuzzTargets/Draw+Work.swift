import Hardware
import Messaging
import Models
import Placement
import Programs
import Quantities
import Runtime
import Tensors
import Transformer

/// What a coordinator gives nodes: assignments, windows and weights.
extension Draw {
  mutating func assignment() -> Assignment {
    var assignment = Assignment(
      run: bits(), rank: rank(), sources: several { $0.rank() },
      transport: chance(50) ? .tcp : .ipc(folder: text()), waitLimitMilliseconds: below(100_000),
      queueLimit: below(999), largestPayload: below(1 << 30),
      processor: chance(50) ? below(64) : nil,
      payload: chance(70) ? .model(model()) : pick([.phantom, .plain]),
      recording: chance(50) ? Recording.Limits(windows: 0..<below(9), events: 1 + below(9)) : nil)
    assignment.sourceKeys = several { $0.text() }
    if chance(30) { assignment.faults = faults(of: assignment.rank) }
    return assignment
  }

  private mutating func faults(of rank: Rank) -> RankFaults {
    var faults = RankFaults(of: rank)
    faults.links = several { draw in
      RankFaults.SlowLink(
        to: draw.rank(), interval: draw.interval(), latency: draw.time(),
        serialization: draw.factor())
    }
    faults.losses = several { draw in
      RankFaults.Loss(
        to: draw.rank(), timeout: draw.time(),
        which: draw.chance(50)
          ? .message(draw.pick(Stream.allCases), sequence: draw.below(999))
          : .chance(UInt32(draw.below(1 << 32)), seed: draw.bits()))
    }
    faults.slowdowns = several { draw in
      RankFaults.Slowdown(
        interval: draw.interval(), factor: draw.factor(), isOfFabricAlone: draw.chance(50))
    }
    for outage in several({ RankFaults.Outage(begins: $0.time(), lasts: $0.time()) }) {
      faults.add(outage)
    }
    return faults
  }

  private mutating func interval() -> RankFaults.Interval {
    RankFaults.Interval(from: time(), until: chance(50) ? time() : nil)
  }

  /// At least 1.
  private mutating func factor() -> Rational {
    let denominator = 1 + below(9)
    return Rational(Int128(denominator + below(99)), over: Int128(denominator))
  }

  private mutating func model() -> ModelAssignment {
    var shape = pick(ModelShape.syntheticShapes)
    shape.attentionBias = chance(50)
    shape.slidingWindow = chance(50) ? 1 + below(4096) : nil
    shape.rotary = RotaryEmbedding(
      base: 10_000,
      scaling: pick([
        .none, .linear(factor: 2), .factors([1, 2, 3]),
        .llama3(factor: 8, lowFrequency: 1, highFrequency: 4, originalContext: 8192),
      ]), pairing: pick([.halves, .interleaved]))
    return ModelAssignment(
      shape: shape, layersPerStage: [1, shape.layers - 1], tensor: 1 + below(4),
      weights: chance(50)
        ? .file(path: text(), fingerprint: text(), access: pick(WeightAccess.allCases))
        : .synthetic(seed: bits(), type: pick(ElementType.allCases)),
      precision: pick([.float32, .reduced]), sequences: 1 + below(9), positions: 1 + below(99),
      maximumTokens: 1 + below(99),
      sampling: pick([
        .greedy, .topK(k: 40, temperature: 0.8, topP: 0.9), .gumbel(temperature: 1),
      ]), seed: bits(), prompts: several { $0.several { Int32($0.below(32_000)) } },
      reportsLogits: chance(50))
  }

  mutating func window() -> NodeWindow {
    let batches = several { draw in draw.batch() }
    return NodeWindow(
      index: below(999), batches: batches,
      outputs: several { NodeWindow.Output(value: $0.below(9), batch: $0.below(9)) },
      work: RankWindow(
        values: several { draw in
          ValuePlace(buffer: draw.below(9), offset: draw.below(999), elements: draw.below(999))
        }, instructions: several { $0.instruction() }))
  }

  private mutating func batch() -> Batch {
    let entries = several { draw in
      Batch.Entry(
        sequence: draw.below(9), start: draw.below(99), count: draw.below(9), samples: true)
    }
    return Batch(
      entries: entries, accepts: entries.isEmpty ? [] : [below(entries.count)],
      returns: below(entries.count + 1))
  }

  private mutating func values() -> Values { Values(first: below(99), count: below(9)) }

  private mutating func instruction() -> Instruction {
    switch below(5) {
    case 0:
      .compute(
        Compute(
          pick(Kernel.allCases), argument: below(9), batch: below(9), region: below(9),
          input: values(), second: values(), output: values(),
          cost: Cost(compute: time(), fabric: time(), memory: time())))
    case 1:
      .send(
        Send(
          to: rank(), stream: pick(Stream.allCases), port: Int32(below(4)),
          holdsPortUntilDelivery: chance(50), values: values(), elements: below(999),
          bytes: below(9999), overhead: time(), serialization: time(), latency: time()))
    case 2:
      .receive(
        Receive(
          from: rank(), stream: pick(Stream.allCases), port: Int32(below(4)), values: values(),
          elements: below(999), bytes: below(9999), serialization: time(), overhead: time()))
    case 3: .receiveSet(count: below(9))
    default: .arrive(Arrive(values(), at: Arrival(arrived: time(), admitted: time())))
    }
  }

  mutating func weightRequest() -> WeightRequest {
    let tensor: WeightTensor = pick([
      .embedding, .finalNorm, .head, .layer(below(99), pick(WeightTensor.LayerTensor.allCases)),
    ])
    let slice: WeightRequest.Slice =
      chance(50)
      ? .matrix(rowCount: 99, columnCount: 64, rows: 1..<9, columns: 0..<64)
      : .vector(count: 99, range: 5..<50)
    return WeightRequest(
      part: UInt32(below(999)), tensor: tensor, slice: slice, chunk: chance(50) ? below(9) : nil)
  }

  mutating func weightAnswer() -> [UInt8] {
    guard chance(60) else {
      return ControlMessage.weights(
        WeightAnswer(part: 1, content: .chunk(below(9), bytes(below(64))))
      ).encoded()
    }
    let type = pick(ElementType.allCases)
    let rows = chance(80) ? 1 + below(99) : Int(truncatingIfNeeded: edge())
    let columns = chance(80) ? 256 * (1 + below(99)) : Int(truncatingIfNeeded: edge())
    let chunks = type.bytes(elements: 256) * (rows & 0xFF) * (columns & 0xFFFF) / 256
    return WeightDescription.frame(
      type, rows: rows, columns: columns,
      hashes: min(9, (chunks + WeightPart.chunkBytes - 1) / WeightPart.chunkBytes))
  }
}

/// The description of a part of weights as bytes say it, true or not: a `WeightPart` is only made by who has the
/// weights.
package enum WeightDescription {
  /// A frame that answers with a matrix of all columns, and that many hashes of chunks.
  package static func frame(_ type: ElementType, rows: Int, columns: Int, hashes: Int) -> [UInt8] {
    var writer = ByteWriter()
    writer.put(MessageHeader.magic)
    writer.put(ProtocolVersion.current)
    writer.put(ControlMessage.Kind.weights.rawValue)
    // The part's number, and that it is a description.
    writer.put(UInt32(1))
    writer.put(UInt8(0))
    writer.put(UInt8(type.rawValue))
    for count in [rows, columns, 0, columns] { writer.put(count: count) }
    writer.put(list: Array(0..<hashes)) { writer, _ in
      for _ in 0..<4 { writer.put(UInt64(7)) }
    }
    return writer.bytes
  }
}
