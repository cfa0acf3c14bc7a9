import OrderedCollections
import Runtime
import Tensors
import Training

extension Study {
  /// What a study would take on this machine.
  public struct Estimate {
    /// Trainings.
    public let cells: Int
    /// Seconds of one training by setting and arm, each on one thread beside others.
    public let seconds: [(setting: String, arm: String, seconds: Double)]
    /// Trainings at a time.
    public let threads: Int
    /// Seconds in all.
    public var total: Double {
      seconds.reduce(0) { $0 + $1.seconds } * Double(seeds) / Double(min(threads, cells))
    }
    /// Seeds.
    public let seeds: Int
    /// Numbers that are trained, in the first setting.
    public let parameters: Int
    /// Items of each part.
    public let items: (train: Int, validation: Int, test: Int)
    /// What keeping past answers costs; empty where that was not asked.
    public let pastCosts: [PastCost]
  }

  /// Times steps of every distinct cost once, as many at a time as there are threads; nothing is written.
  /// - Parameters:
  ///   - seconds: how long steps are repeated; one that is longer is taken once.
  ///   - withPastCosts: whether the ways of keeping past answers are timed too.
  /// - Throws: ``TrainingError``, and what reading data throws.
  public static func estimate(
    _ recipe: StudyRecipe, within seconds: Double = 0.5, withPastCosts: Bool = false
  ) throws -> Estimate {
    let data = try read(recipe)
    let cells = Self.cells(recipe)
    let timer = StepTimer(data.train, threads: min(Parallel.threads, cells.count), within: seconds)
    let times = try cells.filter { $0.seed == recipe.base.seeds[0] }.map { cell in
      let steps = timer.stepsPerEpoch(cell) * cell.plan.epochs
      return (cell.setting, cell.arm.name, try timer.seconds(cell) * Double(steps))
    }
    return Estimate(
      cells: cells.count, seconds: times, threads: Parallel.threads, seeds: recipe.base.seeds.count,
      parameters: try cells[0].network.network(for: data.train, seed: 0).parameterCount,
      items: (data.train.count, data.validation?.count ?? 0, data.test?.count ?? 0),
      pastCosts: withPastCosts ? try pastCosts(recipe, data.train, timer) : [])
  }

  /// What keeping past answers costs, in one of the ways.
  public struct PastCost {
    /// The way.
    public let past: PastPredictions.Keeping
    /// Bytes that it holds.
    public let bytes: Int
    /// Seconds of an epoch, with all else that an epoch does.
    public let secondsPerEpoch: Double
  }

  /// Bytes and time of every way of keeping past answers, for the first setting and this study's PS-KD arm (or a
  /// standard one).
  /// - Throws: ``TrainingError``.
  public static func pastCosts(_ recipe: StudyRecipe, _ data: DataSplit, within seconds: Double = 0.3) throws
    -> [PastCost]
  {
    try pastCosts(recipe, data.train, StepTimer(data.train, threads: 1, within: seconds))
  }

  private static func pastCosts(_ recipe: StudyRecipe, _ data: LabelledData, _ timer: StepTimer) throws
    -> [PastCost]
  {
    let arm =
      try recipe.arms.first { $0.kind == ArmKind.selfDistillation }
      ?? DistillationArm(ArmKind.selfDistillation)
    guard let (name, setting) = recipe.settings.elements.first else { return [] }
    let cell = StudyCell(name, setting, arm, seed: recipe.base.seeds[0])
    let network = try cell.network.network(for: data, seed: 0)
    return try PastPredictions.Keeping.allCases.map { past in
      let bytes =
        past.storage(top: arm.settings.integer("top") ?? 5)?
        .bytes(items: data.count, classes: network.classes)
        ?? network.values.reduce(0) { $0 + $1.tensor.byteCount }
      return PastCost(
        past: past, bytes: bytes,
        secondsPerEpoch: try timer.seconds(cell, past: past) * Double(timer.stepsPerEpoch(cell)))
    }
  }
}
