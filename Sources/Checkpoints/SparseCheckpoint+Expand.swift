import Runtime
import Synchronization
import Tensors

extension SparseCheckpoint {
  /// What expanding gave, after it was read back and compared.
  public struct Expansion: Sendable, Equatable {
    /// The written folder.
    public let output: String
    /// Names of the dense weight files.
    public let shards: [String]
    /// Tensors in them.
    public let tensors: Int
    /// Bytes of them.
    public let byteCount: Int
    /// Hash of the model.
    public let modelHash: String
  }

  /// Bytes that the dense folder takes.
  public var expandedBytes: Int { sideItems.reduce(denseByteCount) { $0 + $1.size } }

  /// Writes the dense checkpoint folder: the shards and side files that there were, byte for byte.
  /// - Throws: ``CheckpointError/badSparse(file:tensor:reason:)`` for a tensor that does not have its hash, ``CheckpointError``,
  ///   ``FileError``, ``Interrupted``.
  public func expand(to path: String, progress: ProgressSink = ignoreProgress) throws -> Expansion {
    let output = try PartialFolder.check(output: path, source: folder, items: sideItems)
    try Files.requireSpace(UInt64(expandedBytes), at: output)
    let partial = try PartialFolder.make(for: output)
    do {
      try PartialFolder.copy(sideItems, from: folder, to: partial)
      var done = 0
      for index in shards.indices {
        try expand(shard: index, into: partial) { count in
          done += count
          progress(
            ProgressEvent(stage: "expand", completed: done, total: denseByteCount, unit: "bytes"))
        }
      }
      try PartialFolder.flush(partial, folders: sideItems.filter(\.isFolder).map(\.path))
      let written = try Checkpoint(folder: partial, cache: .none)
      let hash = try written.modelHash(progress: progress)
      guard hash == modelHash else {
        throw CheckpointError.verifyFailed(path: partial, what: "the model's hash is not the recorded one")
      }
      try PartialFolder.publish(partial, as: output)
      return Expansion(
        output: output, shards: shardNames, tensors: items.count, byteCount: denseByteCount, modelHash: hash)
    } catch {
      try? Files.remove(partial)
      throw error
    }
  }

  private func expand(shard index: Int, into partial: String, progress: (Int) -> Void) throws {
    let shard = shards[index]
    let path = "\(partial)/\(shard.name)"
    try Files.makeFolder(Files.folder(of: path))
    let file = try OutputFile(creating: path)
    try withExtendedLifetime(shard.bytes) { try file.append(shard.bytes.bytes) }
    progress(shard.bytes.count)
    let own = items.filter { $0.shard == index }
    // The header may list its tensors in another order than the file holds them.
    let order = shard.header.entries.indices.sorted {
      let (a, b) = (shard.header.entries[$0].byteRange, shard.header.entries[$1].byteRange)
      return (a.lowerBound, a.upperBound) < (b.lowerBound, b.upperBound)
    }
    for place in order {
      let item = own[place]
      var hash = SHA256()
      try dense(item) { piece in
        hash.update(piece)
        try file.append(piece)
        progress(piece.count)
      }
      try check(item, hash: hash.hex())
    }
    try file.finish()
  }

  private func check(_ item: Item, hash: String) throws {
    guard hash == item.sha256 else {
      throw CheckpointError.badSparse(
        file: "\(folder)/\(Self.fileName)", tensor: item.name,
        reason: "it expands to hash \(hash) where the record says \(item.sha256)")
    }
  }

  /// Expands every tensor in passing and compares it with its hash.
  /// - Throws: ``CheckpointError/badSparse(file:tensor:reason:)``, ``Interrupted``.
  public func check(_ progress: ProgressSink = ignoreProgress) throws {
    let failure = Mutex<(any Error)?>(nil)
    let done = Atomic<Int>(0)
    Parallel.forEachItem(items.count) { index in
      if Cancellation.isRequested { return }
      do {
        var hash = SHA256()
        try dense(items[index]) { hash.update($0) }
        try check(items[index], hash: hash.hex())
      } catch {
        failure.withLock { $0 = $0 ?? error }
      }
      let completed = done.add(1, ordering: .relaxed).newValue
      progress(ProgressEvent(stage: "verify", completed: completed, total: items.count, unit: "tensors"))
    }
    if let error = failure.withLock({ $0 }) { throw error }
    try Cancellation.check()
  }
}
