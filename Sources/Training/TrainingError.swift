import Runtime

/// Why a training cannot be begun or went wrong.
public enum TrainingError: SurgeonError, Equatable {
  /// A name that no registry has.
  case unknownName(what: String, name: String, known: [String])
  /// A data file that is not what it should be.
  case badData(file: String, problem: String, expected: String)
  /// A label outside the classes.
  case labelOutOfRange(file: String, item: Int, label: Int, classes: Int)
  /// A setting that does not fit.
  case badSetting(name: String, value: String, expected: String)
  /// A loss that is no number; the last good state is kept.
  case lossNotFinite(step: Int, epoch: Int, kept: String)
  /// A state of another recipe.
  case otherRecipe(file: String, problem: String)

  public var code: String {
    switch self {
    case .unknownName: "UNKNOWN_NAME"
    case .badData: "BAD_TRAINING_DATA"
    case .labelOutOfRange: "LABEL_OUT_OF_RANGE"
    case .badSetting: "BAD_SETTING"
    case .lossNotFinite: "LOSS_NOT_FINITE"
    case .otherRecipe: "OTHER_RECIPE"
    }
  }
  public var exitCode: ExitCode {
    switch self {
    case .unknownName, .badSetting: .usage
    case .otherRecipe: .cannotCreate
    default: .badData
    }
  }
  public var found: String {
    switch self {
    case .unknownName(let what, let name, _): "the \(what) \(name)"
    case .badData(let file, let problem, _): "\(problem) in \(file)"
    case .labelOutOfRange(let file, let item, let label, _): "the label \(label) of item \(item) in \(file)"
    case .badSetting(let name, let value, _): "\(name): \(value)"
    case .lossNotFinite(let step, let epoch, _): "a loss that is no number at step \(step), epoch \(epoch)"
    case .otherRecipe(let file, let problem): "\(problem) in \(file)"
    }
  }
  public var expected: String {
    switch self {
    case .unknownName(_, _, let known): "one of \(known.joined(separator: ", "))"
    case .badData(_, _, let expected), .badSetting(_, _, let expected): expected
    case .labelOutOfRange(_, _, _, let classes): "classes 0…\(classes - 1)"
    case .lossNotFinite: "finite losses"
    case .otherRecipe: "a state of the same recipe"
    }
  }
  public var suggestion: String {
    switch self {
    case .unknownName(_, let name, let known): Suggestion.hint(for: name, in: known)
    case .badData: "see Sources/Training/README.md for the files that are read"
    case .labelOutOfRange: "count classes from 0, or give the number of classes"
    case .badSetting: "change the setting"
    case .lossNotFinite(_, _, let kept): "try a lower learning rate; \(kept)"
    case .otherRecipe: "give another output, or the recipe the state was made with"
    }
  }
}
