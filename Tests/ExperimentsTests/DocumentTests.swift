import Foundation
import Quantities
import Testing

@testable import Experiments

struct DocumentTests {
  @Test("a document is sorted, exact, and reads back as itself")
  func document() throws {
    let value: JSONValue = [
      "b": [1, 2, 3], "a": ["x", 1], "é": .null, "Z": true, "empty": [], "none": [:],
      "text": "\"\\\n\r\t\u{1}ü🙂", "big": .integer(Int64.max), "small": .integer(Int64.min),
      "clock": .exact(Rational(decimal: "0.134")!), "third": .exact(Rational(1, over: 3)),
      "rate": .rounded(Rational(2, over: 3), digits: 6),
    ]
    let text = value.document
    #expect(
      text.hasPrefix("{\n  \"Z\": true,\n  \"a\": [\n    \"x\",\n    1\n  ],\n  \"b\": [1, 2, 3],"))
    #expect(text.contains("\"clock\": 0.134,"))
    #expect(text.contains("\"third\": \"1/3\","))
    #expect(text.contains("\"rate\": 0.666667,"))
    #expect(text.contains("\\\"\\\\\\n\\r\\t\\u0001ü🙂"))
    let again = try JSONDecoder().decode(JSONValue.self, from: Data(text.utf8))
    #expect(again == value)
    #expect(again.document == text)
  }

  @Test("a rational is a decimal exactly when it ends")
  func decimals() {
    #expect(Rational(5).decimal == "5")
    #expect(Rational(-5, over: 8).decimal == "-0.625")
    #expect(Rational(1, over: 1_000_000_000_000).decimal == "0.000000000001")
    #expect(Rational(1, over: 7).decimal == nil)
    #expect(Rational(0).decimal == "0")
    for numerator in -50...50 {
      for denominator in 1...50 {
        let value = Rational(Int128(numerator), over: Int128(denominator))
        if let text = value.decimal { #expect(Rational(decimal: text) == value) }
      }
    }
  }

  @Test("SHA-256 equals the published digests")
  func digests() {
    #expect(
      SHA256.hexadecimal("".utf8)
        == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
    #expect(
      SHA256.hexadecimal("abc".utf8)
        == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    #expect(
      SHA256.hexadecimal("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq".utf8)
        == "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1")
    #expect(
      SHA256.hexadecimal([UInt8](repeating: 0x61, count: 1000))
        == "41edece42d63e8d9bf515a9ba6932e1c20cbc9f5a5d134645adb5db1b9737ea3")
  }

  @Test("text is wrapped at spaces, colour takes no room, and no word is lost")
  func wrapping() {
    let style = TextStyle(width: 40, hasColour: true)
    let text =
      style.bold("The cluster takes 2.2852 times the single wafer's emulated time:")
      + " 1.463 ms longer."
    let wrapped = style.wrapped(text + "\nshort  one\n")
    let bare = wrapped.replacing("\u{1B}[1m", with: "").replacing("\u{1B}[0m", with: "")
    for line in bare.split(separator: "\n") { #expect(line.count <= 40) }
    #expect(bare.split(separator: "\n").count == 4 && wrapped.hasSuffix("\nshort  one\n"))
    #expect(bare.split(whereSeparator: \.isWhitespace).count == 15)
    #expect(style.wrapped("a-word-that-is-longer-than-any-line-may-be x").hasSuffix("\nx"))
  }

  @Test("columns move together where the table would be too wide")
  func narrowTables() {
    let table = Table(columns: ["aaaa", "bbbb", "cccc"], rows: [["1111", "2222", "3333"]])
    #expect(table.text(TextStyle(width: 40, hasColour: false)).hasPrefix("aaaa  bbbb  cccc\n"))
    #expect(table.text(TextStyle(width: 15, hasColour: false)).hasPrefix("aaaa bbbb cccc\n"))
  }

  @Test("a table keeps within its width and loses no word")
  func tables() {
    var table = Table(columns: ["name", "what it is"])
    table.append(["a", "one two three four five six seven eight nine ten"])
    table.append(["long-name", "x"])
    for width in [40, 60, 100] {
      let lines = table.text(TextStyle(width: width, hasColour: false))
        .split(separator: "\n", omittingEmptySubsequences: false)
      #expect(lines.allSatisfy { $0.count <= width && $0.last != " " })
      let words = lines.joined(separator: " ").split(separator: " ")
      #expect(words.filter { $0 == "seven" }.count == 1)
      #expect(words.last == "x")
    }
    #expect(Table.wrap("", width: 5) == [""])
    #expect(Table.wrap("abcdefgh ij", width: 5) == ["abcdefgh", "ij"])
  }

  @Test("colour needs a terminal, and NO_COLOR and TERM=dumb refuse it")
  func colour() {
    #expect(!TextStyle.of(descriptor: -1, environment: [:]).hasColour)
    #expect(TextStyle.of(descriptor: -1, environment: ["COLUMNS": "77"]).width == 77)
    #expect(TextStyle.of(descriptor: -1, environment: ["COLUMNS": "x"]).width == 100)
    #expect(TextStyle(width: 80, hasColour: false).bold("a") == "a")
  }

  static let run: JSONValue = [
    "schema": "wafer.run/1",
    "experiment": ["modelled": ["seed": 1], "host": ["output": "/home/x"]],
    "single": ["emulated": ["total_ps": 5], "measured": ["total_ns": 9], "tokens": [1]],
    "cluster": ["emulated": ["total_ps": 7], "measured": ["total_ns": 8]],
    "best_single": .null,
    "comparison": [
      "slowdown": .number("1.4"), "extra_ps": 2, "extra_account_ps": ["compute": 2],
      "largest_logit_difference": .number("0.001"),
    ],
    "provenance": ["version": "1"], "warnings": ["w"],
  ]

  @Test("the emulated document is the modelled experiment, every emulated part and its comparison")
  func emulatedPart() throws {
    let document = try EmulatedDocument(run: Self.run, place: .file("r.json", line: nil)).json
    let expected: JSONValue = [
      "schema": "wafer.run/1", "experiment": ["modelled": ["seed": 1]],
      "single": ["emulated": ["total_ps": 5]], "cluster": ["emulated": ["total_ps": 7]],
      "comparison": [
        "slowdown": .number("1.4"), "extra_ps": 2, "extra_account_ps": ["compute": 2],
      ],
    ]
    #expect(document == expected)
  }

  @Test("a document that is no run's is an error with the key that is missing")
  func noRun() throws {
    let place = Place.file("r.json", line: nil)
    let wrong: [(JSONValue, String)] = [
      ([1], "schema"), (["schema": "other/1"], "schema"),
      (["schema": "wafer.run/1"], "experiment.modelled"),
      (["schema": "wafer.run/1", "experiment": ["modelled": [:]]], "emulated"),
      (
        ["schema": "wafer.run/1", "experiment": ["modelled": [:]], "single": [:]], "single.emulated"
      ),
    ]
    for (document, key) in wrong {
      let error = #expect(throws: ConfigurationError.self) {
        try EmulatedDocument(run: document, place: place)
      }
      #expect(error?.key == key)
    }
    try Fixtures.withFolder { folder in
      try Data("{".utf8).write(to: URL(fileURLWithPath: "\(folder)/cut.json"))
      for (file, problem) in [("cut.json", "is not JSON"), ("none.json", "does not exist")] {
        let error = #expect(throws: ConfigurationError.self) {
          try EmulatedDocument(file: "\(folder)/\(file)")
        }
        #expect(error?.problem == problem)
      }
    }
  }

  @Test("an option's value outside of experiments has the same errors")
  func optionValues() throws {
    let times = Rational(0)...Rational(1)
    #expect(
      try OptionValue.quantity("5 us", .time, in: times, option: "--stage-time")
        == Rational(5, over: 1_000_000))
    for text in ["5", "2 s", "-1 us", "x"] {
      let error = #expect(throws: ConfigurationError.self) {
        try OptionValue.quantity(text, .time, in: times, option: "--stage-time")
      }
      #expect(error?.place == .option("--stage-time"))
    }
    #expect(try OptionValue.count("8", in: 1...8, option: "--ranks") == 8)
    #expect(throws: ConfigurationError.self) {
      try OptionValue.count("9", in: 1...8, option: "--ranks")
    }
    let error = #expect(throws: ConfigurationError.self) {
      try OptionValue.choice("tcpp", of: Transport.self, option: "--transport")
    }
    #expect(error?.nearest == "tcp")
  }
}
