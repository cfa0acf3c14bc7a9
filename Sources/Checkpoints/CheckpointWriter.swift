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

  /// Copies the folder's files into a partial folder while the caller checks what is to be done with them;
  /// ``write(_:rows:record:copy:progress:commit:)`` takes the copy from there.
  /// - Throws: ``FileError``, and what `body` throws; then nothing is left of the copy.
  func whileCopying<Value>(_ body: () throws -> Value) throws -> (copy: FolderCopy, value: Value) {
    let copy = try startCopy()
    do {
      return (copy, try body())
    } catch {
      copy.abandon()
      throw error
    }
  }

  private func startCopy() throws -> FolderCopy {
    FolderCopy(copied, from: source.folder, to: try makePartial(), onStep: onStep)
  }

  /// Writes the copy with some tensors changed.
  ///
  /// `changes` says by tensor name what happens to its rows: a transform is called once for each block of rows, in
  /// order. `record` is the content of `surgeon.edit.json`; nil leaves the output without one. `commit` looks at the finished
  /// copy before it gets its name; what it throws undoes everything.
  /// - Parameter rows: by tensor, the stored rows (sorted) that its transform may change; every row where there are none.
  /// - Parameter copy: the copy that was started before; started now where there is none.
  /// - Throws: ``FileError``, ``CheckpointError``, ``Interrupted``, and what `changes` and `commit` throw.
  @discardableResult
  func write(
    _ changes: [String: Transform], rows: [String: [Int]], record: [UInt8]?, copy started: FolderCopy? = nil,
    progress: ProgressSink = ignoreProgress, commit: (Checkpoint) throws -> Void = { _ in }
  ) throws -> Outcome {
    for name in changes.keys where source.entry(name) == nil {
      started?.abandon()
      throw CheckpointError.unknownTensor(name: name, place: source.folder)
    }
    let copy = try started ?? startCopy()
    do {
      var outcome = try copy.wait(progress: progress)
      try rewrite(changes, rows, in: copy.partial, &outcome)
      if let record {
        let file = try OutputFile(creating: "\(copy.partial)/\(Self.recordName)")
        try record.withUnsafeBytes { try file.append($0) }
        try file.finish(flushing: false)
        outcome.files += 1
      }
      // The disk writes while the copy is read back and compared.
      let writing = startWriting(copy.partial)
      defer { _ = try? writing.wait() }
      try onStep("verify")
      let written = try Checkpoint(folder: copy.partial, cache: .none)
      outcome.untouchedTensors = try CopyCheck(source: source, written: written).run(
        changed: Set(changes.keys), progress: progress)
      written.adoptHashes(source.tensorNames.filter { changes[$0] == nil }, from: source)
      try commit(written)
      try writing.wait()
      try flush(copy.partial, record: record != nil)
      try onStep("rename")
      try publish(copy.partial)
      return outcome
    } catch {
      copy.abandon()
      throw error
    }
  }

  /// Writes the copy with some tensors changed, whose transforms may change any row.
  /// - Throws: ``FileError``, ``CheckpointError``, ``Interrupted``, and what `changes` and `commit` throw.
  @discardableResult
  public func write(
    _ changes: [String: Transform], record: [UInt8]?, progress: ProgressSink = ignoreProgress,
    commit: (Checkpoint) throws -> Void = { _ in }
  ) throws -> Outcome {
    try write(changes, rows: [:], record: record, progress: progress, commit: commit)
  }

  /// What is copied; the record is written anew.
  private var copied: [FolderItem] { source.items.filter { $0.path != Self.recordName } }

  func makePartial() throws -> String { try PartialFolder.make(for: output) }

  private func rewrite(
    _ changes: [String: Transform], _ rows: [String: [Int]], in partial: String, _ outcome: inout Outcome
  ) throws {
    for (name, shard) in zip(source.shardNames, source.shards) {
      let entries = shard.entries.filter { changes[$0.name] != nil }
      guard !entries.isEmpty else { continue }
      let file = try OutputFile(changing: "\(partial)/\(name)")
      for entry in entries {
        guard let change = changes[entry.name] else { continue }
        try onStep("rows \(entry.name)")
        try rewrite(entry, of: shard, rows: rows[entry.name], in: file, change, &outcome)
      }
      try file.finish(flushing: false)
    }
  }

  /// Puts the rows that a transform changed over the copied ones, runs of neighbours in one write.
  private func rewrite(
    _ entry: TensorEntry, of shard: SafetensorsFile, rows chosen: [Int]?, in file: OutputFile,
    _ change: Transform, _ outcome: inout Outcome
  ) throws {
    let rowBytes = entry.width * entry.dtype.size
    var rows = 0
    var bytes = 0
    try TensorBlocks.forEach(entry, shard.bytes(of: entry), of: chosen) { range, stored, copy in
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

  /// Asks for all files of the copy to be written.
  private func startWriting(_ partial: String) -> BackgroundJob<Void> {
    let paths = copied.filter { !$0.isFolder }.map { "\(partial)/\($0.path)" }
    return BackgroundJob {
      for path in paths {
        let file = try OutputFile(changing: path)
        file.startWriting()
        try file.finish(flushing: false)
      }
    }
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
