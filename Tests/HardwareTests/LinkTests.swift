import Hardware
import Quantities
import Testing

@Suite("Link")
struct LinkTests {
  private let gibibytes50 = Link(
    latency: EmulatedTime(picoseconds: 500_000), bandwidth: Rational(50 << 30))

  @Test("16,384 B at 50 GiB/s take 305,176 ps, rounded once")
  func reference() {
    // 16384/(50·2³⁰) s = 10¹²/(50·2¹⁶) ps = 305,175.78125 ps.
    #expect(gibibytes50.serialization(bytes: 16384).picoseconds == 305_176)
    // 8 MiB, a ring's part of 64 MiB over 8 ranks: 156,250 ns exactly.
    #expect(gibibytes50.serialization(bytes: 8 << 20).picoseconds == 156_250_000)
    #expect(gibibytes50.serialization(bytes: 0) == .zero)
  }

  @Test("a decode hop of 8192 bf16 values costs 0.109 us at 150 GB/s, beside 5 us of latency")
  func decodeHop() throws {
    let link = try ConfigFiles.preset("links", "wse3-io", as: Link.self).value
    #expect(link.serialization(bytes: 16384).picoseconds == 109_227)
    #expect(link.latency.picoseconds == 5_000_000)
  }

  @Test("ties go to the even picosecond")
  func ties() {
    // 2 TB/s: a byte is half a picosecond.
    let link = Link(latency: .zero, bandwidth: Rational(2_000_000_000_000))
    #expect((0...6).map { link.serialization(bytes: $0).picoseconds } == [0, 0, 1, 2, 2, 2, 3])
  }

  @Test("a port for each peer has an equal share of the bandwidth")
  func perPeer() {
    var link = Link(latency: .zero, bandwidth: Rational(12_000_000_000))
    #expect(link.serialization(bytes: 12, peers: 3).picoseconds == 1000)
    link.ports = .perPeer
    #expect(link.serialization(bytes: 12, peers: 3).picoseconds == 3000)
    #expect(link.serialization(bytes: 12).picoseconds == 1000)
  }
}
