import Runtime
import Statistics
import Tokenizers
import Transformers

/// One reply with its verdict.
public struct JudgedReply: Sendable {
  /// The prompt as it was given.
  public let prompt: String
  /// The new text.
  public let reply: String
  /// What the judge said.
  public let verdict: Verdict
}

/// How often a behaviour shows on a list of prompts.
public struct BehaviourRates: Sendable {
  /// The replies in the order of the prompts.
  public let replies: [JudgedReply]

  /// Rates of judged replies.
  public init(replies: [JudgedReply]) { self.replies = replies }

  /// Number of replies.
  public var count: Int { replies.count }

  /// Share of replies with an outcome, 0…1.
  public func rate(_ outcome: Verdict.Outcome) -> Double {
    share { $0.verdict.outcome == outcome }
  }

  /// Share of mixed and broken replies, 0…1.
  public var garbled: Double { rate(.mixed) + rate(.broken) }

  /// Share of replies that stay on the prompt's topic; nil where the judge cannot tell.
  public var onTopic: Double? {
    let known = replies.compactMap(\.verdict.onTopic)
    return known.isEmpty ? nil : Double(known.count { $0 }) / Double(known.count)
  }

  /// Share of replies without a word, 0…1.
  public var empty: Double { share { $0.reply.allSatisfy(\.isWhitespace) } }

  /// Mean share of repeated four-word windows, 0…1.
  public var repetition: Double {
    replies.isEmpty
      ? 0 : replies.reduce(0) { $0 + ReplyStatistics(reply: $1.reply).repetition } / Double(replies.count)
  }

  /// The rate of an outcome with its Wilson interval.
  public func metric(_ outcome: Verdict.Outcome, name: String, higherIsBetter: Bool?) -> Metric {
    let hits = replies.count { $0.verdict.outcome == outcome }
    return Metric(
      name: name, value: rate(outcome), unit: "fraction", n: count, higherIsBetter: higherIsBetter,
      interval: Wilson.interval(successes: hits, total: count))
  }

  private func share(_ holds: (JudgedReply) -> Bool) -> Double {
    replies.isEmpty ? 0 : Double(replies.count(where: holds)) / Double(replies.count)
  }
}

/// Prompts, ready to be continued and judged again and again.
public struct BehaviourTest: Sendable {
  /// The prompts.
  public let prompts: [PromptText]
  /// Their tokens.
  public let tokens: [[Int32]]
  /// The judge.
  public let judge: any Judge
  /// How replies are made.
  public let options: GenerationOptions

  /// Encodes the prompts once.
  /// - Throws: ``EvaluationError/nothingToMeasure(what:)``.
  public init(prompts: [PromptText], tokenizer: Tokenizer, judge: any Judge, options: GenerationOptions)
    throws
  {
    guard !prompts.isEmpty else { throw EvaluationError.nothingToMeasure(what: "prompt") }
    self.prompts = prompts
    self.tokens = prompts.map { tokenizer.encode($0).ids }
    self.judge = judge
    self.options = options
  }

  /// Continues every prompt under an overlay and judges the replies.
  /// - Throws: ``TransformerError``, ``Interrupted``.
  public func run(
    _ model: Model, tokenizer: Tokenizer, overlay: Overlay? = nil, sampling: SamplingOptions? = nil,
    progress: ProgressSink = ignoreProgress
  ) throws -> BehaviourRates {
    var options = self.options
    if let sampling { options.sampling = sampling }
    let generated = try model.generate(
      prompts: tokens, options: options, overlay: overlay, progress: progress)
    return BehaviourRates(
      replies: zip(prompts, generated).map { prompt, result in
        let reply = tokenizer.decode(result.tokens, skipSpecialTokens: true)
        return JudgedReply(
          prompt: prompt.text, reply: reply, verdict: judge.judge(prompt: prompt, reply: reply))
      })
  }
}
