import JSON
import Runtime
import Tensors

extension Patch {
  /// The difference of two checkpoints as a patch of the third kind: a pruned, trained or otherwise edited copy against its
  /// base, whatever made it. Applied to the base it gives every tensor of `edited` bit for bit.
  ///
  /// Tensors and shapes must be the same in both; sharding and side files need not be.
  /// - Throws: ``CheckpointError/cannotCompose(reason:)`` where tensors were added, removed or changed in type or shape, or
  ///   where a tensor that is no f32, f16 or bf16 moved; ``CheckpointError/nothingChanged(edited:)``; and what
  ///   ``build(_:_:projections:sparse:provenance:progress:)`` throws.
  public static func difference(
    from base: Checkpoint, to edited: Checkpoint, provenance: JSONValue = [:],
    progress: ProgressSink = ignoreProgress
  ) throws -> Patch {
    func refuse(_ reason: String) -> CheckpointError { .cannotCompose(reason: reason) }
    let gone = base.tensorNames.filter { edited.entry($0) == nil }
    let added = edited.tensorNames.filter { base.entry($0) == nil }
    guard gone.isEmpty, added.isEmpty else {
      throw refuse(
        "the two do not have the same tensors: \(CheckpointError.list(gone + added)) in one only")
    }
    var changes: [SparseChange] = []
    for (index, name) in base.tensorNames.enumerated() {
      try Cancellation.check()
      guard let old = base.entry(name), let new = edited.entry(name) else { continue }
      guard old.dtype == new.dtype, old.shape == new.shape else {
        throw refuse("\(name) is \(old.description) in one and \(new.description) in the other")
      }
      if let change = try SparseChange(from: base, to: edited, tensor: name, size: old.dtype.size) {
        guard old.dtype.isComputable else {
          throw refuse("\(name) moved, and a patch edits f32, f16 and bf16 only")
        }
        changes.append(change)
      }
      progress(
        ProgressEvent(
          stage: "compare", completed: index + 1, total: base.tensorNames.count, unit: "tensors"))
    }
    guard !changes.isEmpty else { throw CheckpointError.nothingChanged(edited: 0) }
    return try build(base, sparse: changes, provenance: provenance, progress: progress)
  }

  /// Reads the sparse edits of a patch file.
  static func sparse(_ record: PatchRecord, path: String) throws -> [SparseEdit] {
    try (record.value["sparse"]?.array ?? []).enumerated().map { index, value in
      let target = try PatchTarget(value, file: path)
      func bad(_ reason: String) -> CheckpointError {
        .badPatch(file: path, reason: "sparse edit \(index), of \(target.tensor): \(reason)")
      }
      guard let encoding = value["encoding"]?.string.flatMap(SparseEncoding.init(name:)),
        encoding == .bitmask || encoding == .gaps, let count = value["count"]?.int, count > 0
      else { throw bad("no encoding that is known, or no count") }
      let values = try record.tensor("values.\(index)", target.dtype)
      guard values.count == count || values.count == 1 else {
        throw bad("\(values.count) values for \(count) places")
      }
      let places: SparsePlaces
      do {
        places = try SparsePlaces(
          encoding, extent: target.shape.reduce(1, *), count: count,
          code: try record.tensor("places.\(index)", .u8))
      } catch let fault as SparsePlaces.Fault { throw bad(fault.reason) }
      return SparseEdit(
        tensor: target.tensor, dtype: target.dtype, shape: target.shape, places: places,
        values: SparseValues(values, places: count), beforeSHA256: target.before, afterSHA256: target.after)
    }
  }

  /// The sparse edits as tensors of the file.
  var sparseItems: [SafetensorsWriter.Item] {
    let values = sparse.enumerated().map { index, edit in
      SafetensorsWriter.Item(
        "values.\(index)", dtype: edit.dtype, shape: [edit.values.stored(edit.places.count)]
      ) { emit in try edit.values.emit(edit.places, size: edit.dtype.size, emit) }
    }
    // Wide types first, so that every tensor is aligned to its elements.
    return values.sorted { $0.dtype.size > $1.dtype.size }
      + sparse.enumerated().map { .init("places.\($0)", $1.places.code) }
  }

  /// The sparse edits as JSON.
  var sparseRecords: JSONValue {
    .array(
      sparse.map { edit in
        var value = PatchTarget(edit).value
        value["encoding"] = .string(edit.places.encoding.name)
        value["count"] = .integer(edit.places.count)
        return value
      })
  }

  func checkSparse(apartFrom taken: Set<String>) throws {
    var taken = taken
    for edit in sparse {
      func bad(_ reason: String) -> CheckpointError {
        .inconsistentPatch(tensor: edit.tensor, reason: reason)
      }
      guard edit.dtype.isComputable else { throw bad("dtype \(edit.dtype.rawValue) cannot be edited") }
      guard edit.places.extent == edit.shape.reduce(1, *), edit.places.count > 0 else {
        throw bad("\(edit.places.count) of \(edit.places.extent) places for shape \(edit.shape)")
      }
      if case .groups = edit.places.encoding { throw bad("places in groups, whose fillers are no edits") }
      guard taken.insert(edit.tensor).inserted else { throw bad("it is edited twice") }
    }
  }
}
