import JSON
import OrderedCollections
import Runtime

/// Everything that decides how a network is trained; the same plan, data and seed give the same bytes.
public struct TrainingPlan: Sendable, Equatable {
  /// Times that all items are seen.
  public var epochs = 100
  /// Items of a pass; the rest of an epoch is a smaller one.
  public var batchSize = 128
  /// Passes whose gradients are averaged into one step, for steps of more items than memory holds.
  public var accumulation = 1
  /// How the batch grows from there; nil keeps it.
  public var batchGrowth: BatchGrowth?
  /// η of the first step after the warm-up.
  public var learningRate = 0.1
  /// How η moves.
  public var schedule = Schedule.step(at: [0.5, 0.75], factor: 0.1)
  /// Share of the training over which η rises to its first value.
  public var warmUp = 0.0
  /// Name of the optimiser.
  public var optimiser = "sgd"
  /// Its settings.
  public var settings: [String: MethodValue] = [:]
  /// The gradients of a step are scaled down to this length together; nil leaves them.
  public var clip: Double?
  /// Changes of an item, in order.
  public var augmentation: [Augmentation] = []
  /// Radius of sharpness-aware minimisation (SAM, arXiv 2010.01412, equation 2); 0 trains plainly.
  public var sharpness = 0.0
  /// Weights that are averaged on the way; nil leaves the last ones.
  public var averaging: Averaging?
  /// Epochs without a lower validation loss after which the training ends, with the best epoch's weights; nil never.
  public var patience: Int?
  /// Everything random.
  public var seed: UInt64 = 0

  /// A plan of standard settings.
  public init() {}

  /// Weights averaged over a training, to be used in place of the last ones.
  public enum Averaging: Sendable, Equatable {
    /// w̄ ← d w̄ + (1 − d) w after every step, with d the lesser of `decay` and (1 + t)/(10 + t) at step t from 0, so
    /// that the first weights are soon forgotten.
    case exponential(decay: Double)
    /// The mean of the weights at the ends of the last epochs (arXiv 1803.05407).
    case last(epochs: Int)
  }

  /// - Throws: ``TrainingError/badSetting(name:value:expected:)``.
  func check(items: Int) throws(TrainingError) {
    func require(_ holds: Bool, _ name: String, _ value: some CustomStringConvertible, _ expected: String)
      throws(TrainingError)
    {
      if !holds { throw .badSetting(name: name, value: value.description, expected: expected) }
    }
    try require(epochs > 0, "epochs", epochs, "at least 1")
    try require((1...items).contains(batchSize), "batch_size", batchSize, "1…\(items), the number of items")
    try require(
      (1...65536).contains(accumulation), "accumulation", accumulation, "a number of passes, at least 1")
    if let growth = batchGrowth {
      try require(
        (0.001...10).contains(growth.tolerance), "batch_growth.tolerance", growth.tolerance, "0.001…10")
      try require(
        growth.maximum >= batchSize, "batch_growth.maximum", growth.maximum,
        "at least the \(batchSize) items of batch_size")
      try require(growth.interval > 0, "batch_growth.interval", growth.interval, "at least 1")
      try require(accumulation == 1, "accumulation", accumulation, "1 where the batch grows")
    }
    try require(learningRate > 0 && learningRate.isFinite, "learning_rate", learningRate, "above 0")
    try require((0..<1).contains(warmUp), "warm_up", warmUp, "a share in 0 ..< 1")
    try require(clip.map { $0 > 0 } ?? true, "clip", clip ?? 0, "above 0")
    try require(sharpness >= 0 && sharpness.isFinite, "sharpness", sharpness, "0 or more")
    try require(patience.map { $0 > 0 } ?? true, "patience", patience ?? 0, "at least 1")
    switch averaging {
    case nil: break
    case .exponential(let decay):
      try require((0..<1).contains(decay), "averaging.decay", decay, "a share in 0 ..< 1")
    case .last(let last):
      try require((1...epochs).contains(last), "averaging.epochs", last, "1…\(epochs), the number of epochs")
      try require(
        patience == nil, "averaging", "last with patience",
        "either the mean of the last epochs or an early end, whose last epochs are not known before")
    }
  }
}
