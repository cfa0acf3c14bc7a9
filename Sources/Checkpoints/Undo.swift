import JSON
import OrderedCollections
import Runtime
import Tensors

/// What brings an edited checkpoint back: the original bytes of every touched row, and the hashes around the edit.
///
/// One safetensors file: `rows.N` i64 or `places.N` u8 (neither where a whole tensor is kept), `original.N` the bytes in stored order,
/// `record` the source's `surgeon.edit.json` where it had one, and the rest as JSON in the metadata.
public struct Undo: Sendable {
  static let kind = "surgeon-undo"
  /// Version 1 has rows and whole tensors; an undo file with single places is version 2.
  static let formatVersion = 2

  /// One tensor to bring back.
  public struct Item: Sendable {
    /// The tensor's name.
    public let tensor: String
    /// Rows kept, ascending, as in ``RowEdit/rows``; nil for the whole tensor.
    public let rows: [Int]?
    /// The places kept of a sparse edit; nil for rows and whole tensors.
    public let places: SparsePlaces?
    /// Whether rows are columns of the stored matrix.
    public let transposed: Bool
    /// Hash of the original tensor.
    public let beforeSHA256: String
    /// Hash of the edited tensor.
    public let afterSHA256: String

    /// An item.
    public init(
      tensor: String, rows: [Int]?, places: SparsePlaces? = nil, transposed: Bool = false,
      beforeSHA256: String, afterSHA256: String
    ) {
      self.tensor = tensor
      self.rows = rows
      self.places = places
      self.transposed = transposed
      self.beforeSHA256 = beforeSHA256
      self.afterSHA256 = afterSHA256
    }
  }

  /// The file it was read from.
  public let path: String
  /// The touched tensors.
  public let items: [Item]
  /// Model hash before the edit.
  public let modelBefore: String
  /// Model hash after the edit.
  public let modelAfter: String
  /// What made the edit, such as a patch's hash.
  public let origin: JSONValue
  /// The source's own `surgeon.edit.json`; nil where it had none.
  public let record: [UInt8]?

  let targets: [PatchTarget]
  let originals: [Tensor]

  /// Reads an undo file.
  /// - Throws: ``FileError``, ``CheckpointError``.
  public init(file path: String) throws {
    let file = try SafetensorsFile(path: path)
    let record = try PatchRecord(file, kind: Self.kind, upTo: Self.formatVersion)
    func bad(_ reason: String) -> CheckpointError { .badPatch(file: path, reason: reason) }
    guard let list = record.value["items"]?.array, let before = record.value["model_before"]?.string,
      let after = record.value["model_after"]?.string
    else { throw bad("no items or no model hashes") }
    var items: [Item] = []
    var targets: [PatchTarget] = []
    var originals: [Tensor] = []
    for (index, value) in list.enumerated() {
      let target = try PatchTarget(value, file: path)
      let places = try Self.places(value, target, record, index)
      let rows = file.entry("rows.\(index)") == nil ? nil : try record.rows("rows.\(index)")
      let original = try record.tensor("original.\(index)", target.dtype)
      let layout = RowLayout(shape: target.shape, transposed: target.transposed, rows: rows)
      guard layout.isValid, places?.count ?? layout.count == original.count, rows == nil || places == nil
      else {
        throw bad("the rows of \(target.tensor) do not fit its shape")
      }
      items.append(
        Item(
          tensor: target.tensor, rows: rows, places: places, transposed: target.transposed,
          beforeSHA256: target.before, afterSHA256: target.after))
      targets.append(target)
      originals.append(original)
    }
    self.path = path
    self.items = items
    self.modelBefore = before
    self.modelAfter = after
    self.origin = record.value["origin"] ?? [:]
    self.record = try file.entry("record").map { _ in
      let tensor = try record.tensor("record", .u8)
      return withExtendedLifetime(tensor) { Array(tensor.bytes) }
    }
    self.targets = targets
    self.originals = originals
  }

  /// The places of a sparse edit; nil where the item keeps rows or a whole tensor.
  private static func places(
    _ value: JSONValue, _ target: PatchTarget, _ record: PatchRecord, _ index: Int
  ) throws -> SparsePlaces? {
    guard let name = value["encoding"]?.string else { return nil }
    func bad(_ reason: String) -> CheckpointError {
      .badPatch(file: record.file.path, reason: "the places of \(target.tensor): \(reason)")
    }
    guard record.version > 1, let encoding = SparseEncoding(name: name),
      let count = value["count"]?.int
    else { throw bad("no encoding that is known, or no count") }
    do {
      return try SparsePlaces(
        encoding, extent: target.shape.reduce(1, *), count: count,
        code: try record.tensor("places.\(index)", .u8))
    } catch let fault as SparsePlaces.Fault { throw bad(fault.reason) }
  }

  /// Writes an undo file for an edit of `base`; rows stream from the mapped file.
  /// - Throws: ``FileError``, ``CheckpointError``.
  public static func write(
    base: Checkpoint, items: [Item], modelBefore: String, modelAfter: String, origin: JSONValue,
    to path: String
  ) throws {
    try PatchRecord.checkPlace(path)
    try Files.makeFolder(Files.folder(of: path))
    var rows: [SafetensorsWriter.Item] = []
    var codes: [SafetensorsWriter.Item] = []
    var originals: [SafetensorsWriter.Item] = []
    var list: [JSONValue] = []
    for (index, item) in items.enumerated() {
      let entry = try base.place(item.tensor).entry
      let bytes = try base.bytes(item.tensor)
      let layout = RowLayout(shape: entry.shape, transposed: item.transposed, rows: item.rows)
      guard layout.isValid else {
        throw CheckpointError.inconsistentPatch(tensor: item.tensor, reason: "rows that do not fit its shape")
      }
      if let kept = item.rows { rows.append(.init("rows.\(index)", Tensor(integers: kept))) }
      if let places = item.places, places.extent != entry.count {
        throw CheckpointError.inconsistentPatch(
          tensor: item.tensor, reason: "places that do not fit its shape")
      }
      let count = item.places?.count ?? layout.count
      originals.append(
        .init("original.\(index)", dtype: entry.dtype, shape: [count]) { emit in
          if let places = item.places {
            try places.gather(bytes, size: entry.dtype.size, emit)
          } else {
            try layout.gather(bytes, size: entry.dtype.size, emit)
          }
        })
      var value = PatchTarget(
        tensor: item.tensor, dtype: entry.dtype, shape: entry.shape, transposed: item.transposed,
        before: item.beforeSHA256, after: item.afterSHA256
      ).value
      if let places = item.places {
        codes.append(.init("places.\(index)", places.code))
        value["encoding"] = .string(places.encoding.name)
        value["count"] = .integer(places.count)
      }
      list.append(value)
    }
    let value: JSONValue = [
      "items": .array(list), "model_before": .string(modelBefore), "model_after": .string(modelAfter),
      "origin": origin,
    ]
    originals.sort { $0.dtype.size > $1.dtype.size }
    var all = rows + originals + codes
    if let record = try base.editRecord {
      all.append(
        .init("record", dtype: .u8, shape: [record.count]) { emit in
          try record.withUnsafeBytes { try emit($0) }
        })
    }
    try SafetensorsWriter.write(
      all, metadata: try PatchRecord.metadata(value, kind: kind, version: codes.isEmpty ? 1 : 2), to: path)
  }

  /// Bytes that an undo file for these items takes, roughly.
  static func size(_ items: [Item], base: Checkpoint) -> Int {
    items.reduce(1 << 16) { sum, item in
      guard let entry = base.entry(item.tensor) else { return sum }
      if let places = item.places { return sum + places.count * entry.dtype.size + places.byteCount }
      let layout = RowLayout(shape: entry.shape, transposed: item.transposed, rows: item.rows)
      return sum + layout.count * entry.dtype.size + (item.rows?.count ?? 0) * 8
    }
  }
}
