import Runtime

/// What can be wrong with an operation's data.
public enum OperationError: SurgeonError {
  /// Two kinds of data share texts.
  case leakage(what: String, count: Int)

  public var code: String { "DATA_LEAKAGE" }
  public var exitCode: ExitCode { .badData }
  public var found: String {
    switch self {
    case .leakage(let what, let count): "\(count) \(what)"
    }
  }
  public var expected: String { "data that nothing was fitted or chosen on" }
  public var suggestion: String { "take the shared texts out of one of the files" }
}
