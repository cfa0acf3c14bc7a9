import JSON
import Runtime
import Synchronization
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
  /// - Complexity: one pass over the touched tensors, and a second for hashes not known yet.
  public static func build(
    _ checkpoint: Checkpoint, _ changes: [RowChange] = [], projections: [ProjectionChange] = [],
    sparse: [SparseChange] = [], provenance: JSONValue = [:], progress: ProgressSink = ignoreProgress
  ) throws -> Patch {
    let draft = try draft(
      checkpoint, changes, projections: projections, sparse: sparse, provenance: provenance)
    let before = try checkpoint.sha256(ofTensors: draft.tensors, progress: progress)
    let (effects, after) = try draft.rehearse(on: checkpoint, progress: progress)
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
    try checkFits(checkpoint, progress: progress)
    let (effects, after) = try rehearse(on: checkpoint, progress: progress)
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

  /// Edits the touched tensors in passing blocks and hashes the result.
  func rehearse(
    on checkpoint: Checkpoint, progress: ProgressSink
  ) throws -> (effects: [TensorEffect], hashes: [String: String]) {
    let names = tensors
    let entries = try names.map { name in
      guard let entry = checkpoint.entry(name) else {
        throw CheckpointError.patchTensorMissing(tensor: name, folder: checkpoint.folder)
      }
      return entry
    }
    let results = Mutex<[Int: Result<(TensorEffect, String), any Error>]>([:])
    let done = Atomic<Int>(0)
    Parallel.forEachItem(entries.count) { index in
      let result = Result { try rehearse(entries[index], of: checkpoint) }
      results.withLock { $0[index] = result }
      let completed = done.add(1, ordering: .relaxed).newValue
      progress(ProgressEvent(stage: "edit", completed: completed, total: names.count, unit: "tensors"))
    }
    var effects: [TensorEffect] = []
    var hashes: [String: String] = [:]
    for (index, name) in names.enumerated() {
      guard let (effect, hash) = try results.withLock({ try $0[index]?.get() }) else { continue }
      effects.append(effect)
      hashes[name] = hash
    }
    return (effects, hashes)
  }

  private func rehearse(_ entry: TensorEntry, of checkpoint: Checkpoint) throws -> (TensorEffect, String) {
    var arithmetic = try arithmetic(for: entry, of: checkpoint)
    var hash = SHA256()
    try TensorBlocks.forEach(entry, try checkpoint.bytes(entry.name)) { rows, _, copy in
      try Cancellation.check()
      try arithmetic.apply(to: copy, storedRows: rows)
      hash.update(UnsafeRawBufferPointer(copy))
    }
    return (arithmetic.effect, hash.hex())
  }

  /// Whether every touched tensor is the one that the patch was made from.
  /// - Throws: ``CheckpointError/patchTensorMissing(tensor:folder:)``,
  ///   ``CheckpointError/patchShapeDiffers(tensor:expected:found:)``,
  ///   ``CheckpointError/alreadyApplied(tensor:folder:)``,
  ///   ``CheckpointError/otherBase(tensor:expected:found:)``, ``Interrupted``.
  public func checkFits(_ checkpoint: Checkpoint, progress: ProgressSink = ignoreProgress) throws {
    for edit in touched {
      guard let entry = checkpoint.entry(edit.tensor) else {
        throw CheckpointError.patchTensorMissing(tensor: edit.tensor, folder: checkpoint.folder)
      }
      guard entry.shape == edit.shape, entry.dtype == edit.dtype else {
        throw CheckpointError.patchShapeDiffers(
          tensor: edit.tensor, expected: "\(edit.dtype.rawValue) \(edit.shape)", found: entry.description)
      }
    }
    let hashes = try checkpoint.sha256(ofTensors: tensors, progress: progress)
    for edit in touched {
      guard let hash = hashes[edit.tensor], hash != edit.beforeSHA256 else { continue }
      if hash == edit.afterSHA256 {
        throw CheckpointError.alreadyApplied(tensor: edit.tensor, folder: checkpoint.folder)
      }
      throw CheckpointError.otherBase(tensor: edit.tensor, expected: edit.beforeSHA256, found: hash)
    }
  }
}
