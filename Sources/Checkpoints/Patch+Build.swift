import JSON
import Runtime
import Tensors

/// One delta for some rows of one tensor, before hashes are known.
public struct RowChange: Sendable {
  /// The tensor's name as stored.
  public var tensor: String
  /// The rows, in any order, each once; as in ``RowEdit/rows``.
  public var rows: [Int]
  /// Whether the matrix is stored `[K, N]`.
  public var transposed: Bool
  /// δ, as long as a row.
  public var delta: [Float]

  /// A change.
  public init(tensor: String, rows: [Int], transposed: Bool = false, delta: [Float]) {
    self.tensor = tensor
    self.rows = rows
    self.transposed = transposed
    self.delta = delta
  }
}

extension Patch {
  /// The changes as a patch without hashes: enough for run-time use, not to be applied.
  /// - Throws: ``CheckpointError/patchTensorMissing(tensor:folder:)``,
  ///   ``CheckpointError/inconsistentPatch(tensor:reason:)``.
  public static func draft(
    _ checkpoint: Checkpoint, _ changes: [RowChange] = [], projections: [ProjectionChange] = [],
    sparse: [SparseChange] = [], provenance: JSONValue = [:]
  ) throws -> Patch {
    func entry(_ tensor: String) throws -> TensorEntry {
      guard let entry = checkpoint.entry(tensor) else {
        throw CheckpointError.patchTensorMissing(tensor: tensor, folder: checkpoint.folder)
      }
      return entry
    }
    var deltas = VectorTable()
    let edits = try changes.filter { !$0.rows.isEmpty }.map { change in
      let entry = try entry(change.tensor)
      return RowEdit(
        tensor: change.tensor, dtype: entry.dtype, shape: entry.shape, rows: change.rows.sorted(),
        transposed: change.transposed, delta: deltas.place(change.delta), beforeSHA256: "", afterSHA256: "")
    }
    var directions = VectorTable()
    let whole = try projections.map { change in
      let entry = try entry(change.tensor)
      return ProjectionEdit(
        tensor: change.tensor, dtype: entry.dtype, shape: entry.shape, vectors: change.vectors,
        norms: change.norms, direction: directions.place(change.direction), strength: change.strength,
        beforeSHA256: "", afterSHA256: "")
    }
    let places = try sparse.map { change in
      let entry = try entry(change.tensor)
      return SparseEdit(
        tensor: change.tensor, dtype: entry.dtype, shape: entry.shape, places: change.places,
        values: change.values, beforeSHA256: "", afterSHA256: "")
    }
    return try Patch(
      deltas: deltas.vectors, edits: edits, directions: directions.vectors, projections: whole,
      sparse: places, provenance: provenance)
  }

  /// Vectors, equal ones once.
  private struct VectorTable {
    private(set) var vectors: [[Float]] = []
    private var known: [[UInt32]: Int] = [:]

    mutating func place(_ vector: [Float]) -> Int {
      let bits = vector.map(\.bitPattern)
      if let index = known[bits] { return index }
      known[bits] = vectors.count
      vectors.append(vector)
      return vectors.count - 1
    }
  }

  /// Makes a patch for a checkpoint: computes each touched tensor's hash before and after, one block at a time.
  /// - Throws: ``CheckpointError/patchTensorMissing(tensor:folder:)``,
  ///   ``CheckpointError/inconsistentPatch(tensor:reason:)``,
  ///   ``CheckpointError/notFinite(tensor:row:column:value:)``, ``CheckpointError/nothingChanged(edited:)``,
  ///   ``Interrupted``.
  /// - Complexity: one pass over the touched tensors.
  public static func build(
    _ checkpoint: Checkpoint, _ changes: [RowChange] = [], projections: [ProjectionChange] = [],
    sparse: [SparseChange] = [], provenance: JSONValue = [:], progress: ProgressSink = ignoreProgress
  ) throws -> Patch {
    let draft = try draft(
      checkpoint, changes, projections: projections, sparse: sparse, provenance: provenance)
    let rehearsals = try draft.rehearse(on: checkpoint, progress: progress)
    let (effects, after) = try rehearsals.outcome()
    let before = rehearsals.before
    guard effects.contains(where: { $0.changed > 0 }) else {
      throw CheckpointError.nothingChanged(edited: effects.reduce(0) { $0 + $1.edited })
    }
    var (edits, whole) = (draft.edits, draft.projections)
    for index in edits.indices {
      edits[index].beforeSHA256 = before[edits[index].tensor] ?? ""
      edits[index].afterSHA256 = after[edits[index].tensor] ?? ""
    }
    for index in whole.indices {
      whole[index].beforeSHA256 = before[whole[index].tensor] ?? ""
      whole[index].afterSHA256 = after[whole[index].tensor] ?? ""
    }
    var places = draft.sparse
    for index in places.indices {
      places[index].beforeSHA256 = before[places[index].tensor] ?? ""
      places[index].afterSHA256 = after[places[index].tensor] ?? ""
    }
    return try Patch(
      deltas: draft.deltas, edits: edits, directions: draft.directions, projections: whole, sparse: places,
      provenance: provenance)
  }

  /// What the patch would do to a checkpoint that it fits, without writing anything.
  /// - Throws: as ``apply(to:output:undo:progress:)`` does before it writes.
  public func effects(on checkpoint: Checkpoint, progress: ProgressSink = ignoreProgress) throws
    -> [TensorEffect]
  {
    try checkShapes(checkpoint)
    let rehearsals = try rehearse(on: checkpoint, progress: progress)
    // Another base is the better reason where the edit failed on it, too.
    try checkHashes(rehearsals.before, of: checkpoint)
    let (effects, after) = try rehearsals.outcome()
    for tensor in touched where after[tensor.tensor] != tensor.afterSHA256 {
      throw CheckpointError.inconsistentPatch(
        tensor: tensor.tensor,
        reason: "it gives hash \(after[tensor.tensor] ?? "") where the patch says \(tensor.afterSHA256)")
    }
    guard effects.contains(where: { $0.changed > 0 }) else {
      throw CheckpointError.nothingChanged(edited: effects.reduce(0) { $0 + $1.edited })
    }
    return effects
  }

  /// Whether every touched tensor is the one that the patch was made from.
  /// - Throws: ``CheckpointError/patchTensorMissing(tensor:folder:)``,
  ///   ``CheckpointError/patchShapeDiffers(tensor:expected:found:)``,
  ///   ``CheckpointError/alreadyApplied(tensor:folder:)``,
  ///   ``CheckpointError/otherBase(tensor:expected:found:)``, ``Interrupted``.
  public func checkFits(_ checkpoint: Checkpoint, progress: ProgressSink = ignoreProgress) throws {
    try checkShapes(checkpoint)
    try checkHashes(try checkpoint.sha256(ofTensors: tensors, progress: progress), of: checkpoint)
  }

  func checkShapes(_ checkpoint: Checkpoint) throws {
    for edit in touched {
      guard let entry = checkpoint.entry(edit.tensor) else {
        throw CheckpointError.patchTensorMissing(tensor: edit.tensor, folder: checkpoint.folder)
      }
      guard entry.shape == edit.shape, entry.dtype == edit.dtype else {
        throw CheckpointError.patchShapeDiffers(
          tensor: edit.tensor, expected: "\(edit.dtype.rawValue) \(edit.shape)", found: entry.description)
      }
    }
  }

  private func checkHashes(_ hashes: [String: String], of checkpoint: Checkpoint) throws {
    for edit in touched {
      guard let hash = hashes[edit.tensor], hash != edit.beforeSHA256 else { continue }
      if hash == edit.afterSHA256 {
        throw CheckpointError.alreadyApplied(tensor: edit.tensor, folder: checkpoint.folder)
      }
      throw CheckpointError.otherBase(tensor: edit.tensor, expected: edit.beforeSHA256, found: hash)
    }
  }
}
