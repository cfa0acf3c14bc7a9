import Runtime
import Tensors

/// Writes an edited copy of a checkpoint folder, all or nothing.
///
/// The copy keeps sharding, header bytes, tensor order, types, metadata and every side file byte for byte; only rows
/// that an edit changed differ, and `surgeon.edit.json` is added. It grows in a sibling `NAME.partial-ID`, is read
/// back and compared, flushed, and then renamed, so that nothing stands at NAME before all of it does. The source is opened
/// for reading only. One block of one tensor is in memory at a time.
public struct CheckpointWriter {
  /// Changes a block of whole stored rows in place: which rows, and their bytes.
  public typealias Transform = (_ rows: Range<Int>, _ bytes: UnsafeMutableRawBufferPointer) throws -> Void

  /// The file that tells what was done to a written checkpoint.
  public static let recordName = "surgeon.edit.json"

  /// What was written.
  public struct Outcome: Sendable, Equatable {
    /// Files copied or written, the record included.
    public var files = 0
    /// Bytes copied as they were.
    public var bytesCopied = 0
    /// Bytes of changed rows written over the copy.
    public var bytesRewritten = 0
    /// Stored rows that changed, by tensor.
    public var rowsRewritten: [String: Int] = [:]
    /// Tensors compared with the source and found identical.
    public var untouchedTensors = 0
  }

  let source: Checkpoint
  let output: String
  /// Called with the name of each step before it is taken; tests throw here.
  var onStep: (String) throws -> Void = { _ in }

  /// Checks that the output can be made.
  /// - Throws: ``FileError/exists(path:)``, ``FileError/noSpace(path:needed:available:)``,
  ///   ``CheckpointError/outputInsideSource(output:source:)``, ``CheckpointError/notCopyable(path:reason:)``,
  ///   ``TorchFileError/conversionNeeded(folder:)``.
  public init(source: Checkpoint, output: String) throws {
    guard source.isSafetensors else { throw TorchFileError.conversionNeeded(folder: source.folder) }
    try self.init(copying: source, output: output)
  }

  /// The same for any source; its weights may have to be converted.
  init(copying source: Checkpoint, output: String) throws {
    self.source = source
    self.output = try PartialFolder.check(output: output, source: source.folder, items: source.items)
    try Files.requireSpace(UInt64(bytesNeeded), at: self.output)
  }

  /// Bytes that the output takes.
  public var bytesNeeded: Int { source.items.reduce(1 << 16) { $0 + $1.size } }

  /// Writes the copy with some tensors changed.
  ///
  /// `changes` says by tensor name what happens to its rows: a transform is called once for each block, in order.
  /// `record` is the content of `surgeon.edit.json`; nil leaves the output without one. `commit` looks at the finished
  /// copy before it gets its name; what it throws undoes everything.
  /// - Throws: ``FileError``, ``CheckpointError``, ``Interrupted``, and what `changes` and `commit` throw.
  @discardableResult
  public func write(
    _ changes: [String: Transform], record: [UInt8]?, progress: ProgressSink = ignoreProgress,
    commit: (Checkpoint) throws -> Void = { _ in }
  ) throws -> Outcome {
    for name in changes.keys where source.entry(name) == nil {
      throw CheckpointError.unknownTensor(name: name, place: source.folder)
    }
    let partial = try makePartial()
    var outcome = Outcome()
    do {
      try fill(partial, changes, record, progress, &outcome)
      try onStep("verify")
      let written = try Checkpoint(folder: partial, cache: .none)
      outcome.untouchedTensors = try CopyCheck(source: source, written: written).run(
        changed: Set(changes.keys), progress: progress)
      written.adoptHashes(source.tensorNames.filter { changes[$0] == nil }, from: source)
      try commit(written)
      // The system has been writing since the first block was copied; most of it is done by now.
      try flush(partial, record: record != nil)
      try onStep("rename")
      try publish(partial)
    } catch {
      try? Files.remove(partial)
      throw error
    }
    return outcome
  }

  func makePartial() throws -> String { try PartialFolder.make(for: output) }

  private func fill(
    _ partial: String, _ changes: [String: Transform], _ record: [UInt8]?, _ progress: ProgressSink,
    _ outcome: inout Outcome
  ) throws {
    let items = source.items.filter { $0.path != Self.recordName }
    let total = items.reduce(0) { $0 + $1.size }
    var done = 0
    for item in items {
      let target = "\(partial)/\(item.path)"
      try onStep("file \(item.path)")
      if item.isFolder {
        try Files.makeFolder(target)
        continue
      }
      let file = try OutputFile(creating: target)
      try file.copy(from: "\(source.folder)/\(item.path)") { count in
        done += count
        progress(ProgressEvent(stage: "copy", completed: done, total: total, unit: "bytes"))
      }
      outcome.files += 1
      outcome.bytesCopied += item.size
      if let shard = source.shardNames.firstIndex(of: item.path) {
        for entry in source.shards[shard].entries {
          guard let change = changes[entry.name] else { continue }
          try onStep("rows \(entry.name)")
          try rewrite(entry, of: source.shards[shard], in: file, change, &outcome)
        }
      }
      try file.finish(flushing: false)
    }
    if let record {
      let file = try OutputFile(creating: "\(partial)/\(Self.recordName)")
      try record.withUnsafeBytes { try file.append($0) }
      try file.finish(flushing: false)
      outcome.files += 1
    }
  }

  /// Puts the rows that a transform changed over the copied ones, runs of neighbours in one write.
  private func rewrite(
    _ entry: TensorEntry, of shard: SafetensorsFile, in file: OutputFile, _ change: Transform,
    _ outcome: inout Outcome
  ) throws {
    let rowBytes = entry.width * entry.dtype.size
    var rows = 0
    var bytes = 0
    try TensorBlocks.forEach(entry, shard.bytes(of: entry)) { range, stored, copy in
      try Cancellation.check()
      try change(range, copy)
      var start: Int?
      for row in 0...range.count {
        let place = (row * rowBytes)..<((row + 1) * rowBytes)
        if row < range.count && !stored.sameBytes(as: UnsafeRawBufferPointer(copy), place) {
          rows += 1
          if start == nil { start = row }
        } else if let first = start {
          let run = UnsafeRawBufferPointer(rebasing: copy[(first * rowBytes)..<(row * rowBytes)])
          try file.write(run, at: entry.byteRange.lowerBound + (range.lowerBound + first) * rowBytes)
          bytes += run.count
          start = nil
        }
      }
    }
    outcome.rowsRewritten[entry.name] = rows
    outcome.bytesRewritten += bytes
  }

  private func flush(_ partial: String, record: Bool) throws {
    let items = source.items.filter { $0.path != Self.recordName }
    try PartialFolder.flush(
      partial, folders: items.filter(\.isFolder).map(\.path),
      files: items.filter { !$0.isFolder }.map(\.path) + (record ? [Self.recordName] : []))
  }

  func flushFolders(_ partial: String) throws {
    try PartialFolder.flush(partial, folders: source.items.filter(\.isFolder).map(\.path))
  }

  func publish(_ partial: String) throws { try PartialFolder.publish(partial, as: output) }
}
