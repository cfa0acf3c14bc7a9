import JSON
import Runtime
import Tensors

/// What reverting did, after it was read back and checked.
public struct RevertReport: Sendable, Equatable {
  /// The written folder.
  public let output: String
  /// The tensors brought back.
  public let tensors: [String]
  /// Model hash of the edited checkpoint that was given.
  public let modelBefore: String
  /// Model hash of the output.
  public let modelAfter: String
  /// Whether the output is, tensor for tensor, the model that the undone edit was made on. It is not where another
  /// edit of other tensors came in between; that edit is then kept.
  public let isOriginal: Bool
  /// Files, bytes and rows written.
  public let outcome: CheckpointWriter.Outcome
}

extension Undo {
  /// Writes a copy of an edited checkpoint with every touched row brought back.
  /// - Throws: ``CheckpointError/movedSince(tensor:expected:found:)``,
  ///   ``CheckpointError/alreadyReverted(tensor:folder:)``, ``CheckpointError/patchTensorMissing(tensor:folder:)``,
  ///   ``CheckpointError/patchShapeDiffers(tensor:expected:found:)``,
  ///   ``CheckpointError/verifyFailed(path:what:)``, ``FileError``, ``Interrupted``.
  @discardableResult
  public func revert(
    _ checkpoint: Checkpoint, output: String, progress: ProgressSink = ignoreProgress
  ) throws -> RevertReport {
    let writer = try CheckpointWriter(source: checkpoint, output: output)
    let (copy, (modelBefore, record)) = try writer.whileCopying {
      try checkFits(checkpoint, progress: progress)
      return (try checkpoint.modelHash(progress: progress), try recordAfter(checkpoint))
    }
    var transforms: [String: CheckpointWriter.Transform] = [:]
    var rows: [String: [Int]] = [:]
    for (target, (item, original)) in zip(targets, zip(items, originals)) {
      let layout = RowLayout(shape: target.shape, transposed: target.transposed, rows: item.rows)
      if item.places == nil, !target.transposed { rows[item.tensor] = item.rows }
      transforms[item.tensor] = { rows, bytes in
        if let places = item.places {
          return places.scatter(
            original.bytes, size: target.dtype.size, width: layout.width, into: bytes, rows)
        }
        layout.scatter(original.bytes, size: target.dtype.size, into: bytes, rows)
      }
    }
    var modelAfter = ""
    let outcome = try writer.write(
      transforms, rows: rows, record: record, copy: copy, progress: progress
    ) { written in
      let found = try written.sha256(ofTensors: items.map(\.tensor), progress: progress)
      for item in items where found[item.tensor] != item.beforeSHA256 {
        throw CheckpointError.verifyFailed(
          path: written.folder, what: "tensor \(item.tensor) is not the original")
      }
      modelAfter = try written.modelHash
    }
    return RevertReport(
      output: writer.output, tensors: items.map(\.tensor), modelBefore: modelBefore, modelAfter: modelAfter,
      isOriginal: modelAfter == self.modelBefore, outcome: outcome)
  }

  /// Whether every touched tensor is as the edit left it.
  /// - Throws: as ``revert(_:output:progress:)`` does before it writes.
  public func checkFits(_ checkpoint: Checkpoint, progress: ProgressSink = ignoreProgress) throws {
    for target in targets {
      guard let entry = checkpoint.entry(target.tensor) else {
        throw CheckpointError.patchTensorMissing(tensor: target.tensor, folder: checkpoint.folder)
      }
      guard entry.shape == target.shape, entry.dtype == target.dtype else {
        throw CheckpointError.patchShapeDiffers(
          tensor: target.tensor, expected: "\(target.dtype.rawValue) \(target.shape)",
          found: entry.description)
      }
    }
    let hashes = try checkpoint.sha256(ofTensors: targets.map(\.tensor), progress: progress)
    for target in targets {
      guard let hash = hashes[target.tensor], hash != target.after else { continue }
      if hash == target.before {
        throw CheckpointError.alreadyReverted(tensor: target.tensor, folder: checkpoint.folder)
      }
      throw CheckpointError.movedSince(tensor: target.tensor, expected: target.after, found: hash)
    }
  }

  /// The record that the output gets: the source's own again where this was the last edit, else one more line.
  private func recordAfter(_ checkpoint: Checkpoint) throws -> [UInt8]? {
    let edits = try checkpoint.editRecord.flatMap { try? JSONValue(parsing: $0) }?["edits"]?.array ?? []
    if edits.isEmpty || edits.last?["model_after"]?.string == modelAfter { return record }
    return try checkpoint.editRecord(adding: [
      "kind": "revert", "origin": origin, "tensors": .strings(items.map(\.tensor)),
    ])
  }
}
