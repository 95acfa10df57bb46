import Plots
import Testing

@Suite("Markup")
struct MarkupTests {
  @Test("text and attributes cannot become markup")
  func escapes() {
    let element = Markup.element("text", ["title": "a \"b\" <c>"], text: "x < y & \u{1} z")
    #expect(
      element.rendered
        == "<text title=\"a &quot;b&quot; &lt;c&gt;\">x &lt; y &amp; \u{FFFD} z</text>")
  }

  @Test("elements of elements are broken into lines, and text is not")
  func lines() {
    let list = Markup.element(
      "g", ["id": "a"], [.element("rect", ["x": "1"]), .element("text", text: "b")])
    #expect(list.rendered == "<g id=\"a\">\n <rect x=\"1\"/>\n <text>b</text>\n</g>")
    #expect(Markup.element("td").rendered == "<td></td>")
  }

  @Test("a further attribute stands behind the others")
  func attribute() {
    #expect(
      Markup.element("line", ["x1": "0"]).with("class", "axis").rendered
        == "<line x1=\"0\" class=\"axis\"/>")
    #expect(Markup.text("a").with("class", "axis") == .text("a"))
  }
}
