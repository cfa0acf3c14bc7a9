import Runtime
import Statistics
import Tokenizers
import Transformers

/// A text that one answer completes.
public struct ClozeItem: Sendable {
  /// The text before the answer.
  public let prompt: String
  /// The answer, as it follows the prompt.
  public let answer: String

  /// One item.
  public init(prompt: String, answer: String) {
    self.prompt = prompt
    self.answer = answer
  }
}

/// Facts asked as texts to complete: right where the greedy continuation is the answer, token by token.
public struct ClozeTest: Sendable {
  private let prompts: [[Int32]]
  private let answers: [[Int32]]

  /// Encodes the items once.
  /// - Throws: ``EvaluationError/nothingToMeasure(what:)``.
  public init(_ items: [ClozeItem], tokenizer: Tokenizer) throws {
    guard !items.isEmpty else { throw EvaluationError.nothingToMeasure(what: "cloze item") }
    prompts = items.map { tokenizer.encode($0.prompt).ids }
    answers = items.map { tokenizer.encode($0.answer, addSpecialTokens: false).ids }
  }

  /// Number of items.
  public var count: Int { prompts.count }

  /// Which items are answered right under an overlay.
  /// - Throws: ``TransformerError``, ``Interrupted``.
  public func run(_ model: Model, overlay: Overlay? = nil) throws -> [Bool] {
    let options = GenerationOptions(maximumTokens: answers.map(\.count).max() ?? 1, stops: [], batchSize: 256)
    let generated = try model.generate(prompts: prompts, options: options, overlay: overlay)
    return zip(generated, answers).map { $0.tokens.starts(with: $1) }
  }
}
