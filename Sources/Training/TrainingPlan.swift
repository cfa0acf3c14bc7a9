import JSON
import OrderedCollections
import Runtime

/// Everything that decides how a network is trained; the same plan, data and seed give the same bytes.
public struct TrainingPlan: Sendable, Equatable {
  /// Times that all items are seen.
  public var epochs = 100
  /// Items of a step; the rest of an epoch is a smaller step.
  public var batchSize = 128
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
  /// Everything random.
  public var seed: UInt64 = 0

  /// A plan of standard settings.
  public init() {}

  /// - Throws: ``TrainingError/badSetting(name:value:expected:)``.
  func check(items: Int) throws(TrainingError) {
    func require(_ holds: Bool, _ name: String, _ value: some CustomStringConvertible, _ expected: String)
      throws(TrainingError)
    {
      if !holds { throw .badSetting(name: name, value: value.description, expected: expected) }
    }
    try require(epochs > 0, "epochs", epochs, "at least 1")
    try require((1...items).contains(batchSize), "batch_size", batchSize, "1…\(items), the number of items")
    try require(learningRate > 0 && learningRate.isFinite, "learning_rate", learningRate, "above 0")
    try require((0..<1).contains(warmUp), "warm_up", warmUp, "a share in 0 ..< 1")
    try require(clip.map { $0 > 0 } ?? true, "clip", clip ?? 0, "above 0")
    try require(sharpness >= 0 && sharpness.isFinite, "sharpness", sharpness, "0 or more")
  }
}
