import Runtime

/// Why answers cannot be scored.
public enum DistillationError: SurgeonError, Equatable {
  /// A table that is not what it should be.
  case badTable(file: String, problem: String, expected: String)
  /// A label that is no class of the table.
  case labelOutOfRange(file: String, item: Int, label: Int, classes: Int)
  /// Two tables that should hold the same items.
  case otherItems(first: String, second: String, problem: String)
  /// No temperature is best: every answer is right (or the losses fall without end).
  case noTemperature(file: String, reason: String)

  public var code: String {
    switch self {
    case .badTable: "BAD_TABLE"
    case .labelOutOfRange: "LABEL_OUT_OF_RANGE"
    case .otherItems: "OTHER_ITEMS"
    case .noTemperature: "NO_TEMPERATURE"
    }
  }
  public var exitCode: ExitCode { .badData }
  public var found: String {
    switch self {
    case .badTable(let file, let problem, _): "\(problem) in \(file)"
    case .labelOutOfRange(let file, let item, let label, _): "the label \(label) of item \(item) in \(file)"
    case .otherItems(let first, let second, let problem): "\(problem) in \(first) and \(second)"
    case .noTemperature(let file, let reason): "no best temperature for \(file): \(reason)"
    }
  }
  public var expected: String {
    switch self {
    case .badTable(_, _, let expected): expected
    case .labelOutOfRange(_, _, _, let classes): "classes 0…\(classes - 1), one for each column of logits"
    case .otherItems: "tables of the same items in the same order"
    case .noTemperature: "answers of which some are wrong"
    }
  }
  public var suggestion: String {
    switch self {
    case .badTable: "see Sources/Distillation/README.md for what tables look like"
    case .labelOutOfRange: "count classes from 0"
    case .otherItems: "write both tables from one list of items"
    case .noTemperature: "fit on other data, or give --temperature"
    }
  }
}
