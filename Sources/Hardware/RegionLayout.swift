/// Places the regions of a wafer: equal rectangles of layers in a serpentine, so that neighbours in the
/// model are neighbours on the wafer, and the embedding and the head in strips at its two ends.
///
/// ```
/// ┌───────────────┐
/// │   embedding   │
/// ├───┬───┬───┬───┤
/// │ 0 │ 1 │ 2 │ 3 │
/// ├───┼───┼───┼───┤
/// │ 7 │ 6 │ 5 │ 4 │
/// ├───┴───┴───┴───┤
/// │     head      │
/// └───────────────┘
/// ```
struct RegionLayout: Hashable {
  /// Regions of layers, in the order of the model.
  var layers: [RegionPlace]
  /// The embedding's strip; `nil` when it has none of its own.
  var embedding: RegionPlace?
  /// The head's strip; `nil` when it has none of its own. A tied head lies in the embedding's.
  var head: RegionPlace?
  /// PEs that all of it spans; larger than the wafer where SRAM is taken as enlarged.
  var extent: Rectangle

  /// Which tables need a strip.
  struct Tables: Hashable {
    var embedding: Bool
    var head: Bool
    var strips: Int { (embedding ? 1 : 0) + (head ? 1 : 0) }
  }

  /// How regions follow each other: so many a shelf, shelves from north to south or from west to east.
  struct Shelves: Hashable {
    var perShelf: Int
    var runEastward: Bool
  }

  /// The shelves on which `count` regions and their tables lie on a mesh; `nil` when they do not.
  ///
  /// Tables take what the shelves leave, in equal strips of the mesh's whole side.
  static func place(
    _ count: Int, of size: Rectangle, tables: Tables, on mesh: Rectangle, eastward: Bool
  ) -> (layout: RegionLayout, shelves: Shelves)? {
    // As if shelves ran from west to east and followed each other from north to south.
    let along = eastward ? mesh.columns : mesh.rows
    let across = eastward ? mesh.rows : mesh.columns
    let length = eastward ? size.columns : size.rows
    let depth = eastward ? size.rows : size.columns
    let perShelf = min(along / length, count)
    guard perShelf >= 1 else { return nil }
    let shelves = (count + perShelf - 1) / perShelf
    let rest = across - shelves * depth
    guard rest >= tables.strips else { return nil }
    let strips = tables.strips == 0 ? 0 : rest / tables.strips
    let chosen = Shelves(perShelf: perShelf, runEastward: eastward)
    return (
      arrange(
        count, of: size, in: chosen, along: along,
        embedding: tables.embedding ? strips : 0, head: tables.head ? strips : 0,
        across: across),
      chosen
    )
  }

  /// The same pattern for any number of regions, on a mesh that is as long as it needs to be: one wafer that
  /// stands for several. Strips have the given sizes.
  static func extended(
    _ count: Int, of size: Rectangle, in shelves: Shelves, embedding: Rectangle?,
    head: Rectangle?
  ) -> RegionLayout {
    let eastward = shelves.runEastward
    func depth(_ strip: Rectangle?) -> Int {
      strip.map { eastward ? $0.rows : $0.columns } ?? 0
    }
    func length(_ strip: Rectangle?) -> Int {
      strip.map { eastward ? $0.columns : $0.rows } ?? 0
    }
    let perShelf = min(shelves.perShelf, count)
    let along = max(
      perShelf * (eastward ? size.columns : size.rows), length(embedding), length(head))
    let rows = (count + perShelf - 1) / perShelf
    let across =
      rows * (eastward ? size.rows : size.columns) + depth(embedding) + depth(head)
    return arrange(
      count, of: size, in: Shelves(perShelf: perShelf, runEastward: eastward), along: along,
      embedding: depth(embedding), head: depth(head), across: across)
  }

  private static func arrange(
    _ count: Int, of size: Rectangle, in shelves: Shelves, along: Int, embedding: Int, head: Int,
    across: Int
  ) -> RegionLayout {
    let eastward = shelves.runEastward
    func placed(_ x: Int, _ y: Int, _ length: Int, _ depth: Int) -> RegionPlace {
      eastward
        ? RegionPlace(column: x, row: y, size: Rectangle(columns: length, rows: depth))
        : RegionPlace(column: y, row: x, size: Rectangle(columns: depth, rows: length))
    }
    let length = eastward ? size.columns : size.rows
    let depth = eastward ? size.rows : size.columns
    let layers = (0..<count).map { index in
      let (shelf, place) = index.quotientAndRemainder(dividingBy: shelves.perShelf)
      let column = shelf % 2 == 0 ? place : shelves.perShelf - 1 - place
      return placed(column * length, embedding + shelf * depth, length, depth)
    }
    return RegionLayout(
      layers: layers,
      embedding: embedding > 0 ? placed(0, 0, along, embedding) : nil,
      head: head > 0 ? placed(0, across - head, along, head) : nil,
      extent: eastward
        ? Rectangle(columns: along, rows: across) : Rectangle(columns: across, rows: along))
  }
}
