import JSON
import OrderedCollections
import Runtime
import Tensors

/// A patch is one safetensors file: `delta.N` f32, `rows.N` i64, `direction.N` f32, `places.N` u8 with `values.N`, and the
/// rest as JSON texts in the metadata. Without projections and sparse edits it has the bytes of version 1.
extension Patch {
  static let kind = "surgeon-patch"

  /// Reads a patch.
  /// - Throws: ``FileError``, ``CheckpointError``.
  public init(file path: String) throws {
    let file = try SafetensorsFile(path: path)
    let record = try PatchRecord(file, kind: Self.kind, upTo: Self.formatVersion)
    func bad(_ reason: String) -> CheckpointError { .badPatch(file: path, reason: reason) }
    guard let list = record.value["edits"]?.array, let count = record.value["deltas"]?.int, count >= 0,
      count <= file.entries.count
    else { throw bad("no list of edits or no count of deltas") }
    func vectors(_ name: String, _ count: Int) throws -> [[Float]] {
      try (0..<count).map { index in
        let tensor = try record.tensor("\(name).\(index)", .f32)
        return withExtendedLifetime(tensor) {
          Array(UnsafeBufferPointer(start: tensor.f32, count: tensor.count))
        }
      }
    }
    let deltas = try vectors("delta", count)
    var edits: [RowEdit] = []
    for (index, value) in list.enumerated() {
      let target = try PatchTarget(value, file: path)
      guard let delta = value["delta"]?.int else { throw bad("edit \(index) names no delta") }
      edits.append(
        RowEdit(
          tensor: target.tensor, dtype: target.dtype, shape: target.shape,
          rows: try record.rows("rows.\(index)"), transposed: target.transposed, delta: delta,
          beforeSHA256: target.before, afterSHA256: target.after))
    }
    let projections = try Self.projections(record, path: path)
    let sparse = try Self.sparse(record, path: path)
    guard record.version == Self.version(projections: projections.count, sparse: sparse.count) else {
      throw bad(
        "version \(record.version) with \(projections.count) projections and \(sparse.count) sparse edits")
    }
    let directions = record.value["directions"]?.int ?? 0
    guard (0...file.entries.count).contains(directions) else { throw bad("\(directions) directions") }
    try self.init(
      deltas: deltas, edits: edits, directions: try vectors("direction", directions),
      projections: projections, sparse: sparse, provenance: record.value["provenance"] ?? [:])
  }

  /// The oldest version of the format that can say so.
  private static func version(projections: Int, sparse: Int) -> Int {
    sparse > 0 ? 3 : projections > 0 ? 2 : 1
  }

  private static func projections(_ record: PatchRecord, path: String) throws -> [ProjectionEdit] {
    try (record.value["projections"]?.array ?? []).enumerated().map { index, value in
      let target = try PatchTarget(value, file: path)
      guard let vectors = value["vectors"]?.string.flatMap(ProjectionEdit.Lines.init),
        let direction = value["direction"]?.int, let strength = value["strength"]?.double
      else {
        throw CheckpointError.badPatch(
          file: path, reason: "projection \(index) lacks vectors, direction or strength")
      }
      let norms = value["norms"]?.string
      guard norms == nil || ProjectionEdit.Lines(rawValue: norms ?? "") != nil else {
        throw CheckpointError.badPatch(file: path, reason: "projection \(index) keeps norms \(norms ?? "")")
      }
      return ProjectionEdit(
        tensor: target.tensor, dtype: target.dtype, shape: target.shape, vectors: vectors,
        norms: norms.flatMap(ProjectionEdit.Lines.init), direction: direction, strength: strength,
        beforeSHA256: target.before, afterSHA256: target.after)
    }
  }

  /// Writes the patch, atomically and where nothing is yet; the same patch gives the same bytes.
  /// - Throws: ``FileError``, ``CheckpointError/outputInsideSource(output:source:)`` for a place inside a model folder.
  public func write(to path: String) throws {
    try PatchRecord.checkPlace(path)
    try Files.makeFolder(Files.folder(of: path))
    try SafetensorsWriter.write(items, metadata: try metadata(), to: path)
  }

  /// SHA-256 of the file that ``write(to:)`` makes: the patch's name in reports.
  /// - Throws: ``JSONError`` for a provenance with numbers that are not finite.
  public func sha256() throws -> String {
    var hash = SHA256()
    hash.update(try SafetensorsWriter.header(items, metadata: try metadata(), file: "the patch"))
    for item in items { try item.bytes { hash.update($0) } }
    return hash.hex()
  }

  private var items: [SafetensorsWriter.Item] {
    edits.enumerated().map { .init("rows.\($0)", Tensor(integers: $1.rows)) }
      + deltas.enumerated().map { .init("delta.\($0)", Tensor($1)) }
      + directions.enumerated().map { .init("direction.\($0)", Tensor($1)) } + sparseItems
  }

  private func metadata() throws -> OrderedDictionary<String, String> {
    var value: JSONValue = [
      "deltas": .integer(deltas.count),
      "edits": .array(
        edits.map { edit in
          var value = PatchTarget(edit).value
          value["delta"] = .integer(edit.delta)
          return value
        }),
      "provenance": provenance,
    ]
    if !projections.isEmpty {
      value["directions"] = .integer(directions.count)
      value["projections"] = .array(
        projections.map { edit in
          var value = PatchTarget(edit).value
          value["vectors"] = .string(edit.vectors.rawValue)
          value["norms"] = .optional(edit.norms?.rawValue)
          value["direction"] = .integer(edit.direction)
          value["strength"] = .number(edit.strength)
          return value
        })
    }
    if !sparse.isEmpty { value["sparse"] = sparseRecords }
    return try PatchRecord.metadata(
      value, kind: Self.kind, version: Self.version(projections: projections.count, sparse: sparse.count))
  }
}
