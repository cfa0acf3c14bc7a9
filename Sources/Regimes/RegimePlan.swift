import Importance
import JSON
import OrderedCollections
import Recipes
import Runtime
import Training

/// Everything that decides one grid: dense trainings at several temperatures, pruned to several densities, each retrained with
/// several seeds.
public struct RegimePlan: Sendable, Equatable {
  /// What a study can be asked beside its maps (arXiv 2305.18383's case studies).
  public enum Question: String, Sendable, CaseIterable {
    /// Which way to move the knob at a density.
    case direction
    /// Which of several dense networks to prune.
    case checkpoint
    /// How to set SAM's radius; only with the knob `sharpness`.
    case radius
  }

  /// A name, for folders and pages.
  public var name: String
  /// Data, network, dense training; the seeds are those of the dense networks.
  public var dense: TrainingRecipe
  /// How siblings are trained after pruning, from the weights that survive.
  public var retraining: TrainingPlan
  /// Siblings of a parent and a mask, two or more.
  public var siblings = 2
  /// Name of the temperature knob; `checkpoint` where the dense networks are given.
  public var knob = "epochs"
  /// Its values, from the hottest; of given networks their places in the list, from 1.
  public var temperatures: [Double]
  /// Run folders of `surgeon train` whose networks are pruned instead of training any; empty where the grid trains its own. They have no
  /// order of temperature.
  public var checkpoints: [String] = []
  /// Shares kept of the pruned matrices, from the lowest.
  public var densities: [Double]
  /// How weights are chosen.
  public var pruning = NetworkPruning()
  /// What is measured.
  public var measurement = MeasurementPlan()
  /// Where labels come from.
  public var rule = RuleSource.grid
  /// A barrier is a connectivity of this or less, a fraction of training items below 0; a convention of this program.
  public var barrier = -0.05
  /// What is asked.
  public var questions: [Question]

  /// Seeds of siblings begin here, so that none is a dense network's by accident.
  static let firstSiblingSeed: UInt64 = 1_000_000

  /// What stands for the knob where the dense networks are given.
  static let givenKnob = "checkpoint"

  /// Whether the dense networks are given.
  public var isGiven: Bool { !checkpoints.isEmpty }

  /// The seed of a sibling: the same in every cell, so that cells are paired by data order.
  public func siblingSeed(_ index: Int) -> UInt64 { Self.firstSiblingSeed + UInt64(index) }

  /// The plan of a dense network.
  func densePlan(temperature: Double, seed: UInt64) throws -> TrainingPlan {
    var plan = try TemperatureKnob.named(knob).plan(temperature, dense.training)
    plan.seed = seed
    return plan
  }

  /// The plan of a sibling.
  func siblingPlan(_ index: Int) -> TrainingPlan { retraining.with { $0.seed = siblingSeed(index) } }

  /// Checks what can be checked before anything is trained.
  /// - Throws: ``RegimesError``, ``ImportanceError``, ``TrainingError``, ``FileError``.
  func check() throws {
    func require(_ holds: Bool, _ name: String, _ value: String, _ expected: String) throws {
      if !holds { throw RegimesError.badSetting(name: name, value: value, expected: expected) }
    }
    if isGiven {
      try require(
        checkpoints.count > 1 && Set(checkpoints).count == checkpoints.count, "checkpoints",
        checkpoints.joined(separator: ", "), "two or more different folders")
      try require(
        dense.seeds == [0], "seeds", dense.seeds.map { "\($0)" }.joined(separator: ", "),
        "none with given checkpoints: their trainings had theirs")
      try require(
        !questions.contains(.direction), "questions", "direction",
        "checkpoint alone with given checkpoints, which have no order of temperature")
    } else {
      _ = try TemperatureKnob.named(knob).ordered(temperatures)
    }
    try require(
      !densities.isEmpty && Set(densities).count == densities.count
        && densities.allSatisfy { $0 > 0 && $0 <= 1 },
      "densities", densities.map { "\($0)" }.joined(separator: ", "), "different shares above 0, up to 1")
    try require((2...100).contains(siblings), "siblings", "\(siblings)", "2…100")
    try require((2...1001).contains(measurement.points), "measure.points", "\(measurement.points)", "2…1001")
    try require(
      measurement.similarityItems > 3, "measure.similarity_items", "\(measurement.similarityItems)",
      "at least 4")
    try require((-1..<0).contains(barrier), "barrier", "\(barrier)", "a fraction in -1 ..< 0")
    try require(
      !questions.contains(.radius) || knob == "sharpness", "questions", "radius",
      "temperature knob sharpness")
    let averaged = dense.training.averaging != nil || retraining.averaging != nil
    try require(
      !averaged && dense.training.patience == nil && retraining.patience == nil, "training",
      "averaging or patience", "neither: cells are compared at stated epochs")
    let score = try Score(parsing: pruning.score)
    guard score.kind.needs == .weights else {
      throw ImportanceError.missingEvidence(
        score: score.kind.name, need: score.kind.needs, role: "trained networks (weights alone are known)")
    }
    _ = try ComparisonGroup(parsing: pruning.group)
    _ = try Budget(parsing: pruning.budget, sparsity: 0.5)
    if case .table(let file) = rule { _ = try Labels.cells(file) }
  }
}
