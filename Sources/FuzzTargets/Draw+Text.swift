import ZeroMQ

/// Valid experiment files, traces and key files, and spoilt ones.
extension Draw {
  /// An experiment of a few keys.
  mutating func experiment() -> [UInt8] {
    var sections: [(key: String, value: Tree)] = [
      ("summary", .string("a fuzzed experiment")), ("model", .bare("synthetic-tiny")),
      ("plan", .object([("pipeline", .number(2)), ("tensor", .number(1))])),
      (
        "workload",
        .object([
          ("prompt_tokens", .number(8)), ("output_tokens", .number(4)), ("batch", .number(2)),
        ])
      ),
      ("host", .object([("transport", .bare("inproc"))])),
    ]
    for _ in 0..<below(4) { set(pick(Self.settings), in: &sections) }
    var tree = Tree.object(sections)
    if chance(40) { spoil(&tree, Self.experimentWords) }
    var bytes = Array((chance(85) ? tree.yaml() : tree.json).utf8)
    if chance(15) { spoil(&bytes, from: 0) }
    if chance(4) { bytes += Array(pick(Self.oddYAML).utf8) }
    return bytes
  }

  /// Sets `section.key`, or a key at the top.
  private mutating func set(
    _ setting: (name: String, values: [String]), in sections: inout [(key: String, value: Tree)]
  ) {
    let value = Tree.bare(chance(75) ? pick(setting.values) : chance(60) ? number() : text())
    let parts = setting.name.split(separator: ".").map(String.init)
    guard parts.count == 2 else {
      sections.append((setting.name, value))
      return
    }
    guard let index = sections.firstIndex(where: { $0.key == parts[0] }) else {
      sections.append((parts[0], .object([(parts[1], value)])))
      return
    }
    guard case .object(var pairs) = sections[index].value else {
      sections[index].value = .object([(parts[1], value)])
      return
    }
    if let old = pairs.firstIndex(where: { $0.key == parts[1] }) {
      pairs[old].value = value
    } else {
      pairs.append((parts[1], value))
    }
    sections[index].value = .object(pairs)
  }

  private static let oddYAML = [
    "\n---\na: 1\n", "\n%YAML 9.9\n", "\nx: &a [*a]\n", "\nx: !!binary zz\n", "\n? [a]\n: b\n",
    "\nx: |\n  a\n b\n", "\n\tx: 1\n", "\n" + String(repeating: "- ", count: 3000) + "x\n",
    "\nx: " + String(repeating: "[", count: 300) + "\n", "\n<<: {a: 1}\n", "\nx: \"\\ud800\"\n",
    "\n" + (0..<40).map { String(repeating: " ", count: $0) + "a:\n" }.joined(),
  ]

  private static let experimentWords = TreeWords(
    keys: [
      "model", "hardware", "link", "plan", "workload", "host", "sampling", "seed", "widths", "name",
      "sweep", "topology", "pricing", "tensor", "batch", "no_such_key", "a.b", "overrides",
    ],
    values: [
      .bare("true"), .bare("auto"), .number(0), .number(-1), .number(2), .bare("5us"),
      .bare("150GB/s"), .bare("infinite"), .bare("~"), .string("2"), .array([.number(1)]),
      .array([.object([("rank", .number(0)), ("speed", .bare("0.5"))])]),
      .object([("tensor", .array([.number(1), .number(2)]))]), .object([("name", .bare("wse-2"))]),
    ])

  /// A trace of some rows.
  mutating func trace() -> [UInt8] {
    let newline = chance(80) ? "\n" : "\r\n"
    var text = chance(5) ? "\u{FEFF}" : ""
    text += chance(95) ? "TIMESTAMP,ContextTokens,GeneratedTokens" : self.text()
    var second = below(86_000)
    for _ in 0..<below(12) {
      second += below(60)
      var fields = [chance(60) ? stamp(second) : "\(second).\(below(999))"]
      fields += ["\(1 + below(4096))", "\(1 + below(512))"]
      if chance(8) { fields[below(3)] = chance(50) ? number() : self.text() }
      if chance(2) { fields[0] = pick(Self.oddTimes) }
      if chance(2) { fields.append("1") }
      text += newline + fields.joined(separator: ",")
    }
    if chance(50) { text += newline }
    var bytes = Array(text.utf8)
    if chance(25) { spoil(&bytes, from: 40) }
    return bytes
  }

  private mutating func stamp(_ second: Int) -> String {
    func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
    let clock = "\(two(second / 3600 % 24)):\(two(second / 60 % 60)):\(two(second % 60))"
    return "2023-11-16\(pick([" ", "T"]))\(clock).6805900\(pick(["", "Z", "+00:00"]))"
  }

  private static let oddTimes = [
    "2023-02-29 00:00:00", "1999-01-01 00:00:00", "2101-01-01 00:00:00", "2023-13-01 00:00:00",
    "2023-11-16 24:00:00", "2023-11-16 00:00:60", "2023-11-16 00:00:1e-36", "1e-36", "1e10", "1e18",
    "2100-12-31 23:59:59", "2023--1-01 00:00:00", "0.000000000000000001e-18", "-1",
    "2023-11-16 00:00:59.99999999999999999", "9223372036854775807-01-01 0:0:0",
  ]

  /// A node's or a coordinator's key file.
  mutating func keys() -> [UInt8] {
    var lines = ["# A node's secret key"]
    lines.append("secret \(key())")
    lines.append("coordinator \(key())")
    for _ in 0..<below(3) { lines.append("node \(key())") }
    switch below(10) {
    case 0: lines.append(text())
    case 1: lines.remove(at: below(lines.count))
    case 2: lines.append(lines[below(lines.count)])
    case 3: lines[below(lines.count)] += " \(text())"
    default: break
    }
    var bytes = Array(lines.joined(separator: "\n").utf8)
    if chance(40) { spoil(&bytes, from: 0) }
    return bytes
  }

  /// 40 characters of Z85, mostly: of bytes, or of groups that are more than 32 bits.
  private mutating func key() -> String {
    switch below(12) {
    case 0: text()
    case 1: String(repeating: "#", count: 40)
    case 2: Z85.encode(bytes(4 * below(12)))
    default: Z85.encode(bytes(32))
    }
  }
}
