/// Which of the times that one window leaves to the next are the same time.
///
/// A value keeps its time from window to window, a resource stays busy, and messages may be under way.
/// Here each of these places has the number of its *class*; places of one class have the same time and
/// account whatever prices are. Class 0 is the start of the experiment. How many classes there are, not how
/// many places, is what a window has to be told: shards that do the same share theirs.
final class Frontier: Hashable, Sendable {
  /// [rank][value]: the class of each value's time.
  let values: [[Int32]]
  /// [rank][resource]: the class of the time at which a region, an egress or an ingress port is free.
  let regions: [[Int32]]
  let egress: [[Int32]]
  let ingress: [[Int32]]
  /// Messages under way, stream by stream.
  let underWay: [UnderWay]
  /// Number of classes.
  let classes: Int
  /// The check of the program so far.
  let check: ProgramCheck
  private let hash: Int

  /// The messages of one stream that nobody received yet, in order.
  struct UnderWay: Hashable, Sendable {
    let from: Rank
    let to: Rank
    let stream: Stream
    let classes: [Int32]
  }

  /// Takes each field as it is.
  init(
    values: [[Int32]], regions: [[Int32]], egress: [[Int32]], ingress: [[Int32]],
    underWay: [UnderWay], classes: Int, check: ProgramCheck
  ) {
    self.values = values
    self.regions = regions
    self.egress = egress
    self.ingress = ingress
    self.underWay = underWay
    self.classes = classes
    self.check = check
    var hasher = Hasher()
    hasher.combine(values)
    hasher.combine(regions)
    hasher.combine(egress)
    hasher.combine(ingress)
    hasher.combine(underWay)
    hash = hasher.finalize()
  }

  /// The start of a program: everything is there, and free, from the start.
  convenience init(ranks: Int) {
    let none = Array(repeating: [Int32](), count: ranks)
    self.init(
      values: none, regions: none, egress: none, ingress: none, underWay: [], classes: 1,
      check: ProgramCheck(ranks: ranks))
  }

  /// By classes: the check says nothing that they do not.
  static func == (a: Frontier, b: Frontier) -> Bool {
    a === b
      || (a.hash == b.hash && a.classes == b.classes && a.values == b.values
        && a.regions == b.regions && a.egress == b.egress && a.ingress == b.ingress
        && a.underWay == b.underWay)
  }

  func hash(into hasher: inout Hasher) { hasher.combine(hash) }
}
