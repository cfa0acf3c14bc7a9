import JSON
import OrderedCollections
import Recipes
import Runtime
import Statistics
import Training

/// What all cells of a study say: each arm's scores over the seeds, and paired differences by seed.
public struct StudyOutcome {
  /// One arm in one setting.
  public struct Arm {
    /// The arm.
    public let arm: DistillationArm
    /// Scores by part (`validation`, `test`) and name, one a seed; nil where a score has no value.
    public let scores: [String: [ClassScores.Name: [Double?]]]
    /// The same of the answers at each seed's fitted temperature; for temperature scaling the same as `scores`.
    public let scaled: [String: [ClassScores.Name: [Double?]]]
    /// Fitted temperatures, one a seed.
    public let temperatures: [Double?]
    /// Mean probability of the true class in what the last epoch's targets were mixed from, over the seeds.
    public let pastTrueProbability: Double?
    /// Cells as they were written, one a seed.
    let cells: [JSONValue]
    /// Which answers of the cells are the arm's: `given` or `scaled`.
    let answers: String
    /// Seconds of a training, over the seeds; nil where an arm trains nothing.
    public let seconds: Double?
  }

  /// An arm against another, by seed.
  public struct Comparison {
    /// The score.
    public let score: ClassScores.Name
    /// The arm's score minus the other's, over the seeds.
    public let estimate: MeanEstimate
    /// Student's interval of it.
    public let interval: Interval?
    /// Two-sided p of the sign-flip test over seeds; with few seeds it cannot be small (2/2ⁿ at least).
    public let p: Double

    /// Which way the difference goes, where its interval leaves out 0: −1, 1, or 0 for no clear difference.
    public var sign: Int {
      guard let interval, estimate.n > 1 else { return 0 }
      return interval.lower > 0 ? 1 : interval.upper < 0 ? -1 : 0
    }
  }

  /// The recipe.
  public let recipe: StudyRecipe
  /// Arms by setting.
  public let settings: OrderedDictionary<String, [Arm]>
  /// Files that were checked against their sums, where the run was finished before.
  public let verifiedFiles: Int?
  /// Items of each part, classes and shape.
  let data: DataSplit

  init(_ recipe: StudyRecipe, cells: [StudyCell], folder: RunFolder, data: DataSplit, verifiedFiles: Int?)
    throws
  {
    self.recipe = recipe
    self.data = data
    self.verifiedFiles = verifiedFiles
    var settings: OrderedDictionary<String, [Arm]> = [:]
    for name in recipe.settings.keys {
      func arm(_ arm: DistillationArm, cellsOf source: String, answers: String) throws -> Arm {
        let own = cells.filter { $0.setting == name && $0.arm.name == source }
        let files = try own.map { try JSONValue(file: folder.file($0.name + ".json")) }
        let times = own.compactMap { cell -> Double? in
          let path = folder.file("times/\(cell.name).json")
          return Files.exists(path) ? (try? JSONValue(file: path))?["seconds"]?.double : nil
        }
        return Arm(
          arm: arm, scores: Self.scores(files, answers), scaled: Self.scores(files, "scaled"),
          temperatures: files.map { $0["temperature"]?.double },
          pastTrueProbability: Descriptive.mean(files.compactMap { $0["past_true_probability"]?.double }),
          cells: files, answers: answers, seconds: arm.isTrained ? Descriptive.mean(times) : nil)
      }
      settings[name] = try recipe.arms.map {
        $0.isTrained
          ? try arm($0, cellsOf: $0.name, answers: "given")
          : try arm($0, cellsOf: ArmKind.crossEntropy, answers: "scaled")
      }
    }
    self.settings = settings
  }

  private static func scores(_ cells: [JSONValue], _ answers: String) -> [String: [ClassScores.Name:
    [Double?]]]
  {
    var result: [String: [ClassScores.Name: [Double?]]] = [:]
    for part in ["validation", "test"] {
      for name in ClassScores.Name.allCases {
        result[part, default: [:]][name] = cells.map {
          $0["answers"]?[part]?[answers]?["scores"]?[name.rawValue]?.double
        }
      }
    }
    return result
  }

  /// An arm of a setting by its name.
  public func arm(_ name: String, in setting: String) -> Arm? {
    settings[setting]?.first { $0.arm.name == name }
  }

  /// A score's mean over the seeds that have one, with Student's interval.
  public static func estimate(_ values: [Double?]?) -> MeanEstimate? {
    Descriptive.estimate((values ?? []).compactMap { $0 })
  }

  /// An arm against another on one part, by seed: differences over the seeds where both have the score.
  public static func compare(
    _ arm: Arm, with other: Arm, _ score: ClassScores.Name, part: String = "test", scaled: Bool = false
  ) -> Comparison? {
    let own = (scaled ? arm.scaled : arm.scores)[part]?[score] ?? []
    let theirs = other.scores[part]?[score] ?? []
    let differences = zip(own, theirs).compactMap { a, b in a.flatMap { a in b.map { a - $0 } } }
    guard let estimate = Descriptive.estimate(differences), let test = PermutationTest.paired(differences)
    else {
      return nil
    }
    return Comparison(score: score, estimate: estimate, interval: estimate.studentInterval(), p: test.p)
  }

  /// Arms of PS-KD whose kept answers had become labels: the method is then off.
  public var collapsed: [(setting: String, arm: String, probability: Double)] {
    settings.flatMap { name, arms in
      arms.compactMap { arm in
        guard arm.arm.kind == ArmKind.selfDistillation, let p = arm.pastTrueProbability, p > Self.collapse
        else {
          return nil
        }
        return (name, arm.arm.name, p)
      }
    }
  }

  /// Mean probability of the true class above which kept answers are as good as labels.
  public static let collapse = 0.95

  /// The baselines that an arm is compared with: cross-entropy, and its scaled twin where the study has it.
  func baselines(of arm: Arm, in setting: String) -> [Arm] {
    [ArmKind.crossEntropy, ArmKind.temperatureScaling].compactMap { kind in
      settings[setting]?.first { $0.arm.kind == kind && $0.arm.name != arm.arm.name }
    }
  }
}
