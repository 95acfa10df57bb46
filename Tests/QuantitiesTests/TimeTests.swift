import Quantities
import TestSupport
import Testing

@Suite("EmulatedTime, MeasuredTime and Account")
struct TimeTests {
  @Test("seconds are rounded once to the nearest picosecond, ties to even")
  func rounding() {
    let halves = Int128(2 * EmulatedTime.picosecondsPerSecond)
    for (half, expected) in [(1, 0), (2, 1), (3, 2), (5, 2), (7, 4), (-1, 0), (-3, -2)] {
      #expect(
        EmulatedTime(seconds: Rational(Int128(half), over: halves))
          == EmulatedTime(picoseconds: Int64(expected)))
    }
    #expect(EmulatedTime(seconds: Rational(1, over: 3)).picoseconds == 333_333_333_333)
    #expect(EmulatedTime(seconds: Rational(2, over: 3)).picoseconds == 666_666_666_667)
  }

  @Test("times add, subtract and compare as their counts do")
  func arithmetic() {
    for a in Int64(-5)...5 {
      for b in Int64(-5)...5 {
        let (x, y) = (EmulatedTime(picoseconds: a), EmulatedTime(picoseconds: b))
        #expect((x + y).picoseconds == a + b)
        #expect((x - y).picoseconds == a - b)
        #expect((x < y) == (a < b))
        var sum = x
        sum += y
        sum -= y
        #expect(sum == x)
        let (m, n) = (MeasuredTime(nanoseconds: a), MeasuredTime(nanoseconds: b))
        #expect((m + n - n) == m)
        #expect((m < n) == (a < b))
      }
    }
    #expect(EmulatedTime(picoseconds: 1_500_000_000_000).seconds == 1.5)
    #expect(MeasuredTime(nanoseconds: 1_500_000_000).seconds == 1.5)
  }

  @Test("every entry of an account is its own, and counts once in the total")
  func entries() {
    for (index, entry) in Account.Entry.allCases.enumerated() {
      var account = Account()
      account[entry] = EmulatedTime(picoseconds: 1 << Int64(index))
      #expect(account.total == account[entry])
      for other in Account.Entry.allCases where other != entry {
        #expect(account[other] == .zero)
      }
    }
    #expect(Set(Account.Entry.allCases.map(\.rawValue)).count == 12)
  }

  @Test("accounts add and subtract entry by entry")
  func accounts() {
    var random = SeededGenerator(seed: 2)
    func account() -> Account {
      var account = Account()
      for entry in Account.Entry.allCases {
        account[entry] = EmulatedTime(
          picoseconds: Int64.random(in: -1_000_000...1_000_000, using: &random))
      }
      return account
    }
    for _ in 0..<100 {
      let (a, b) = (account(), account())
      for entry in Account.Entry.allCases {
        #expect((a + b)[entry] == a[entry] + b[entry])
        #expect((a - b)[entry] == a[entry] - b[entry])
      }
      #expect((a + b).total == a.total + b.total)
      #expect((a - b).total == a.total - b.total)
    }
  }
}
