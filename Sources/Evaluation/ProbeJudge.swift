import Architectures
import OrderedCollections
import Probing
import Runtime
import Tensors
import Tokenizers
import Transformers

/// A judge that reads replies with a probe of the base model: never the probe that was edited with, and trained on
/// other texts.
public struct ProbeJudge: Judge {
  private let model: Model
  private let tokenizer: Tokenizer
  private let probe: Probe
  private let site: Site
  private let pooling: Pooling

  /// A judge by a trained probe.
  /// - Throws: ``EvaluationError/judge(reason:)`` for a probe of another width or pooling, ``ArchitectureError``.
  public init(model: Model, tokenizer: Tokenizer, probe: Probe) throws {
    guard let pooling = Pooling(rawValue: probe.pooling) else {
      throw EvaluationError.judge(reason: "a probe judge with pooling \"\(probe.pooling)\"")
    }
    self.model = model
    self.tokenizer = tokenizer
    self.probe = probe
    self.pooling = pooling
    site = try Site(parsing: probe.site)
  }

  /// The judge's kind.
  public var kind: String { "probe" }
  /// What it is and how well it read its own test texts.
  public var summary: String {
    let auroc = probe.metrics["test"]?.value("auroc").map { Format.significant($0) } ?? "unknown"
    return "\(probe.kind) probe at \(probe.site), AUROC \(auroc) on its own test texts"
  }

  /// Judges one reply by reading it with the base model; a reply that cannot be read is broken.
  public func judge(prompt: PromptText, reply: String) -> Verdict {
    let statistics = ReplyStatistics(reply: reply)
    if statistics.words == 0 || statistics.repeats { return Verdict(outcome: .broken) }
    guard let logit = try? logit(prompt: prompt, reply: reply) else { return Verdict(outcome: .broken) }
    return Verdict(outcome: logit > 0 ? .behaviour : .wanted)
  }

  private func logit(prompt: PromptText, reply: String) throws -> Double {
    let text = try EncodedText(
      reply, prompt: prompt.text, isRendered: prompt.isRendered, tokenizer: tokenizer,
      maximumTokens: model.network.contextLength)
    let features = try FeatureCache.features(model, text, site: site, pooling: pooling)
    return try probe.logits(Features(site: probe.site, features))[0]
  }
}
