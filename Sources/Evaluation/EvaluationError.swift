import Runtime

/// What can be wrong with an evaluation's inputs.
public enum EvaluationError: SurgeonError {
  /// A word list without a word of the behaviour.
  case emptyLexicon(path: String)
  /// A judge of an unknown kind, or one that lacks its data.
  case judge(reason: String)
  /// No prompt, or no text, to measure on.
  case nothingToMeasure(what: String)

  public var code: String {
    switch self {
    case .emptyLexicon: "LEXICON_EMPTY"
    case .judge: "JUDGE_INVALID"
    case .nothingToMeasure: "NOTHING_TO_MEASURE"
    }
  }
  public var exitCode: ExitCode { if case .judge = self { .usage } else { .badData } }
  public var found: String {
    switch self {
    case .emptyLexicon(let path): "\(path) holds no word of the behaviour"
    case .judge(let reason): reason
    case .nothingToMeasure(let what): "no \(what)"
    }
  }
  public var expected: String {
    switch self {
    case .emptyLexicon: "one word or phrase a line"
    case .judge: "a judge of kind lexicon, classifier, probe or grammar with its data"
    case .nothingToMeasure: "at least one"
    }
  }
  public var suggestion: String {
    switch self {
    case .emptyLexicon: "put the words of the behaviour first, those of the wanted alternative after a line [wanted]"
    case .judge: "see judge: in surgeon schema recipe"
    case .nothingToMeasure: "check the file and --limit"
    }
  }
}
