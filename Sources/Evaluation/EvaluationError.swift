import Runtime

/// What can be wrong with an evaluation's inputs.
public enum EvaluationError: SurgeonError {
  /// A word list without a word of the behaviour.
  case emptyLexicon(path: String)
  /// A judge of an unknown kind, or one that lacks its data.
  case judge(reason: String)
  /// No prompt, or no text, to measure on.
  case nothingToMeasure(what: String)
  /// A question of a task that cannot be used.
  case task(place: String, reason: String, expected: String)
  /// A question that does not fit the model's context.
  case taskItemTooLong(item: String, tokens: Int, context: Int)
  /// A text that cannot be used.
  case text(place: String, reason: String, expected: String)
  /// A JSON object in no layout of questions that is known.
  case unknownLayout(place: String, keys: [String])
  /// A metric that does not exist.
  case unknownMetric(name: String, known: [String])
  /// A task that does not exist.
  case unknownTask(name: String, known: [String])
  /// Windows that a model cannot take.
  case window(window: Int, stride: Int, context: Int)

  public var code: String {
    switch self {
    case .emptyLexicon: "LEXICON_EMPTY"
    case .judge: "JUDGE_INVALID"
    case .nothingToMeasure: "NOTHING_TO_MEASURE"
    case .task: "TASK_INVALID"
    case .taskItemTooLong: "TASK_ITEM_TOO_LONG"
    case .text: "TEXT_INVALID"
    case .unknownLayout: "TASK_LAYOUT_UNKNOWN"
    case .unknownMetric: "METRIC_UNKNOWN"
    case .unknownTask: "TASK_UNKNOWN"
    case .window: "WINDOW_INVALID"
    }
  }
  public var exitCode: ExitCode {
    switch self {
    case .judge, .window, .unknownTask, .unknownMetric: .usage
    case .emptyLexicon, .nothingToMeasure, .task, .taskItemTooLong, .text, .unknownLayout: .badData
    }
  }
  public var found: String {
    switch self {
    case .emptyLexicon(let path): "\(path) holds no word of the behaviour"
    case .judge(let reason): reason
    case .nothingToMeasure(let what): "no \(what)"
    case .text(let place, let reason, _), .task(let place, let reason, _): "\(place): \(reason)"
    case .taskItemTooLong(let item, let tokens, let context):
      "the question \(item) has \(tokens) tokens, the model's context holds \(context)"
    case .unknownLayout(let place, let keys):
      keys.isEmpty
        ? "\(place): no object" : "\(place): an object with the keys \(keys.joined(separator: ", "))"
    case .unknownMetric(let name, _): "the metric \"\(name)\""
    case .unknownTask(let name, _): "the task \"\(name)\""
    case .window(let window, let stride, _): "windows of \(window) tokens every \(stride)"
    }
  }
  public var expected: String {
    switch self {
    case .emptyLexicon: "one word or phrase a line"
    case .judge: "a judge of kind lexicon, classifier, probe or grammar with its data"
    case .nothingToMeasure: "at least one"
    case .text(_, _, let expected), .task(_, _, let expected): expected
    case .taskItemTooLong: "questions that fit, with their choices and examples"
    case .unknownLayout:
      "a question as ARC, OpenBookQA or WinoGrande publish them, an instruction with answer, or context, choices and answer"
    case .unknownMetric(_, let known), .unknownTask(_, let known): "one of \(known.joined(separator: ", "))"
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
    case .task: "look at the place named; see surgeon ls tasks"
    case .taskItemTooLong: "use fewer --shots, or --truncate to cut questions at their beginning"
    case .unknownLayout:
      "bring the file into one of these layouts; surgeon ls tasks shows what each task reads"
    case .unknownMetric(let name, let known), .unknownTask(let name, let known):
      Suggestion.hint(for: name, in: known)
    case .text: "look at the place named; name another field with --column"
    case .window: "leave --seq-len and --stride out for windows of the whole context"
    }
  }
}
