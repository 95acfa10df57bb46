/// An array of a fixed length that belongs to one owner.
///
/// An element changes in place, without the test for other owners that an `Array` makes at every write: in
/// the engine, which writes some ten elements for each hop, those tests cost a third of the time. Indices
/// are checked in debug builds.
struct Table<Element>: ~Copyable {
  private let base: UnsafeMutablePointer<Element>
  let count: Int

  init(repeating element: Element, count: Int) {
    base = .allocate(capacity: max(count, 1))
    base.initialize(repeating: element, count: count)
    self.count = count
  }

  init(_ elements: [Element]) {
    base = .allocate(capacity: max(elements.count, 1))
    for (index, element) in elements.enumerated() { (base + index).initialize(to: element) }
    count = elements.count
  }

  deinit {
    base.deinitialize(count: count)
    base.deallocate()
  }

  var indices: Range<Int> { 0..<count }

  @inline(__always)
  subscript(index: Int) -> Element {
    _read {
      assert(index >= 0 && index < count, "\(index) of \(count)")
      yield base[index]
    }
    nonmutating _modify {
      assert(index >= 0 && index < count, "\(index) of \(count)")
      yield &base[index]
    }
  }
}
