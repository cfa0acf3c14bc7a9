import Runtime

/// What can be wrong with a command line beyond what its parser sees.
enum ProgramError: SurgeonError {
  /// A self-check of `doctor` failed.
  case selfCheck(what: String, detail: String)
  /// A name that a listing does not have.
  case unknownName(what: String, name: String, known: [String])
  /// Flags that contradict one another, or one that lacks another.
  case flags(found: String, expected: String)

  var code: String {
    switch self {
    case .selfCheck: "SELF_CHECK_FAILED"
    case .unknownName: "UNKNOWN_NAME"
    case .flags: "FLAGS_INVALID"
    }
  }
  var exitCode: ExitCode { if case .selfCheck = self { .internalError } else { .usage } }
  var found: String {
    switch self {
    case .selfCheck(let what, let detail): "the self-check \(what) fails: \(detail)"
    case .unknownName(let what, let name, _): "the \(what) \"\(name)\""
    case .flags(let found, _): found
    }
  }
  var expected: String {
    switch self {
    case .selfCheck: "the same right numbers on every instruction set"
    case .unknownName(_, _, let known): "one of \(known.joined(separator: ", "))"
    case .flags(_, let expected): expected
    }
  }
  var suggestion: String {
    switch self {
    case .selfCheck: "do not trust results of this build on this machine; please report it"
    case .unknownName(_, let name, let known): Suggestion.hint(for: name, in: known)
    case .flags: "see --help of the command"
    }
  }
}
