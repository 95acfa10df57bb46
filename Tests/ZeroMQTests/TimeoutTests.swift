import Testing

@testable import ZeroMQ

@Suite("Waits become libzmq's milliseconds") struct TimeoutTests {
  @Test(
    "a duration is rounded up and kept within what libzmq takes",
    arguments: [
      (.zero, 0), (.nanoseconds(1), 1), (.microseconds(999), 1), (.milliseconds(1), 1),
      (.microseconds(1001), 2), (.seconds(2), 2000), (.milliseconds(2_147_482_999), 2_147_482_999),
      (.seconds(1 << 40), CInt.max), (.nanoseconds(-1), 0), (.seconds(-1), 0),
    ] as [(Duration, CInt)])
  func rounds(duration: Duration, milliseconds: CInt) {
    #expect(duration.wholeMilliseconds == milliseconds)
    #expect(Timeout.after(duration).milliseconds == milliseconds)
  }

  @Test("not at all is 0, and as long as it takes is -1")
  func named() {
    #expect(Timeout.immediate.milliseconds == 0)
    #expect(Timeout.never.milliseconds == -1)
  }
}
