import Runtime

/// What can be wrong with an evaluation's inputs.
public enum EvaluationError: SurgeonError {
  /// A word list without a word of the behaviour.
  case emptyLexicon(path: String)
  /// A judge of an unknown kind, or one that lacks its data.
  case judge(reason: String)
  /// No prompt, or no text, to measure on.
  case nothingToMeasure(what: String)
  /// A text that cannot be used.
  case text(place: String, reason: String, expected: String)
  /// Windows that a model cannot take.
  case window(window: Int, stride: Int, context: Int)

  public var code: String {
    switch self {
    case .emptyLexicon: "LEXICON_EMPTY"
    case .judge: "JUDGE_INVALID"
    case .nothingToMeasure: "NOTHING_TO_MEASURE"
    case .text: "TEXT_INVALID"
    case .window: "WINDOW_INVALID"
    }
  }
  public var exitCode: ExitCode {
    switch self {
    case .judge, .window: .usage
    case .emptyLexicon, .nothingToMeasure, .text: .badData
    }
  }
  public var found: String {
    switch self {
    case .emptyLexicon(let path): "\(path) holds no word of the behaviour"
    case .judge(let reason): reason
    case .nothingToMeasure(let what): "no \(what)"
    case .text(let place, let reason, _): "\(place): \(reason)"
    case .window(let window, let stride, _): "windows of \(window) tokens every \(stride)"
    }
  }
  public var expected: String {
    switch self {
    case .emptyLexicon: "one word or phrase a line"
    case .judge: "a judge of kind lexicon, classifier, probe or grammar with its data"
    case .nothingToMeasure: "at least one"
    case .text(_, _, let expected): expected
    case .window(_, _, let context):
      "2 to \(context) tokens, the model's context, and a stride of at least 1 and at most the window"
    }
  }
  public var suggestion: String {
    switch self {
    case .emptyLexicon:
      "put the words of the behaviour first, those of the wanted alternative after a line [wanted]"
    case .judge: "see judge: in surgeon schema recipe"
    case .nothingToMeasure: "check the file and --limit"
    case .text: "look at the place named; name another field with --column"
    case .window: "leave --seq-len and --stride out for windows of the whole context"
    }
  }
}
