import Runtime
import Synchronization
import Tensors

extension Checkpoint {
  /// SHA-256 of a tensor's stored bytes, in hexadecimal. Names, types and shapes are not part of it.
  /// - Throws: ``CheckpointError/unknownTensor(name:place:)``.
  public func sha256(ofTensor name: String) throws -> String {
    if let known = hashes.withLock({ $0[name] }) { return known }
    let hash = SHA256.hex(try bytes(name))
    hashes.withLock { $0[name] = hash }
    return hash
  }

  /// The hashes of several tensors, computed in parallel where not known yet, and remembered in the cache.
  /// - Throws: ``CheckpointError/unknownTensor(name:place:)``, ``Interrupted``.
  public func sha256(ofTensors names: [String], progress: ProgressSink = ignoreProgress) throws -> [String:
    String]
  {
    let known = hashes.withLock { $0 }
    var missing = try names.filter { known[$0] == nil }.map { try place($0).entry }
    if !missing.isEmpty {
      // Long ones first, so that the last job to end is a short one.
      missing.sort { $0.byteRange.count > $1.byteRange.count }
      let total = missing.reduce(0) { $0 + $1.byteRange.count }
      let done = Atomic<Int>(0)
      // Two tensors in step take little longer than one, where that leaves work for every thread.
      let step = missing.count >= 2 * Parallel.threads ? 2 : 1
      let jobs = stride(from: 0, to: missing.count, by: step).map {
        missing[$0..<min($0 + step, missing.count)]
      }
      let failure = Mutex<(any Error)?>(nil)
      Parallel.forEachItem(jobs.count) { index in
        if Cancellation.isRequested { return }
        do {
          try hash(jobs[index])
        } catch {
          failure.withLock { $0 = error }
        }
        let bytes = jobs[index].reduce(0) { $0 + $1.byteRange.count }
        let completed = done.add(bytes, ordering: .relaxed).newValue
        progress(ProgressEvent(stage: "hashes", completed: completed, total: total, unit: "bytes"))
      }
      if let error = failure.withLock({ $0 }) { throw error }
      try Cancellation.check()
      remember(shards: Set(try missing.map { try place($0.name).shard }))
    }
    let all = hashes.withLock { $0 }
    return Dictionary(names.compactMap { name in all[name].map { (name, $0) } }, uniquingKeysWith: { $1 })
  }

  /// Computes and keeps the hashes of one or two tensors.
  private func hash(_ entries: ArraySlice<TensorEntry>) throws {
    guard entries.count == 2, let first = entries.first, let second = entries.last else {
      for entry in entries { _ = try sha256(ofTensor: entry.name) }
      return
    }
    let digests = SHA256.hex(try bytes(first.name), try bytes(second.name))
    hashes.withLock {
      $0[first.name] = digests.first
      $0[second.name] = digests.second
    }
  }

  /// Keeps hashes that were computed in passing.
  /// - Throws: ``CheckpointError/unknownTensor(name:place:)``.
  func learn(_ digests: [String: String]) throws {
    guard !digests.isEmpty else { return }
    hashes.withLock { known in known.merge(digests) { $1 } }
    remember(shards: Set(try digests.keys.map { try place($0).shard }))
  }

  /// Takes over hashes of tensors that were just found identical, byte for byte, to another checkpoint's.
  func adoptHashes(_ names: some Sequence<String>, from other: Checkpoint) {
    let known = other.hashes.withLock { $0 }
    hashes.withLock { own in
      for name in names { if let hash = known[name] { own[name] = hash } }
    }
  }

  private func remember(shards touched: Set<Int>) {
    let all = hashes.withLock { $0 }
    for index in touched {
      var hashes: [String: String] = [:]
      for entry in files[index].entries { hashes[entry.name] = all[entry.name] }
      cache.store(hashes, path: files[index].path, identity: identities[index])
    }
  }

  /// One hash for the whole model: over names, types, shapes and tensor hashes, sorted by the names' UTF-8.
  ///
  /// The same tensors give the same hash however they are spread over shards. Each tensor adds a line
  /// `LENGTH NAME DTYPE [SIZES] SHA256` (length of the name in bytes, sizes with commas), and the hash is SHA-256 of
  /// those lines.
  /// - Throws: ``Interrupted``.
  public func modelHash(progress: ProgressSink = ignoreProgress) throws -> String {
    modelHash(with: try sha256(ofTensors: tensorNames, progress: progress))
  }

  /// The model hash that the given tensor hashes make.
  func modelHash(with hashes: [String: String]) -> String {
    var digest = SHA256()
    for name in tensorNames.sorted(by: { $0.utf8.lexicographicallyPrecedes($1.utf8) }) {
      guard let entry = entry(name), let hash = hashes[name] else { continue }
      let sizes = entry.shape.map(String.init).joined(separator: ",")
      digest.update("\(name.utf8.count) \(name) \(entry.dtype.rawValue) [\(sizes)] \(hash)\n")
    }
    return digest.hex()
  }

  /// ``modelHash(progress:)`` without progress.
  public var modelHash: String { get throws { try modelHash(progress: ignoreProgress) } }
}
