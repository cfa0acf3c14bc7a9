import Architectures
import Runtime
import Tensors
import Tokenizers
import Transformers

/// Multiple choice by log-likelihood: the pick is the choice whose text the model finds most likely after the question.
///
/// Context and choice are encoded together; the choice's tokens are those after as many as the context alone has, as
/// lm-eval cuts them. The choices of a question share its tokens, which run once.
public struct MultipleChoiceTest: Sendable {
  /// What the numbers depend on beside model and questions.
  public struct Options: Sendable, Equatable {
    /// Solved examples before each question.
    public var shots = 0
    /// Which examples are drawn.
    public var seed: UInt64 = 0
    /// Cut questions that are too long at their beginning, instead of refusing them.
    public var truncates = false

    /// The usual options: no examples.
    public init() {}
  }

  /// The task.
  public let file: TaskFile
  /// The options.
  public let options: Options
  /// Questions that were cut at their beginning.
  public let truncated: Int
  /// Tokens that a run computes: what the choices of a question share is counted once.
  public var tokens: Int { groups.joined().reduce(0) { $0 + $1.tokens } }
  /// Tokens that are scored.
  public var predicted: Int {
    groups.joined().reduce(0) { $0 + $1.predicted } - first.joined().reduce(0, +)
  }
  /// Of each question: one group of all choices, or one a choice where they have no beginning in common.
  private let groups: [[SharedText]]
  /// Of each question and choice: the first token of the ending that is scored.
  private let first: [[Int]]

  /// Encodes the questions once.
  /// - Throws: ``EvaluationError``.
  public init(_ file: TaskFile, tokenizer: Tokenizer, contextLength: Int, options: Options = Options()) throws
  {
    var groups: [[SharedText]] = []
    var first: [[Int]] = []
    var truncated = 0
    let examples = try Self.examples(file, options: options)
    for (index, item) in file.items.enumerated() {
      let before = examples.filter { $0.index != index }.prefix(options.shots)
        .map { $0.text + "\n\n" }.joined()
      var texts = item.endings.indices.map { choice in
        Self.encode(before + item.prompt(choice), item.endings[choice], tokenizer)
      }
      // The last token predicts nothing and needs no place. All choices lose as much, so that they see the same.
      let surplus = (texts.map(\.tokens.count).max() ?? 0) - 1 - contextLength
      if surplus > 0 {
        guard options.truncates, texts.allSatisfy({ $0.start > surplus }) else {
          throw EvaluationError.taskItemTooLong(
            item: item.id, tokens: contextLength + surplus, context: contextLength)
        }
        texts = texts.map { (Array($0.tokens.dropFirst(surplus)), $0.start - surplus) }
        truncated += 1
      }
      let shared = Self.commonLength(texts.map { $0.tokens[..<$0.start] })
      if shared > 0 {
        groups.append([Self.shared(texts, shared)])
      } else {
        // Choices that stand first, without a token before them: each text by itself.
        groups.append(texts.map { Self.shared([$0], $0.start) })
      }
      first.append(texts.map { shared > 0 ? $0.start - shared : 0 })
    }
    (self.file, self.options, self.groups, self.first, self.truncated) = (
      file, options, groups, first, truncated
    )
  }

  /// Scores every choice under an overlay.
  /// - Throws: ``TransformerError``, ``Interrupted``.
  public func run(_ model: Model, overlay: Overlay? = nil, progress: ProgressSink = ignoreProgress) throws
    -> MultipleChoiceResult
  {
    var answers: [ChoiceAnswer] = []
    let width = model.network.vocabulary
    let piece = max(1, (8 << 20) / (4 * width))
    let whole = groups.map { $0.flatMap { $0.beginning + $0.endings.joined() } }
    for run in Batch.cut(whole, tokens: Model.defaultBatchTokens) {
      try Cancellation.check()
      let states = try model.predictingStates(Array(groups[run].joined()), overlay: overlay)
      let targets = groups[run].joined().flatMap { $0.endings.flatMap { $0 } }
      var scores: [TokenScore] = []
      var row = 0
      while row < targets.count {
        let rows = row..<min(targets.count, row + piece)
        let logits = try model.logits(of: states, rows: rows, overlay: overlay)
        scores += TokenScore.all(base: logits, changed: logits, targets: Array(targets[rows]), same: true)
        row = rows.upperBound
      }
      row = 0
      for index in run {
        let choices = zip(groups[index].flatMap(\.endings), first[index]).map { ending, first in
          defer { row += ending.count }
          let own = scores[(row + first)..<(row + ending.count)]
          return ChoiceScore(
            logLikelihood: -own.reduce(0) { $0 + $1.loss }, tokens: own.count,
            isGreedy: own.allSatisfy(\.correct))
        }
        answers.append(ChoiceAnswer(item: file.items[index], choices: choices))
      }
      progress(
        ProgressEvent(
          stage: file.kind.name, completed: run.upperBound, total: groups.count, unit: "questions"))
    }
    return MultipleChoiceResult(kind: file.kind, answers: answers)
  }

  private static func shared(_ texts: [(tokens: [Int32], start: Int)], _ length: Int) -> SharedText {
    SharedText(
      beginning: Array(texts[0].tokens[..<length]), endings: texts.map { Array($0.tokens[length...]) })
  }

  /// One more example than asked for, so that a question that is one of them has enough others.
  private static func examples(_ file: TaskFile, options: Options) throws -> [(index: Int, text: String)] {
    guard options.shots > 0 else { return [] }
    guard options.shots < file.items.count else {
      throw EvaluationError.nothingToMeasure(
        what: "\(options.shots) examples beside each of \(file.items.count) questions")
    }
    var random = CounterRandom(seed: options.seed, stream: "shots.\(file.kind.name)")
    return random.shuffled(file.items.indices).prefix(options.shots + 1).map { ($0, file.items[$0].solved) }
  }

  /// The tokens of both texts together, and the first that belongs to the ending.
  ///
  /// Spaces at the end of the context go to the ending. At least the last token is the ending's, also where it has
  /// grown together with the context's.
  private static func encode(_ context: String, _ ending: String, _ tokenizer: Tokenizer) -> (
    tokens: [Int32], start: Int
  ) {
    let kept = context.lastIndex { !$0.isWhitespace }.map { context.index(after: $0) } ?? context.startIndex
    let whole = bare(tokenizer.encode(context + ending))
    let before = bare(tokenizer.encode(String(context[..<kept])))
    // Something must stand before the first scored token.
    return (whole, max(1, min(before.count, whole.count - 1)))
  }

  /// Without the tokens that a tokenizer puts after a text.
  private static func bare(_ encoding: Encoding) -> [Int32] {
    var count = encoding.count
    while count > 1, encoding.special[count - 1], encoding.offsets[count - 1].isEmpty { count -= 1 }
    return Array(encoding.ids.prefix(count))
  }

  /// Tokens that all begin with, at least one.
  private static func commonLength(_ texts: [ArraySlice<Int32>]) -> Int {
    var length = texts.map(\.count).min() ?? 0
    for text in texts.dropFirst() {
      length = min(length, zip(text, texts[0]).prefix { $0 == $1 }.count)
    }
    return length
  }
}
