import Probing
import Runtime
import Statistics
import Tokenizers

/// A judge that learned words from labelled texts of its own: bag of words, with its error on texts it never saw.
public struct ClassifierJudge: Judge {
  private let words: BagOfWords
  /// AUROC on the judge's own test texts.
  public let auroc: Double?
  /// Share of its own test texts that it gets wrong, 0…1.
  public let error: Double

  /// Trains on one part of labelled texts, chooses on another, and measures its error on a third.
  /// - Throws: ``ProbingError``.
  public init(_ texts: LabelledTexts, seed: UInt64 = 0) throws {
    let split = try Split(texts, seed: seed)
    let contents = texts.texts.map(\.content)
    words = try BagOfWords(texts: contents, labels: texts.labels, split: split)
    let logits = split.test.map { [words] in words.logit(contents[$0]) }
    let truth = split.test.map { texts.labels[$0] }
    auroc = AUROC.value(scores: logits, labels: truth)
    error = Double(zip(logits, truth).count { ($0 > 0) != $1 }) / Double(max(1, truth.count))
  }

  /// The judge's kind.
  public var kind: String { "classifier" }
  /// What it is and how often it errs.
  public var summary: String {
    "bag of words on labelled texts of its own; wrong on \(Format.percent(error)) of its test texts"
  }

  /// Judges one reply by its own words.
  public func judge(prompt: PromptText, reply: String) -> Verdict {
    let statistics = ReplyStatistics(reply: reply)
    if statistics.words == 0 || statistics.repeats { return Verdict(outcome: .broken) }
    return Verdict(outcome: words.logit(reply) > 0 ? .behaviour : .wanted)
  }
}
