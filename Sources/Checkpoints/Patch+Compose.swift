import JSON
import Runtime
import Tensors

extension Patch {
  /// A patch and how much of it to take.
  public struct Part: Sendable {
    /// The patch.
    public var patch: Patch
    /// Factor on its deltas; 1 takes it as it is, a negative one turns it round.
    public var scale: Double

    /// A part.
    public init(_ patch: Patch, scale: Double = 1) {
      self.patch = patch
      self.scale = scale
    }
  }

  /// Puts patches together into one patch for their common base.
  ///
  /// The deltas of each part are scaled in f64 and rounded once to f32; the deltas that meet in a row are added in f32 in
  /// the order given; the sum is added to the weight and rounded once. Applying the parts one after the other rounds to
  /// the stored type after each, so that the two ways can differ in last places. Rows that get the same parts share
  /// one delta; rows whose sum is zero everywhere drop out. The strength with which a tensor loses a direction is
  /// scaled in f64; such a tensor may stand in one part only, since two such edits, or one and rows, do not add. A tensor
  /// that gets values at single places in some part comes out as such an edit: taken as they are (scale 1, each made from the one
  /// before), the parts give exactly the last one's bytes; scaled or side by side, their differences are added, each
  /// scaled in f64 and rounded once to f32.
  ///
  /// Every part must have been made from `base`, or from the result of parts before it.
  /// - Throws: ``CheckpointError/cannotCompose(reason:)``, and what
  ///   ``build(_:_:projections:sparse:provenance:progress:)`` and ``checkFits(_:progress:)`` throw.
  public static func compose(
    _ parts: [Part], on base: Checkpoint, provenance: JSONValue = [:], progress: ProgressSink = ignoreProgress
  ) throws -> Patch {
    guard !parts.isEmpty else { throw CheckpointError.cannotCompose(reason: "no patches") }
    guard parts.allSatisfy({ $0.scale.isFinite }) else {
      throw CheckpointError.cannotCompose(reason: "a scale that is not finite")
    }
    try checkCommonBase(parts, base, progress)
    let scaled = parts.map { part in
      part.patch.deltas.map { delta in delta.map { Float(Double($0) * part.scale) } }
    }
    var order: [String] = []
    var meetings: [String: [Int: [Meeting]]] = [:]  // tensor → row → what meets there, in order
    var transposed: [String: Bool] = [:]
    var taken: Set<String> = []
    let placed = parts.filter { $0.scale != 0 }.flatMap { $0.patch.sparse.map(\.tensor) }
      .filter { taken.insert($0).inserted }
    for (index, part) in parts.enumerated() where part.scale != 0 {
      for edit in part.patch.edits where !taken.contains(edit.tensor) {
        if meetings[edit.tensor] == nil { order.append(edit.tensor) }
        guard transposed[edit.tensor, default: edit.transposed] == edit.transposed else {
          throw CheckpointError.cannotCompose(
            reason: "\(edit.tensor) is edited by rows in one patch, by columns in another")
        }
        transposed[edit.tensor] = edit.transposed
        for row in edit.rows {
          meetings[edit.tensor, default: [:]][row, default: []].append(
            Meeting(part: index, delta: edit.delta))
        }
      }
    }
    let projections = try projections(parts, rowsEdited: Set(order).union(taken))
    let sparse = try composeSparse(parts, placed, on: base)
    var changes: [RowChange] = []
    for tensor in order {
      var groups: [[Meeting]: [Int]] = [:]
      for (row, meeting) in meetings[tensor] ?? [:] { groups[meeting, default: []].append(row) }
      let sorted = groups.map { (meeting: $0.key, rows: $0.value.sorted()) }.sorted {
        $0.rows[0] < $1.rows[0]
      }
      for (meeting, rows) in sorted {
        var sum = scaled[meeting[0].part][meeting[0].delta]
        for next in meeting.dropFirst() {
          let addend = scaled[next.part][next.delta]
          for index in sum.indices { sum[index] += addend[index] }
        }
        if sum.allSatisfy({ $0 == 0 }) { continue }
        changes.append(
          RowChange(tensor: tensor, rows: rows, transposed: transposed[tensor] ?? false, delta: sum))
      }
    }
    guard !changes.isEmpty || !projections.isEmpty || !sparse.isEmpty else {
      throw CheckpointError.nothingChanged(edited: 0)
    }
    var origin = provenance
    origin["composed"] = .array(
      try parts.map { ["sha256": .string(try $0.patch.sha256()), "scale": .number($0.scale)] })
    return try build(
      base, changes, projections: projections, sparse: sparse, provenance: origin, progress: progress)
  }

  /// The whole-tensor edits of all parts, scaled.
  private static func projections(_ parts: [Part], rowsEdited: Set<String>) throws -> [ProjectionChange] {
    var taken: [String: Int] = [:]
    var changes: [ProjectionChange] = []
    for (index, part) in parts.enumerated() where part.scale != 0 {
      for edit in part.patch.projections {
        guard taken.updateValue(index, forKey: edit.tensor) == nil, !rowsEdited.contains(edit.tensor) else {
          throw CheckpointError.cannotCompose(
            reason:
              "\(edit.tensor) loses a direction in one patch and is edited in another: the two do not add up to "
              + "one edit; apply them one after the other")
        }
        changes.append(
          ProjectionChange(
            tensor: edit.tensor, vectors: edit.vectors, norms: edit.norms,
            direction: part.patch.directions[edit.direction], strength: edit.strength * part.scale))
      }
    }
    return changes
  }

  private struct Meeting: Hashable {
    var part: Int
    var delta: Int
  }

  private static func checkCommonBase(_ parts: [Part], _ base: Checkpoint, _ progress: ProgressSink) throws {
    var possible: [String: Set<String>] = [:]
    for part in parts {
      for edit in part.patch.touched where possible[edit.tensor] == nil {
        guard let entry = base.entry(edit.tensor) else {
          throw CheckpointError.patchTensorMissing(tensor: edit.tensor, folder: base.folder)
        }
        guard entry.shape == edit.shape, entry.dtype == edit.dtype else {
          throw CheckpointError.patchShapeDiffers(
            tensor: edit.tensor, expected: "\(edit.dtype.rawValue) \(edit.shape)", found: entry.description)
        }
        possible[edit.tensor] = []
      }
    }
    for (tensor, hash) in try base.sha256(ofTensors: possible.keys.sorted(), progress: progress) {
      possible[tensor] = [hash]
    }
    for part in parts {
      for edit in part.patch.touched where possible[edit.tensor]?.contains(edit.beforeSHA256) != true {
        throw CheckpointError.otherBase(
          tensor: edit.tensor, expected: edit.beforeSHA256, found: possible[edit.tensor]?.sorted().first ?? ""
        )
      }
      for edit in part.patch.touched { possible[edit.tensor]?.insert(edit.afterSHA256) }
    }
  }
}
