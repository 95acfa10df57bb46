/// The way of a PE's wavelets: a tree of routers, each of which hands a wavelet to its PE, on to
/// neighbours, or both.
///
/// Routers copy at no cost, as the hardware's do. Routes of several PEs may have one colour: where they
/// end, the PE takes their wavelets as one queue.
public struct Route: Hashable, Sendable {
  /// A router on the way.
  public struct Place: Hashable, Sendable {
    /// Which.
    public let router: Coordinate
    /// The place before it, a neighbour; `nil` at the source.
    public let parent: Int?
    /// Whether its PE gets a copy.
    public fileprivate(set) var delivers: Bool
  }

  /// What the receiving PEs know its wavelets by.
  public let colour: Int
  /// The routers, each after its parent; the first is the source's.
  public private(set) var places: [Place]

  /// A route that goes nowhere yet.
  public init(colour: Int, source: Coordinate) {
    self.colour = colour
    places = [Place(router: source, parent: nil, delivers: false)]
  }

  /// The PE whose wavelets it carries.
  public var source: Coordinate { places[0].router }

  /// Links of the tree: hops that each wavelet makes in all.
  public var linkCount: Int { places.count - 1 }

  /// Extends the tree from one of its places to a PE, which gets a copy, and returns the new end.
  ///
  /// Throws `FabricError` when no way leads there.
  @discardableResult
  public mutating func extend(
    from place: Int = 0, to target: Coordinate, on mesh: Mesh
  ) throws(FabricError) -> Int {
    var end = place
    for router in try mesh.path(from: places[place].router, to: target) {
      places.append(Place(router: router, parent: end, delivers: false))
      end = places.count - 1
    }
    places[end].delivers = true
    return end
  }
}
