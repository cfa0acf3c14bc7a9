import Runtime
import Synchronization
import Tensors

/// What editing the touched tensors in passing gave, in the order of the patch.
struct Rehearsals {
  /// One tensor.
  struct Item {
    let tensor: String
    /// SHA-256 of its bytes as they are stored.
    let before: String
    /// What the edit does and the SHA-256 of the bytes afterwards, or why it cannot be done.
    let edited: Result<(effect: TensorEffect, after: String), any Error>
  }

  let items: [Item]

  /// Hashes of the stored bytes by tensor.
  var before: [String: String] { Dictionary(uniqueKeysWithValues: items.map { ($0.tensor, $0.before) }) }

  /// Effects in order, and hashes afterwards by tensor.
  /// - Throws: the first tensor's error.
  func outcome() throws -> (effects: [TensorEffect], after: [String: String]) {
    let edited = try items.map { try $0.edited.get() }
    return (
      edited.map(\.effect),
      Dictionary(uniqueKeysWithValues: zip(items, edited).map { ($0.tensor, $1.after) })
    )
  }
}

extension Patch {
  /// Edits the touched tensors in passing blocks and hashes them before and after, both in one pass.
  /// - Throws: ``CheckpointError/patchTensorMissing(tensor:folder:)``, ``Interrupted``; what goes wrong with the
  ///   arithmetic is left in the items.
  func rehearse(on checkpoint: Checkpoint, progress: ProgressSink) throws -> Rehearsals {
    let entries = try tensors.map { name in
      guard let entry = checkpoint.entry(name) else {
        throw CheckpointError.patchTensorMissing(tensor: name, folder: checkpoint.folder)
      }
      return entry
    }
    let known = checkpoint.hashes.withLock { $0 }
    let results = Mutex<[Int: Result<Rehearsals.Item, any Error>]>([:])
    let done = Atomic<Int>(0)
    Parallel.forEachItem(entries.count) { index in
      let entry = entries[index]
      let result = Result { try rehearse(entry, of: checkpoint, before: known[entry.name]) }
      results.withLock { $0[index] = result }
      let completed = done.add(1, ordering: .relaxed).newValue
      progress(ProgressEvent(stage: "edit", completed: completed, total: entries.count, unit: "tensors"))
    }
    let items = try entries.indices.compactMap { index in try results.withLock { try $0[index]?.get() } }
    let fresh = items.filter { known[$0.tensor] == nil }
    try checkpoint.learn(Dictionary(uniqueKeysWithValues: fresh.map { ($0.tensor, $0.before) }))
    return Rehearsals(items: items)
  }

  private func rehearse(
    _ entry: TensorEntry, of checkpoint: Checkpoint, before known: String?
  ) throws -> Rehearsals.Item {
    var arithmetic = try arithmetic(for: entry, of: checkpoint)
    var (before, after) = (SHA256(), SHA256())
    var failure: (any Error)?
    try TensorBlocks.forEach(entry, try checkpoint.bytes(entry.name)) { rows, stored, copy in
      try Cancellation.check()
      if failure == nil {
        do { try arithmetic.apply(to: copy, storedRows: rows) } catch { failure = error }
      }
      if known == nil {
        SHA256.update(&before, stored, &after, UnsafeRawBufferPointer(copy))
      } else {
        after.update(UnsafeRawBufferPointer(copy))
      }
    }
    let effect = arithmetic.effect, hash = after.hex()
    return Rehearsals.Item(
      tensor: entry.name, before: known ?? before.hex(),
      edited: failure.map { .failure($0) } ?? .success((effect, hash)))
  }
}
