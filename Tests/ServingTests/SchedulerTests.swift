import Models
import Programs
import Quantities
import Testing

@testable import Serving

@Suite("Scheduler")
struct SchedulerTests {
  private static func time(_ picoseconds: Int64) -> EmulatedTime {
    EmulatedTime(picoseconds: picoseconds)
  }

  private static func request(
    _ prompt: Int, _ output: Int, at picoseconds: Int64 = 0
  ) -> Request {
    Request(coming: .at(time(picoseconds)), promptTokens: prompt, outputTokens: output)
  }

  private static func limits(
    sequences: Int = 4, positions: Int = 1000, slots: Int = 1, promptTokens: Int = 100,
    chunks: Bool = false
  ) -> Scheduler.Limits {
    Scheduler.Limits(
      sequences: sequences, positions: positions, slots: slots, promptTokens: promptTokens,
      chunks: chunks)
  }

  /// Runs a scheduler against a model in which every batch occupies the first region for 10, its tokens are
  /// sampled 100 after its start and back 20 later.
  private static func run(
    _ requests: [Request], _ limits: Scheduler.Limits
  ) -> (batches: [(start: Int64, scheduled: ScheduledBatch)], scheduler: Scheduler) {
    var scheduler = Scheduler(requests, limits: limits)
    var free = Self.time(0)
    var batches: [(start: Int64, scheduled: ScheduledBatch)] = []
    var slotReady: [Int: EmulatedTime] = [:]
    while let batch = scheduler.batch(free: free) {
      let start = max(free, slotReady[batch.slot] ?? .zero, batch.arrival?.admitted ?? .zero)
      batches.append((start.picoseconds, batch))
      free = start + Self.time(10)
      let sampled = batch.batch.outputs > 0 ? start + Self.time(100) : nil
      let back = batch.batch.returns > 0 ? start + Self.time(120) : nil
      slotReady[batch.slot] = back ?? free
      scheduler.evaluated(sampled: sampled, back: back, free: free)
    }
    return (batches, scheduler)
  }

  @Test("one request is a prefill and a step a token, each when the last token is back")
  func single() {
    let (batches, _) = Self.run([Self.request(7, 3)], Self.limits())
    #expect(batches.map(\.start) == [0, 120, 240])
    #expect(batches.map(\.scheduled.batch.entries.first!.count) == [7, 1, 1])
    #expect(batches.map(\.scheduled.batch.entries.first!.start) == [0, 7, 8])
    #expect(batches.map(\.scheduled.batch.accepts) == [[], [0], [0]])
    #expect(batches.map(\.scheduled.batch.returns) == [1, 1, 0])
  }

  @Test("a later request joins the sequences that decode, and its arrival goes with the batch")
  func joins() {
    let (batches, scheduler) = Self.run(
      [Self.request(5, 4), Self.request(6, 2, at: 130)], Self.limits())
    #expect(batches.map(\.start) == [0, 120, 240, 360])
    let joined = batches[2].scheduled
    #expect(joined.batch.entries.map(\.request) == [0, 1])
    #expect(joined.batch.entries.map(\.count) == [1, 6])
    #expect(joined.arrival == Arrival(arrived: Self.time(130), admitted: Self.time(240)))
    #expect(scheduler.admitted == [Self.time(0), Self.time(240)])
    // In the last step both end.
    #expect(batches[3].scheduled.batch.accepts == [0, 1])
    #expect(batches[3].scheduled.batch.returns == 0)
  }

  @Test("what goes on stands before what ends, and tokens find their entries")
  func order() {
    let (batches, _) = Self.run(
      [Self.request(5, 2), Self.request(5, 3), Self.request(5, 2)], Self.limits())
    let second = batches[1].scheduled.batch
    #expect(second.entries.map(\.request) == [1, 0, 2])
    #expect(second.accepts == [1, 0, 2])
    #expect(second.returns == 1)
    #expect(batches[2].scheduled.batch.accepts == [0])
  }

  @Test(
    "requests wait until the cache has room for all that they need, in the order of their coming")
  func room() {
    // Each needs 5 + 2 - 1 = 6 positions, the third 3.
    let requests = [Self.request(5, 2), Self.request(5, 2), Self.request(2, 2)]
    let (batches, scheduler) = Self.run(requests, Self.limits(positions: 8))
    // The last token of each is sampled at its second step's start + 100.
    #expect(scheduler.admitted == [0, 220, 440].map { Self.time($0) })
    #expect(batches.allSatisfy { $0.scheduled.batch.entries.count == 1 })
    // The third would have fitted beside the first; nobody overtakes.
    #expect(batches.map(\.scheduled.batch.entries[0].request) == [0, 0, 1, 1, 2, 2])
    #expect(Set(batches.map(\.scheduled.batch.entries[0].sequence)) == [0])
  }

  @Test("slots are filled evenly, and go in the order in which they are ready")
  func slots() {
    let (batches, _) = Self.run(
      (0..<4).map { _ in Self.request(3, 2) }, Self.limits(slots: 2))
    #expect(batches.map(\.scheduled.slot) == [0, 1, 0, 1])
    #expect(batches.map(\.start) == [0, 10, 120, 130])
    #expect(
      batches.map { $0.scheduled.batch.entries.map(\.request) } == [
        [0, 1], [2, 3], [0, 1], [2, 3],
      ])
  }

  @Test("a step takes whole prompts up to its limit, or cuts them to fill it")
  func chunks() {
    let requests = [Self.request(60, 1), Self.request(60, 1), Self.request(30, 1)]
    let whole = Self.run(requests, Self.limits(promptTokens: 100)).batches
    #expect(whole.map { $0.scheduled.batch.entries.map(\.count) } == [[60], [60, 30]])
    let cut = Self.run(requests, Self.limits(promptTokens: 50, chunks: true)).batches
    #expect(
      cut.map { $0.scheduled.batch.entries.map { [$0.request, $0.start, $0.count] } }
        == [[[0, 0, 50]], [[0, 50, 10], [1, 0, 40]], [[1, 40, 20], [2, 0, 30]]])
    #expect(cut.map { $0.scheduled.batch.outputs } == [0, 1, 2])
    // Nothing comes back, so that the next chunk follows when the first region is free.
    #expect(cut.map(\.start) == [0, 10, 20])
  }

  @Test("a user asks again when the answer is complete, after a pause")
  func closedLoop() {
    let requests = Arrivals.closedLoop(users: 2, pause: Self.time(7)).requests(
      count: 5, prompt: (.fixed, 4), output: (.fixed, 1), seed: 1)
    let (_, scheduler) = Self.run(requests, Self.limits(slots: 2))
    #expect(scheduler.arrived == [0, 0, 107, 117, 214].map { Self.time($0) })
  }

  @Test("what can never be served is said before")
  func problems() {
    let limits = Self.limits(positions: 10, promptTokens: 8)
    #expect(Scheduler.problem(of: [Self.request(5, 6)], limits: limits) == nil)
    #expect(
      Scheduler.problem(of: [Self.request(5, 7)], limits: limits)?.contains("11 positions") == true)
    #expect(
      Scheduler.problem(of: [Self.request(9, 1)], limits: limits)?.contains("9 prompt tokens")
        == true)
    let loop = [
      Request(coming: .after(request: 0, pause: .zero), promptTokens: 1, outputTokens: 1)
    ]
    #expect(Scheduler.problem(of: loop, limits: limits) != nil)
  }

  @Test("every request gets its tokens, each once and in place, whatever comes when")
  func conservation() {
    for seed in UInt64(0)..<200 {
      var random = SplitMix64(seed: seed)
      let requests = Arrivals.poisson(rate: Rational(10_000_000_000)).requests(
        count: 30, prompt: (.exponential, 9), output: (.uniform, 5), seed: seed)
      let slots = 1 + random.index(below: 4)
      let limits = Self.limits(
        sequences: slots + random.index(below: 6), positions: 120 + random.index(below: 100),
        slots: slots, promptTokens: 9 * LengthDistribution.longest,
        chunks: random.index(below: 2) == 1)
      let (batches, scheduler) = Self.run(requests, limits)
      var positions = Array(repeating: 0, count: requests.count)
      var sampled = Array(repeating: 0, count: requests.count)
      for (start, scheduled) in batches {
        let batch = scheduled.batch
        #expect(batch.entries.count <= limits.sequencesPerSlot && !batch.entries.isEmpty)
        #expect(Set(batch.entries.map(\.sequence)).count == batch.entries.count)
        for entry in batch.entries {
          #expect(entry.start == positions[entry.request], "seed \(seed)")
          #expect(start >= scheduler.arrived[entry.request].picoseconds, "seed \(seed)")
          positions[entry.request] += entry.count
          if entry.samples { sampled[entry.request] += 1 }
        }
      }
      #expect(sampled == requests.map(\.outputTokens), "seed \(seed)")
      #expect(positions == requests.map(\.positions), "seed \(seed)")
    }
  }
}
