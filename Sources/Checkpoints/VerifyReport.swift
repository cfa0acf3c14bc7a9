import JSON
import Runtime

/// What a look at an edited checkpoint found, against its base, its patch, or its own record.
public struct VerifyReport: Sendable, Equatable {
  /// Which side of a patch a tensor is on, by its hash.
  public enum State: String, Sendable {
    /// It has the patch's before-hash.
    case original
    /// It has the patch's after-hash.
    case edited
    /// Neither.
    case other
    /// The checkpoint does not have it, or with another type or shape.
    case absent
  }

  /// Model hash of the checkpoint looked at.
  public internal(set) var modelHash: String
  /// The state of each tensor that the patch names, in patch order; empty without a patch.
  public internal(set) var states: [(tensor: String, state: State)] = []
  /// What moved from base to edited; nil without a base.
  public internal(set) var difference: CheckpointDifference?
  /// What does not agree, in sentences; empty when all does.
  public internal(set) var problems: [String] = []

  /// Whether everything that was compared agrees.
  public var agrees: Bool { problems.isEmpty }

  public static func == (a: VerifyReport, b: VerifyReport) -> Bool {
    a.modelHash == b.modelHash && a.difference == b.difference && a.problems == b.problems
      && a.states.elementsEqual(b.states, by: ==)
  }
}

extension Checkpoint {
  /// Verifies this checkpoint as an edited one.
  ///
  /// With a patch: every tensor it names must have its after-hash. With a base: all differences are listed; with both,
  /// nothing else may have moved. With neither, the model hash must be the one that `surgeon.edit.json` recorded.
  /// - Throws: ``FileError``, ``Interrupted``.
  public func verify(
    base: Checkpoint? = nil, patch: Patch? = nil, progress: ProgressSink = ignoreProgress
  ) throws -> VerifyReport {
    var report = VerifyReport(modelHash: try modelHash(progress: progress))
    if let patch { try verify(patch, &report) }
    if let base {
      let difference = try base.difference(to: self, progress: progress)
      report.difference = difference
      if let patch {
        try verify(difference, base: base, patch: patch, &report)
      } else if difference.sameTensors {
        report.problems.append("no tensor differs from the base")
      }
    }
    if base == nil && patch == nil { try verifyRecord(&report) }
    return report
  }

  private func verify(_ patch: Patch, _ report: inout VerifyReport) throws {
    for edit in patch.touched {
      let name = edit.tensor
      var state = VerifyReport.State.absent
      if let entry = entry(name), entry.shape == edit.shape, entry.dtype == edit.dtype {
        let hash = try sha256(ofTensor: name)
        state = hash == edit.afterSHA256 ? .edited : hash == edit.beforeSHA256 ? .original : .other
      }
      report.states.append((name, state))
      switch state {
      case .edited: break
      case .original: report.problems.append("\(name) is not edited: it has the patch's before-hash")
      case .other: report.problems.append("\(name) is neither the patch's base nor its result")
      case .absent: report.problems.append("\(name) is not there, or has another type or shape")
      }
    }
  }

  private func verify(
    _ difference: CheckpointDifference, base: Checkpoint, patch: Patch, _ report: inout VerifyReport
  ) throws {
    let named = Set(patch.tensors)
    for edit in patch.touched where base.entry(edit.tensor) != nil {
      if try base.sha256(ofTensor: edit.tensor) != edit.beforeSHA256 {
        report.problems.append("the base given is not the patch's base: \(edit.tensor) differs")
        break
      }
    }
    for tensor in difference.changed where !named.contains(tensor.tensor) {
      report.problems.append(
        "\(tensor.tensor) moved (\(tensor.rows.count) rows), which the patch does not name")
    }
    for tensor in difference.retyped {
      report.problems.append("\(tensor.tensor) was \(tensor.first) and is \(tensor.second)")
    }
    if !difference.onlyInFirst.isEmpty {
      report.problems.append("tensors are gone: \(CheckpointError.list(difference.onlyInFirst))")
    }
    if !difference.onlyInSecond.isEmpty {
      report.problems.append("tensors were added: \(CheckpointError.list(difference.onlyInSecond))")
    }
    let record = CheckpointWriter.recordName
    let files =
      (difference.filesChanged + difference.filesOnlyInFirst + difference.filesOnlyInSecond)
      .filter { $0 != record }
    if !files.isEmpty { report.problems.append("side files differ: \(CheckpointError.list(files))") }
  }

  private func verifyRecord(_ report: inout VerifyReport) throws {
    guard let bytes = try editRecord else {
      report.problems.append(
        "no \(CheckpointWriter.recordName), base or patch: there is nothing to verify against")
      return
    }
    let last = (try? JSONValue(parsing: bytes))?["edits"]?.array?.last
    guard let recorded = last?["model_after"]?.string else {
      report.problems.append("\(CheckpointWriter.recordName) records no model hash for its last edit")
      return
    }
    if recorded != report.modelHash {
      report.problems.append("the model moved after its last recorded edit: its hash was \(recorded)")
    }
  }
}
