import Glibc
import Runtime
import Synchronization
import Tensors

/// Compares a written copy with its source, byte for byte, before the copy gets its name.
struct CopyCheck {
  let source: Checkpoint
  let written: Checkpoint

  /// How many tensors are identical to the source's.
  /// - Throws: ``CheckpointError/verifyFailed(path:what:)``, ``FileError``, ``Interrupted``.
  func run(changed: Set<String>, progress: ProgressSink) throws -> Int {
    func fail(_ path: String, _ what: String) -> CheckpointError { .verifyFailed(path: path, what: what) }
    guard written.shardNames == source.shardNames, written.indexFile == source.indexFile else {
      throw fail(written.folder, "other weight files")
    }
    for (index, shard) in source.shards.enumerated() {
      guard try FileIdentity(path: shard.path) == source.identities[index] else {
        throw fail(shard.path, "the source was changed while it was copied")
      }
      let copy = written.shards[index]
      let header = 0..<shard.header.dataStart
      guard copy.bytes.count == shard.bytes.count, shard.bytes.sameBytes(as: copy.bytes, header) else {
        throw fail(copy.path, "another header")
      }
    }
    try checkSideFiles()
    let names = source.tensorNames.filter { !changed.contains($0) }
    let bad = Mutex<String?>(nil)
    let done = Atomic<Int>(0)
    Parallel.forEachItem(names.count) { index in
      if Cancellation.isRequested { return }
      let name = names[index]
      if let first = try? source.bytes(name), let second = try? written.bytes(name),
        first.sameBytes(as: second)
      {
        let completed = done.add(1, ordering: .relaxed).newValue
        progress(
          ProgressEvent(stage: "verify", completed: completed, total: names.count, unit: "tensors"))
      } else {
        bad.withLock { $0 = name }
      }
    }
    try Cancellation.check()
    if let name = bad.withLock({ $0 }) {
      throw fail(written.folder, "tensor \(name), which no edit touches, differs")
    }
    return names.count
  }

  private func checkSideFiles() throws {
    let record = CheckpointWriter.recordName
    let files = source.sideFiles + (source.indexFile.map { [$0] } ?? [])
    for file in files where file != record {
      let (first, second) = ("\(source.folder)/\(file)", "\(written.folder)/\(file)")
      guard try MappedFile.sameBytes(first, second) else {
        throw CheckpointError.verifyFailed(path: second, what: "it differs from \(first)")
      }
    }
    guard
      written.sideFiles.filter({ $0 != record }) == source.sideFiles.filter({ $0 != record })
    else { throw CheckpointError.verifyFailed(path: written.folder, what: "other side files") }
  }
}

extension UnsafeRawBufferPointer {
  /// Whether a range holds the same bytes in both; the range lies inside both.
  func sameBytes(as other: UnsafeRawBufferPointer, _ range: Range<Int>) -> Bool {
    guard !range.isEmpty, let first = baseAddress, let second = other.baseAddress else {
      return range.isEmpty
    }
    return memcmp(first + range.lowerBound, second + range.lowerBound, range.count) == 0
  }

  /// Whether both hold the same bytes.
  func sameBytes(as other: UnsafeRawBufferPointer) -> Bool {
    count == other.count && sameBytes(as: other, 0..<count)
  }
}

extension MappedFile {
  /// Whether two files hold the same bytes.
  /// - Throws: ``FileError``.
  static func sameBytes(_ first: String, _ second: String) throws -> Bool {
    let (a, b) = (try MappedFile(path: first), try MappedFile(path: second))
    return withExtendedLifetime((a, b)) { a.bytes.sameBytes(as: b.bytes) }
  }
}
