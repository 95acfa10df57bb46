/// The figures behind a result, each with its mark and source, as its presets have them.
struct ReportAssumptions {
  let provenance: JSONValue
  let library: PresetLibrary?

  /// A table for each preset that is still the one that the run was made with; a sentence for others.
  var pieces: [ReportPage.Piece] {
    (provenance["presets"]?.list ?? []).flatMap { preset -> [ReportPage.Piece] in
      guard let name = preset["name"]?.string,
        let kind = preset["kind"]?.string.flatMap(PresetKind.init)
      else { return [] }
      let title = "\(kind.rawValue) \(name)"
      guard let library, let entry = try? PresetListing([kind], name: name, in: library).entries[0]
      else {
        return [.text("\(title): its preset is not at hand; 'Again' has its file and digest.")]
      }
      guard entry.source.sha256 == preset["sha256"]?.string else {
        return [
          .text("\(title): its preset has changed since; the figures of then are not at hand.")
        ]
      }
      return [
        .text("\(title): \(entry.summary)"),
        .table(
          columns: ["figure", "value", "mark", "source"],
          rows: entry.figures.map { [$0.key, $0.value, $0.mark, $0.source] }),
      ]
    }
  }
}
