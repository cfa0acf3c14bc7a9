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
  /// Makes a patch for a checkpoint: computes each touched tensor's hash before and after, one block at a time.
  /// - Throws: ``CheckpointError/patchTensorMissing(tensor:folder:)``,
  ///   ``CheckpointError/inconsistentPatch(tensor:reason:)``,
  ///   ``CheckpointError/notFinite(tensor:row:column:value:)``, ``CheckpointError/nothingChanged(edited:)``,
  ///   ``Interrupted``.
  /// - Complexity: one pass over the touched tensors, and a second for hashes not known yet.
  public static func build(
    _ checkpoint: Checkpoint, _ changes: [RowChange], provenance: JSONValue = [:],
    progress: ProgressSink = ignoreProgress
  ) throws -> Patch {
    var deltas: [[Float]] = []
    var known: [[UInt32]: Int] = [:]
    var edits: [RowEdit] = []
    for change in changes where !change.rows.isEmpty {
      guard let entry = checkpoint.entry(change.tensor) else {
        throw CheckpointError.patchTensorMissing(tensor: change.tensor, folder: checkpoint.folder)
      }
      let bits = change.delta.map(\.bitPattern)
      let index = known[bits] ?? deltas.count
      if index == deltas.count {
        deltas.append(change.delta)
        known[bits] = index
      }
      edits.append(
        RowEdit(
          tensor: change.tensor, dtype: entry.dtype, shape: entry.shape, rows: change.rows.sorted(),
          transposed: change.transposed, delta: index, beforeSHA256: "", afterSHA256: ""))
    }
    let draft = try Patch(deltas: deltas, edits: edits, provenance: provenance)
    let before = try checkpoint.sha256(ofTensors: draft.tensors, progress: progress)
    let (effects, after) = try draft.rehearse(on: checkpoint, progress: progress)
    guard effects.contains(where: { $0.changed > 0 }) else {
      throw CheckpointError.nothingChanged(edited: effects.reduce(0) { $0 + $1.edited })
    }
    for index in edits.indices {
      edits[index].beforeSHA256 = before[edits[index].tensor] ?? ""
      edits[index].afterSHA256 = after[edits[index].tensor] ?? ""
    }
    return try Patch(deltas: deltas, edits: edits, provenance: provenance)
  }

  /// What the patch would do to a checkpoint that it fits, without writing anything.
  /// - Throws: as ``apply(to:output:undo:progress:)`` does before it writes.
  public func effects(on checkpoint: Checkpoint, progress: ProgressSink = ignoreProgress) throws
    -> [TensorEffect]
  {
    try checkFits(checkpoint, progress: progress)
    let (effects, after) = try rehearse(on: checkpoint, progress: progress)
    for edit in edits where after[edit.tensor] != edit.afterSHA256 {
      throw CheckpointError.inconsistentPatch(
        tensor: edit.tensor,
        reason: "it gives hash \(after[edit.tensor] ?? "") where the patch says \(edit.afterSHA256)")
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
    var arithmetic = RowArithmetic(entry: entry, edits: edits(of: entry.name), deltas: deltas)
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
    for edit in edits {
      guard let entry = checkpoint.entry(edit.tensor) else {
        throw CheckpointError.patchTensorMissing(tensor: edit.tensor, folder: checkpoint.folder)
      }
      guard entry.shape == edit.shape, entry.dtype == edit.dtype else {
        throw CheckpointError.patchShapeDiffers(
          tensor: edit.tensor, expected: "\(edit.dtype.rawValue) \(edit.shape)", found: entry.description)
      }
    }
    let hashes = try checkpoint.sha256(ofTensors: tensors, progress: progress)
    for edit in edits {
      guard let hash = hashes[edit.tensor], hash != edit.beforeSHA256 else { continue }
      if hash == edit.afterSHA256 {
        throw CheckpointError.alreadyApplied(tensor: edit.tensor, folder: checkpoint.folder)
      }
      throw CheckpointError.otherBase(tensor: edit.tensor, expected: edit.beforeSHA256, found: hash)
    }
  }
}
