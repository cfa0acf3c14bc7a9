import JSON
import Runtime
import Tensors

/// Where an undo file goes.
public enum UndoPlace: Sendable, Equatable {
  /// Beside the output: `OUTPUT.undo.safetensors`.
  case beside
  /// A path outside any model folder.
  case file(String)
  /// Nowhere: the source checkpoint is the only way back.
  case none

  func path(output: String) -> String? {
    switch self {
    case .beside:
      "\(output.count > 1 && output.hasSuffix("/") ? String(output.dropLast()) : output).undo.safetensors"
    case .file(let path): path
    case .none: nil
    }
  }
}

/// What applying a patch did, after it was read back and checked.
public struct ApplyReport: Sendable, Equatable {
  /// The written folder.
  public let output: String
  /// The undo file; nil where none was wanted.
  public let undo: String?
  /// The patch's hash.
  public let patchSHA256: String
  /// Model hash of the source.
  public let modelBefore: String
  /// Model hash of the output.
  public let modelAfter: String
  /// What happened to each touched tensor.
  public let effects: [TensorEffect]
  /// Files, bytes and rows written.
  public let outcome: CheckpointWriter.Outcome
  /// Ties, weights that were not read, and the like.
  public let notes: [String]

  /// Rows with at least one stored number that changed.
  public var rowsChanged: Int { effects.reduce(0) { $0 + $1.rowsChanged } }
  /// Values that changed as stored.
  public var changed: Int { effects.reduce(0) { $0 + $1.changed } }
  /// Values that a delta other than zero was added to.
  public var edited: Int { effects.reduce(0) { $0 + $1.edited } }
  /// Fraction of the edited values, 0…1, that their type rounded away.
  public var roundedAway: Double { edited == 0 ? 0 : Double(edited - changed) / Double(edited) }
}

extension Patch {
  /// Writes a copy of a checkpoint with this patch applied, and the undo file.
  ///
  /// The order is: check the fit by hashes and rehearse the arithmetic while a thread copies the files, edit the copy,
  /// read it back and compare all of it with the source, write the undo file, flush, and only then give the copy its
  /// name.
  /// - Throws: what ``checkFits(_:progress:)`` and ``effects(on:progress:)`` throw, ``FileError``,
  ///   ``CheckpointError/verifyFailed(path:what:)``, ``Interrupted``.
  @discardableResult
  public func apply(
    to checkpoint: Checkpoint, output: String, undo place: UndoPlace = .beside,
    progress: ProgressSink = ignoreProgress
  ) throws -> ApplyReport {
    try apply(to: checkpoint, output: output, undo: place, progress: progress, onStep: { _ in })
  }

  @discardableResult
  func apply(
    to checkpoint: Checkpoint, output: String, undo place: UndoPlace, progress: ProgressSink,
    onStep: @escaping (String) throws -> Void
  ) throws -> ApplyReport {
    var writer = try CheckpointWriter(source: checkpoint, output: output)
    writer.onStep = onStep
    let patchHash = try sha256()
    let undoPath = place.path(output: output)
    if let undoPath {
      guard !undoPath.hasPrefix(writer.output + "/") else {
        throw CheckpointError.outputInsideSource(output: undoPath, source: writer.output)
      }
      if !Files.exists(undoPath) { try PatchRecord.checkPlace(undoPath) }
    }
    try checkShapes(checkpoint)
    let undoBytes = undoPath == nil ? 0 : Undo.size(undoItems, base: checkpoint)
    try Files.requireSpace(UInt64(writer.bytesNeeded + undoBytes), at: writer.output)
    let (copy, preparation) = try writer.whileCopying {
      try prepare(checkpoint, patchHash: patchHash, undo: undoPath, progress: progress)
    }
    let (modelBefore, modelAfter) = (preparation.modelBefore, preparation.modelAfter)
    var wroteUndo = false
    let outcome: CheckpointWriter.Outcome
    do {
      outcome = try writer.write(
        preparation.transforms, rows: storedRows, record: preparation.record, copy: copy, progress: progress
      ) { written in
        let found = try written.sha256(ofTensors: tensors, progress: progress)
        for tensor in touched where found[tensor.tensor] != tensor.afterSHA256 {
          throw CheckpointError.verifyFailed(
            path: written.folder, what: "tensor \(tensor.tensor) is not what the patch promises")
        }
        guard let undoPath, !preparation.undoIsThere else { return }
        try Undo.write(
          base: checkpoint, items: undoItems, modelBefore: modelBefore, modelAfter: modelAfter,
          origin: ["kind": "patch", "sha256": .string(patchHash)], to: undoPath)
        wroteUndo = true
      }
    } catch {
      if wroteUndo, let undoPath { try? Files.remove(undoPath) }
      throw error
    }
    return ApplyReport(
      output: writer.output, undo: undoPath, patchSHA256: patchHash, modelBefore: modelBefore,
      modelAfter: modelAfter, effects: preparation.effects, outcome: outcome,
      notes: checkpoint.notes + checkpoint.tieNotes(tensors, hashes: preparation.before))
  }

  /// What is known before anything is changed.
  private struct Preparation {
    let effects: [TensorEffect]
    /// Hashes of all tensors of the source.
    let before: [String: String]
    let modelBefore, modelAfter: String
    let record: [UInt8]
    let transforms: [String: CheckpointWriter.Transform]
    let undoIsThere: Bool
  }

  /// Checks the fit, rehearses and hashes the source.
  private func prepare(
    _ checkpoint: Checkpoint, patchHash: String, undo: String?, progress: ProgressSink
  ) throws -> Preparation {
    let effects = try effects(on: checkpoint, progress: progress)
    let before = try checkpoint.sha256(ofTensors: checkpoint.tensorNames, progress: progress)
    let modelBefore = checkpoint.modelHash(with: before)
    var after = before
    for tensor in touched { after[tensor.tensor] = tensor.afterSHA256 }
    let modelAfter = checkpoint.modelHash(with: after)
    var entry = recordEntry(patchHash: patchHash, modelBefore: modelBefore)
    entry["model_after"] = .string(modelAfter)
    return Preparation(
      effects: effects, before: before, modelBefore: modelBefore, modelAfter: modelAfter,
      record: try checkpoint.editRecord(adding: entry), transforms: try transforms(checkpoint),
      undoIsThere: try undo.map {
        try hasUndo($0, of: checkpoint, patchHash: patchHash, modelBefore: modelBefore)
      } ?? true)
  }

  /// By tensor, the stored rows that the patch may change, where those are not all.
  private var storedRows: [String: [Int]] {
    var rows: [String: [Int]] = [:]
    for tensor in touched where !tensor.isWhole && !sparse.contains(where: { $0.tensor == tensor.tensor }) {
      let parts = edits(of: tensor.tensor)
      if parts.allSatisfy({ !$0.transposed }) { rows[tensor.tensor] = parts.flatMap(\.rows).sorted() }
    }
    return rows
  }

  /// Whether this very edit's undo file is there already: a run that was killed before its output got its name leaves it,
  /// and a second copy of the same edit can share it.
  private func hasUndo(
    _ path: String, of checkpoint: Checkpoint, patchHash: String, modelBefore: String
  ) throws -> Bool {
    guard Files.exists(path) else { return false }
    guard let undo = try? Undo(file: path), undo.origin["sha256"]?.string == patchHash,
      undo.modelBefore == modelBefore, undo.record == (try checkpoint.editRecord)
    else { throw FileError.exists(path: path) }
    return true
  }

  /// What the patch does, as transforms for ``CheckpointWriter``.
  public func transforms(_ checkpoint: Checkpoint) throws -> [String: CheckpointWriter.Transform] {
    var transforms: [String: CheckpointWriter.Transform] = [:]
    for name in tensors {
      let entry = try checkpoint.place(name).entry
      // Made when its tensor's turn comes: a projection reads the tensor first.
      var made: (any TensorArithmetic)?
      transforms[name] = { rows, bytes in
        var arithmetic = try made ?? self.arithmetic(for: entry, of: checkpoint)
        made = nil
        try arithmetic.apply(to: bytes, storedRows: rows)
        made = arithmetic
      }
    }
    return transforms
  }

  /// The edits of one tensor as arithmetic.
  func arithmetic(for entry: TensorEntry, of checkpoint: Checkpoint) throws -> any TensorArithmetic {
    if let edit = sparse.first(where: { $0.tensor == entry.name }) {
      return SparseArithmetic(entry: entry, edit: edit)
    }
    guard let edit = projections.first(where: { $0.tensor == entry.name }) else {
      return RowArithmetic(entry: entry, edits: edits(of: entry.name), deltas: deltas)
    }
    return ProjectionArithmetic(
      edit, direction: directions[edit.direction], entry: entry, tensor: try checkpoint.tensor(entry.name))
  }

  var undoItems: [Undo.Item] {
    touched.map { touched in
      let parts = edits(of: touched.tensor)
      let places = sparse.first { $0.tensor == touched.tensor }?.places
      return Undo.Item(
        tensor: touched.tensor,
        rows: touched.isWhole || places != nil ? nil : parts.flatMap(\.rows).sorted(), places: places,
        transposed: parts.first?.transposed ?? false, beforeSHA256: touched.beforeSHA256,
        afterSHA256: touched.afterSHA256)
    }
  }

  private func recordEntry(patchHash: String, modelBefore: String) -> JSONValue {
    [
      "kind": "patch", "patch_sha256": .string(patchHash), "model_before": .string(modelBefore),
      "model_after": nil,
      "tensors": .array(
        touched.map {
          [
            "tensor": .string($0.tensor), "rows": .integer($0.rows), "before": .string($0.beforeSHA256),
            "after": .string($0.afterSHA256),
          ]
        }),
      "provenance": provenance,
    ]
  }
}
