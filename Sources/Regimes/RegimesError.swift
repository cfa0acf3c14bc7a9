import Runtime

/// Why a study of pruning regimes cannot be begun.
public enum RegimesError: SurgeonError, Equatable {
  /// A name that no registry has.
  case unknownName(what: String, name: String, known: [String])
  /// A setting that does not fit.
  case badSetting(name: String, value: String, expected: String)
  /// A table of cells for calibration that is not what it should be.
  case badTable(file: String, problem: String, expected: String)
  /// A folder that holds no dense network of the recipe's network and data.
  case unfitCheckpoint(folder: String, problem: String, expected: String)
  /// A file of the run that does not hold what the run wrote.
  case damaged(file: String, problem: String)

  public var code: String {
    switch self {
    case .unknownName: "UNKNOWN_NAME"
    case .badSetting: "BAD_SETTING"
    case .badTable: "BAD_TABLE"
    case .unfitCheckpoint: "CHECKPOINT_UNFIT"
    case .damaged: "RUN_DAMAGED"
    }
  }
  public var exitCode: ExitCode {
    switch self {
    case .unknownName, .badSetting: .usage
    case .badTable, .unfitCheckpoint, .damaged: .badData
    }
  }
  public var found: String {
    switch self {
    case .unknownName(let what, let name, _): "the \(what) \(name)"
    case .badSetting(let name, let value, _): "\(name): \(value)"
    case .badTable(let file, let problem, _), .unfitCheckpoint(let file, let problem, _),
      .damaged(let file, let problem):
      "\(problem) in \(file)"
    }
  }
  public var expected: String {
    switch self {
    case .unknownName(_, _, let known): "one of \(known.joined(separator: ", "))"
    case .badSetting(_, _, let expected), .badTable(_, _, let expected),
      .unfitCheckpoint(_, _, let expected):
      expected
    case .damaged: "what the run wrote there"
    }
  }
  public var suggestion: String {
    switch self {
    case .unknownName(_, let name, let known): Suggestion.hint(for: name, in: known)
    case .badSetting: "change the setting; Sources/Regimes/README.md lists them"
    case .badTable: "a finished run writes such a table: cells.csv"
    case .unfitCheckpoint:
      "give folders that surgeon train -o wrote, and in the recipe the data and network of theirs"
    case .damaged: "remove the file: it is computed anew"
    }
  }
}
