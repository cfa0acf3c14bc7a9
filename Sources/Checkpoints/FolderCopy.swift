import Runtime
import Synchronization

/// The copy of a checkpoint folder's files into a partial folder, made by a thread of its own.
///
/// Copying waits for memory and the disk, checking and rehearsing an edit for the processor: they go on at the same
/// time. Nothing is lost when the checks fail: the partial folder is removed. The disk is asked to write only when all
/// is copied, for asking while copying slows the copy down.
final class FolderCopy {
  /// The folder that is filled.
  let partial: String
  private let job: BackgroundJob<CheckpointWriter.Outcome>
  private let state: State
  private let total: Int

  private final class State: Sendable {
    let copied = Atomic<Int>(0)
    let abandoned = Atomic<Bool>(false)
  }

  /// Starts copying.
  /// - Parameters:
  ///   - items: what to copy, parents before children.
  ///   - onStep: called with `file NAME` before each, on the copying thread.
  init(
    _ items: [FolderItem], from source: String, to partial: String,
    onStep: @escaping (String) throws -> Void
  ) {
    let state = State()
    self.partial = partial
    self.state = state
    total = items.reduce(0) { $0 + $1.size }
    job = BackgroundJob {
      var outcome = CheckpointWriter.Outcome()
      for item in items {
        let target = "\(partial)/\(item.path)"
        try onStep("file \(item.path)")
        if item.isFolder {
          try Files.makeFolder(target)
          continue
        }
        let file = try OutputFile(creating: target)
        try file.copy(from: "\(source)/\(item.path)") { count in
          if state.abandoned.load(ordering: .relaxed) { throw Interrupted() }
          state.copied.add(count, ordering: .relaxed)
        }
        try file.finish(flushing: false)
        outcome.files += 1
        outcome.bytesCopied += item.size
      }
      return outcome
    }
  }

  /// Waits for the end of the copy.
  /// - Throws: ``FileError``, ``Interrupted``, what `onStep` threw.
  func wait(progress: ProgressSink) throws -> CheckpointWriter.Outcome {
    // The job knows nothing of the caller's progress, which has shown other steps until now.
    func show(_ copied: Int) {
      progress(ProgressEvent(stage: "copy", completed: copied, total: total, unit: "bytes"))
    }
    while !job.hasEnded {
      show(state.copied.load(ordering: .relaxed))
      job.waitBriefly()
    }
    let outcome = try job.wait()
    show(total)
    return outcome
  }

  /// Stops copying and removes the folder.
  func abandon() {
    state.abandoned.store(true, ordering: .relaxed)
    _ = try? job.wait()
    try? Files.remove(partial)
  }
}
