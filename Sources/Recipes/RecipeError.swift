import Runtime

/// What can be wrong with a recipe or its run folder.
public enum RecipeError: SurgeonError, Equatable {
  /// A key that recipes do not have.
  case unknownKey(path: String, suggestion: String?)
  /// A value of the wrong kind, or a missing one.
  case value(path: String, reason: String)
  /// The run folder belongs to another recipe.
  case otherRecipe(folder: String)
  /// The folder exists and is no run.
  case notARun(folder: String)
  /// A finished run's file has changed.
  case changed(file: String)

  public var code: String {
    switch self {
    case .unknownKey: "RECIPE_UNKNOWN_KEY"
    case .value: "RECIPE_VALUE"
    case .otherRecipe: "RUN_OTHER_RECIPE"
    case .notARun: "RUN_FOREIGN_FOLDER"
    case .changed: "RUN_CHANGED"
    }
  }
  public var exitCode: ExitCode {
    switch self {
    case .unknownKey, .value: .usage
    case .otherRecipe, .notARun: .cannotCreate
    case .changed: .badData
    }
  }
  public var found: String {
    switch self {
    case .unknownKey(let path, _): "recipe key \"\(path)\""
    case .value(let path, let reason): "recipe key \"\(path)\": \(reason)"
    case .otherRecipe(let folder): "\(folder) holds a run of another recipe, model, data or seed"
    case .notARun(let folder): "\(folder) exists and has no run.json"
    case .changed(let file): "\(file) differs from its line in SHA256SUMS"
    }
  }
  public var expected: String {
    switch self {
    case .unknownKey: "a key of the recipe's shape"
    case .value: "what surgeon schema says of the recipe (recipe, recipe.training)"
    case .otherRecipe, .notARun: "a new folder, or the one that the same recipe wrote"
    case .changed: "the files as the run wrote them"
    }
  }
  public var suggestion: String {
    switch self {
    case .unknownKey(_, let suggestion):
      suggestion.map { "did you mean \"\($0)\"?" } ?? "surgeon schema recipe, or recipe.training"
    case .value: "correct the recipe"
    case .otherRecipe, .notARun: "choose another -o"
    case .changed: "restore the file, or run again into a new folder"
    }
  }
}
