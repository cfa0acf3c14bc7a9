import Runtime
import Tensors

/// What a write will read, write and hold, before anything is written: a dry run's answer.
public struct WritePlan: Sendable, Equatable {
  /// Bytes read: source, hashes, the comparison afterwards.
  public var readBytes: Int
  /// Bytes that the outputs take on the disk.
  public var writeBytes: Int
  /// Anonymous memory at most, roughly, in bytes.
  public var holdBytes: Int
  /// Bytes free where the output goes.
  public var freeBytes: UInt64
  /// Seconds, very roughly: bytes over the rate of a usual disk (1 GiB/s) and of hashing (1.5 GiB/s).
  public var seconds: Double { Double(readBytes) / 1.5e9 + Double(writeBytes) / 1e9 }
}

extension Patch {
  /// What ``apply(to:output:undo:progress:)`` will do, after every check that needs no writing.
  /// - Throws: what applying throws before it writes.
  public func plan(
    for checkpoint: Checkpoint, output: String, undo: UndoPlace = .beside,
    progress: ProgressSink = ignoreProgress
  ) throws -> (plan: WritePlan, effects: [TensorEffect]) {
    let writer = try CheckpointWriter(source: checkpoint, output: output)
    if let path = undo.path(output: output) { try PatchRecord.checkPlace(path) }
    let effects = try effects(on: checkpoint, progress: progress)
    let undoBytes = undo == .none ? 0 : Undo.size(undoItems, base: checkpoint)
    let plan = try WritePlan(writer, source: checkpoint, extra: undoBytes, tensors: tensors, output: output)
    return (plan, effects)
  }
}

extension Undo {
  /// What ``revert(_:output:progress:)`` will do, after every check that needs no writing.
  /// - Throws: what reverting throws before it writes.
  public func plan(
    for checkpoint: Checkpoint, output: String, progress: ProgressSink = ignoreProgress
  ) throws -> WritePlan {
    let writer = try CheckpointWriter(source: checkpoint, output: output)
    try checkFits(checkpoint, progress: progress)
    return try WritePlan(writer, source: checkpoint, extra: 0, tensors: items.map(\.tensor), output: output)
  }
}

extension WritePlan {
  fileprivate init(
    _ writer: CheckpointWriter, source: Checkpoint, extra: Int, tensors: [String], output: String
  ) throws {
    writeBytes = writer.bytesNeeded + extra
    // Every byte is read for the copy, for the comparison with the copy, and for the hashes.
    readBytes = 3 * writer.bytesNeeded
    freeBytes = Files.availableSpace(at: output)
    // A block of a tensor and its edited copy on each thread, and the buffers of hashing and comparing.
    let largest = tensors.compactMap { source.entry($0)?.byteRange.count }.max() ?? 0
    holdBytes = 2 * min(largest, 64 << 20) + (16 << 20)
    try Files.requireSpace(UInt64(writeBytes), at: output)
  }
}
