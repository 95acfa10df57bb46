import Runtime
import Testing

@testable import ZeroMQTransport

@Suite("Whose connection has ended")
struct ConnectionTableTests {
  private static let a = NodeIdentity([1])
  private static let b = NodeIdentity([2])

  @Test("the end of a connection is that of the node which spoke over it")
  func ends() {
    var table = ConnectionTable()
    table.heard(Self.a, over: 10)
    table.heard(Self.b, over: 11)
    table.begin(ended: [10, 99])
    #expect(table.disconnected == [Self.a], "nobody spoke over 99")
    table.begin(ended: [])
    #expect(table.disconnected == [], "said once")
  }

  @Test("what a node said before its connection ended is heard later, and brings it not back")
  func lastWords() {
    var table = ConnectionTable()
    table.heard(Self.a, over: 10)
    table.begin(ended: [10])
    table.heard(Self.a, over: 10)
    #expect(table.disconnected == [Self.a])
  }

  @Test("a node that has connected anew is not disconnected, whichever is seen first")
  func reconnects() {
    var table = ConnectionTable()
    table.heard(Self.a, over: 10)
    table.begin(ended: [10])
    table.heard(Self.a, over: 12)
    #expect(table.disconnected == [])
    table.heard(Self.a, over: 13)
    table.begin(ended: [12])
    #expect(table.disconnected == [])
    table.begin(ended: [13])
    #expect(table.disconnected == [Self.a])
  }

  @Test("a descriptor that is given again is the new node's, and the old one's end is not its")
  func reused() {
    var table = ConnectionTable()
    table.heard(Self.a, over: 10)
    table.begin(ended: [10])
    table.heard(Self.b, over: 10)
    #expect(table.disconnected == [Self.a])
    table.begin(ended: [10])
    #expect(table.disconnected == [Self.b])
  }
}
