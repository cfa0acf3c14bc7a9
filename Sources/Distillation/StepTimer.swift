import Runtime
import Synchronization
import Tensors
import Training

/// Times steps of a study's trainings, each distinct cost once.
///
/// A step costs the network's passes: forward and backward, and for some arms a second forward pass. What a rule does with the answers,
/// `[B, K]` numbers, is little beside them, so arms with the same passes are of one cost. A step that takes longer than the timer's time is
/// told from one of ``sample`` items, in proportion; the optimiser's share is then counted too often, which is little in networks whose
/// passes are long.
final class StepTimer {
  /// What decides how long a step takes.
  private struct Cost: Equatable {
    var network: NetworkDescription
    var plan: TrainingPlan
    var hasSecondPass: Bool
    /// The table of past answers; nil where arms are timed, for which it counts for nothing.
    var past: PastPredictions.Keeping?
  }

  /// Items of the step that stands for a long one.
  static let sample = 32

  private let data: LabelledData
  private let threads: Int
  private let limit: Double
  private var known: [(cost: Cost, seconds: Double)] = []

  /// Costs that were timed.
  var distinctCosts: Int { known.count }

  /// A timer that runs a step in each of `threads` threads at a time, and repeats it for `seconds`.
  init(_ data: LabelledData, threads: Int, within seconds: Double) {
    (self.data, self.threads, limit) = (data, threads, seconds)
  }

  /// Steps of an epoch of a cell.
  func stepsPerEpoch(_ cell: StudyCell) -> Int {
    let size = cell.plan.batchSize * cell.plan.accumulation
    return (data.count + size - 1) / size
  }

  /// Seconds of a step of a cell's training. `past` overrides how past answers are kept, and tells the tables apart where a step is
  /// shorter than the timer's time.
  /// - Throws: ``TrainingError``, ``Interrupted``.
  func seconds(_ cell: StudyCell, past: PastPredictions.Keeping? = nil) throws -> Double {
    var cost = Cost(
      network: cell.network, plan: cell.plan,
      hasSecondPass: past.map { $0.storage(top: 1) == nil } ?? cell.hasSecondPass, past: past)
    // None of these moves a step's time.
    (cost.plan.epochs, cost.plan.learningRate, cost.plan.seed) = (1, 1, 0)
    (cost.plan.schedule, cost.plan.warmUp, cost.plan.patience) = (.constant, 0, nil)
    if let same = known.first(where: { $0.cost == cost }) { return same.seconds }
    let tableless = known.first { entry in
      var other = entry.cost
      other.past = cost.past
      return other == cost && entry.seconds > limit
    }
    if let tableless { return tableless.seconds }
    let measured = try measure(cell, past)
    known.append((cost, measured))
    return measured
  }

  /// The mean over threads that all do the same.
  private func measure(_ cell: StudyCell, _ past: PastPredictions.Keeping?) throws -> Double {
    let measured = Mutex<[Result<Double, any Error>]>([])
    let (data, limit) = (data, limit)
    Parallel.forEach(threads, grain: 1) { range in
      for _ in range {
        let result = Result { () throws -> Double in
          let size = cell.plan.batchSize * cell.plan.accumulation
          if size > Self.sample {
            let part = try cell.training(data, past: past, items: Self.sample).timeSteps(within: 0)
            let whole = part * Double(size) / Double(Self.sample)
            if whole > limit { return whole }
          }
          return try cell.training(data, past: past).timeSteps(within: limit)
        }
        measured.withLock { $0.append(result) }
      }
    }
    let all = try measured.withLock { $0 }.map { try $0.get() }
    return all.reduce(0, +) / Double(all.count)
  }
}
