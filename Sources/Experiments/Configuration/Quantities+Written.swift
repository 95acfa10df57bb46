import Quantities

extension EmulatedTime {
  /// As a file of ours has it: in the largest unit in which it is a whole number.
  var written: String {
    let units: [(String, Int64)] = [("us", 1_000_000), ("ns", 1000)]
    for (unit, size) in units where picoseconds % size == 0 {
      return "\(picoseconds / size) \(unit)"
    }
    return "\(picoseconds) ps"
  }
}

extension Rational {
  /// A bandwidth in bytes a second, as a file of ours has it: in GB/s where these have decimals that end.
  var writtenAsBandwidth: String {
    let gigabytes = self / Rational(1_000_000_000)
    if let text = gigabytes.decimal { return "\(text) GB/s" }
    return "\(decimal ?? "\(approximation)") B/s"
  }
}
