/// `model.safetensors.index.json`: which of several files holds which tensor.
struct SafetensorsIndex: Decodable {
  /// File name by tensor name.
  let files: [String: String]

  enum CodingKeys: String, CodingKey {
    case files = "weight_map"
  }

  /// Maps the files that an index names, which lie beside it, and collects their tensors.
  ///
  /// Throws `ModelFileError` when a file is named outside the index's folder, is not there, or does not
  /// hold a tensor that the index puts there.
  static func open(
    _ path: String, folder: String
  ) throws(ModelFileError) -> [SafetensorsFile] {
    let index = try JSON.decode(SafetensorsIndex.self, file: FileBytes(mapping: path))
    var shards: [SafetensorsFile] = []
    for name in Set(index.files.values).sorted() {
      guard !name.isEmpty, !name.contains("/"), name != "..", name != "." else {
        throw ModelFileError(
          .malformed, file: path, "'\(name)' is not the name of a file beside the index")
      }
      let shard = try SafetensorsFile(FileBytes(mapping: "\(folder)/\(name)"))
      let held = Set(shard.tensors.map(\.name))
      let wanted = index.files.filter { $0.value == name }.keys.sorted()
      if let missing = wanted.first(where: { !held.contains($0) }) {
        throw ModelFileError(
          .missing, file: shard.file.path, subject: "tensor '\(missing)'",
          "\(path) says that it is in this file")
      }
      shards.append(shard)
    }
    guard !shards.isEmpty else { throw ModelFileError(.missing, file: path, "it names no file") }
    return shards
  }
}
