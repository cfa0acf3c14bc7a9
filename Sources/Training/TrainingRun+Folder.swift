import JSON
import Runtime
import Tensors

extension TrainingRun {
  /// Runs every epoch that is left. States go to `path` every `keepEvery` epochs, after a minute without one, and where
  /// a wish to stop comes between two epochs; a state that is there is gone on from. The last state stays.
  ///
  /// `stop` ends the run after so many epochs in all, with its state kept, as an interruption would.
  /// - Returns: epochs that were done before.
  /// - Throws: ``TrainingError``, ``Interrupted``, ``CheckpointError``, ``FileError``.
  @discardableResult
  public func run(
    keeping path: String, every keepEvery: Int, recipe: JSONValue, stop: Int? = nil,
    seen: (Epoch) throws -> Void = { _ in }
  ) throws -> Int {
    if Files.exists(path) { try read(state: path, recipe: recipe) }
    let before = history.count
    var kept = before, keptAt = Machine.seconds
    func keep() throws {
      guard history.count > kept else { return }
      try write(state: path, recipe: recipe)
      (kept, keptAt) = (history.count, Machine.seconds)
    }
    while !isDone {
      if Cancellation.isRequested || history.count == stop {
        try keep()
        throw Interrupted()
      }
      do {
        try seen(runEpoch())
      } catch TrainingError.lossNotFinite(let step, let epoch, _) {
        let good = kept > 0 ? "\(path) holds the state after \(kept) epochs" : "no epoch was kept before"
        throw TrainingError.lossNotFinite(step: step, epoch: epoch, kept: good)
      }
      if history.count % keepEvery == 0 || Machine.seconds - keptAt > 60 { try keep() }
    }
    try keep()
    return before
  }
}
