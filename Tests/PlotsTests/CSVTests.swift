import Testing

@testable import Plots

struct CSVTests {
  @Test("fields with commas, quotes and line ends are quoted as RFC 4180 says")
  func quoting() {
    let csv = CSV(columns: ["a", "b"], rows: [["1,5", "say \"no\""], ["x\ny", " z "]])
    #expect(csv.text == "a,b\r\n\"1,5\",\"say \"\"no\"\"\"\r\n\"x\ny\", z \r\n")
  }

  @Test("what is written is read again")
  func roundTrip() {
    let csv = CSV(
      columns: ["from, to", "name"],
      rows: [["", "\"\""], ["a\r\nb", "µs"], ["plain", ",,"], ["", ""]])
    #expect(CSV(text: csv.text) == csv)
    #expect(CSV(text: String(csv.text.dropLast(2))) != nil)
  }

  @Test("a line with too few fields, and a quote that is never closed, are refused")
  func broken() {
    #expect(CSV(text: "a,b\r\n1\r\n") == nil)
    #expect(CSV(text: "a,b\r\n\"1,2\r\n") == nil)
  }
}
