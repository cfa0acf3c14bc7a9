import JSON
import OrderedCollections
import Recipes
import Runtime
import Synchronization
import Tensors
import Training

/// `surgeon distill`: every arm trained with every seed in every setting, in one run folder.
///
/// Cells run beside one another, one a thread, and leave a file each, so that a killed run goes on cell by cell (and
/// inside a cell from its last state).
public struct Study {
  /// The recipe.
  public let recipe: StudyRecipe
  /// The data.
  public let data: DataSplit
  /// The folder.
  public let folder: RunFolder

  /// Reads the data and opens the folder.
  /// - Throws: ``TrainingError``, ``RecipeError``, ``FileError``, and what reading data throws.
  public init(_ recipe: StudyRecipe, folder path: String) throws {
    self.recipe = recipe
    data = try Self.read(recipe)
    let key: JSONValue = ["recipe": try recipe.json(), "inputs": try recipe.base.data.hashes()]
    folder = try RunFolder(path, key: key)
    try Files.write(recipe.json().text(.pretty) + "\n", to: folder.file("recipe.json"))
  }

  /// Reads the data and makes every kind of cell once, so that what does not fit is found before anything runs.
  static func read(_ recipe: StudyRecipe) throws -> DataSplit {
    let data = try recipe.base.data.read()
    guard data.test != nil, data.validation != nil else {
      throw TrainingError.badSetting(
        name: "data", value: "no \(data.test == nil ? "test" : "validation") items",
        expected: "validation items that temperatures are fitted on, and test items")
    }
    for cell in cells(recipe) where cell.seed == recipe.base.seeds[0] {
      _ = try TrainingRun(cell.training(data.train), validation: data.validation)
    }
    return data
  }

  /// Every training, setting by setting, arm by arm.
  static func cells(_ recipe: StudyRecipe) -> [StudyCell] {
    recipe.settings.flatMap { name, setting in
      recipe.arms.filter(\.isTrained).flatMap { arm in
        recipe.base.seeds.map { StudyCell(name, setting, arm, seed: $0) }
      }
    }
  }

  /// Trains what is left, and gives what all cells say.
  /// - Throws: the error of the first cell that failed; ``Interrupted``.
  public func run(progress: @escaping ProgressSink = ignoreProgress) throws -> StudyOutcome {
    let cells = Self.cells(recipe)
    if folder.isFinished {
      let files = try folder.verifySums()
      return try StudyOutcome(recipe, cells: cells, folder: folder, data: data, verifiedFiles: files)
    }
    let left = cells.filter { !self.folder.has($0.name + ".json") }
    let total = left.reduce(0) { $0 + $1.plan.epochs }
    let done = Mutex(0), failures = Mutex<[Int: any Error]>([:])
    let (data, folder, keepEvery) = (self.data, self.folder, recipe.base.keepEvery)
    Parallel.forEach(left.count, grain: 1) { range in
      for index in range {
        // After a failure, or a wish to stop, what runs ends and nothing begins.
        if Cancellation.isRequested || failures.withLock({ !$0.isEmpty }) { return }
        do {
          try left[index].run(data, in: folder, keepEvery: keepEvery) {
            let completed = done.withLock {
              $0 += 1
              return $0
            }
            progress(.init(stage: "trainings", completed: completed, total: total, unit: "epochs"))
          }
        } catch {
          failures.withLock { $0[index] = error }
        }
      }
    }
    let failed = failures.withLock { $0 }
    if let first = failed.keys.min(), let error = failed[first] { throw error }
    try Cancellation.check()
    let outcome = try StudyOutcome(recipe, cells: cells, folder: folder, data: data, verifiedFiles: nil)
    try folder.writeSums()
    return outcome
  }
}
