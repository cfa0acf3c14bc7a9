/// How a run ends, as the process's exit code (the numbers of BSD's sysexits where one fits).
public enum ExitCode: Int32, Sendable, CaseIterable {
  /// Everything asked for was done.
  case done = 0
  /// Done, but a `--fail-if` gate did not hold.
  case gateFailed = 2
  /// The command line or recipe is wrong.
  case usage = 64
  /// An input was read and is not what it must be.
  case badData = 65
  /// An input is not there.
  case inputMissing = 66
  /// An architecture, tokenizer or feature that is not supported.
  case unsupported = 69
  /// A defect of this program.
  case internalError = 70
  /// An output cannot be created, or exists already.
  case cannotCreate = 73
  /// Reading or writing failed.
  case inputOutput = 74
  /// Interrupted, with the state saved: the same command resumes.
  case interrupted = 75
}

/// An error a user reads: what was found, what was expected and what to try.
///
/// Every module has one closed enum that conforms. `code` is stable: reports carry it, scripts match on it.
public protocol SurgeonError: Error, CustomStringConvertible {
  /// Stable name in capitals, such as `HEADER_OVERLAP`.
  var code: String { get }
  /// What the process ends with.
  var exitCode: ExitCode { get }
  /// What was found, with the name of the file, tensor or key.
  var found: String { get }
  /// What was expected instead.
  var expected: String { get }
  /// What the user can try.
  var suggestion: String { get }
}

extension SurgeonError {
  /// The three sentences in the order in which a person wants them.
  public var description: String {
    var text = "found: \(found)"
    if !expected.isEmpty { text += "\nexpected: \(expected)" }
    if !suggestion.isEmpty { text += "\ntry: \(suggestion)" }
    return text
  }
}
