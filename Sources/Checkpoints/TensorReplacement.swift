import JSON
import Runtime
import Tensors

/// A tensor that a copy of a checkpoint holds with other numbers, of the same type and shape.
public struct TensorReplacement {
  /// The tensor's name as stored.
  public var tensor: String
  /// SHA-256 of its new bytes.
  public var sha256: String
  /// Puts the new bytes of a block of whole stored rows in place; called in order.
  public var rows: CheckpointWriter.Transform

  /// A replacement.
  public init(tensor: String, sha256: String, rows: @escaping CheckpointWriter.Transform) {
    self.tensor = tensor
    self.sha256 = sha256
    self.rows = rows
  }
}

/// What writing a copy with replaced tensors did, after it was read back and checked.
public struct ReplacementReport: Sendable, Equatable {
  /// One replaced tensor.
  public struct Touched: Sendable, Equatable {
    /// The tensor's name.
    public let tensor: String
    /// SHA-256 of its bytes in the source and in the copy.
    public let before, after: String
    /// Stored rows that hold other numbers than before.
    public let rowsChanged: Int
  }

  /// The written folder.
  public let output: String
  /// Model hash of the source.
  public let modelBefore: String
  /// Model hash of the output.
  public let modelAfter: String
  /// The replaced tensors, in the order of the source.
  public let touched: [Touched]
  /// Files, bytes and rows written.
  public let outcome: CheckpointWriter.Outcome
  /// Ties, weights that were not read, and the like.
  public let notes: [String]

  /// Stored rows that hold other numbers than before.
  public var rowsChanged: Int { touched.reduce(0) { $0 + $1.rowsChanged } }
}

extension CheckpointWriter {
  /// Writes a copy in which some tensors are replaced, reads it back, compares it with the source and the promised
  /// hashes, and only then gives it its name.
  /// - Parameters:
  ///   - replacements: the tensors, each once.
  ///   - kind: what was done, in a word of `surgeon.edit.json`.
  ///   - provenance: how, for that file.
  /// - Throws: what ``write(_:record:progress:commit:)`` throws,
  ///   ``CheckpointError/verifyFailed(path:what:)`` where a written tensor is not what was promised.
  public func write(
    replacing replacements: [TensorReplacement], kind: String, provenance: JSONValue,
    progress: ProgressSink = ignoreProgress
  ) throws -> ReplacementReport {
    var changes: [String: Transform] = [:]
    for replacement in replacements {
      guard source.entry(replacement.tensor) != nil else {
        throw CheckpointError.unknownTensor(name: replacement.tensor, place: source.folder)
      }
      changes[replacement.tensor] = replacement.rows
    }
    let names = source.tensorNames.filter { changes[$0] != nil }
    let (copy, plan) = try whileCopying {
      () throws -> (before: [String: String], after: [String: String], record: [UInt8]) in
      let before = try source.sha256(ofTensors: source.tensorNames, progress: progress)
      var after = before
      for replacement in replacements { after[replacement.tensor] = replacement.sha256 }
      let edit: JSONValue = [
        "kind": .string(kind), "model_before": .string(source.modelHash(with: before)),
        "model_after": .string(source.modelHash(with: after)),
        "tensors": .array(
          names.map {
            ["tensor": .string($0), "before": .optional(before[$0]), "after": .optional(after[$0])]
          }),
        "provenance": provenance,
      ]
      return (before, after, try source.editRecord(adding: edit))
    }
    let (before, after) = (plan.before, plan.after)
    let outcome = try write(
      changes, rows: [:], record: plan.record, copy: copy, progress: progress
    ) { written in
      let found = try written.sha256(ofTensors: names, progress: progress)
      for name in names where found[name] != after[name] {
        throw CheckpointError.verifyFailed(
          path: written.folder, what: "tensor \(name) is not what was to be written")
      }
    }
    return ReplacementReport(
      output: output, modelBefore: source.modelHash(with: before), modelAfter: source.modelHash(with: after),
      touched: names.map {
        ReplacementReport.Touched(
          tensor: $0, before: before[$0] ?? "", after: after[$0] ?? "",
          rowsChanged: outcome.rowsRewritten[$0] ?? 0)
      }, outcome: outcome, notes: source.notes + source.tieNotes(names, hashes: before))
  }
}
