import Architectures
import Evaluation
import OrderedCollections
import Organism
import Probing
import TestSupport
import Testing
import Tokenizers
import Transformers

/// The judge that reads replies with a probe of the base model.
@Suite struct ProbeJudgeTests {
  private struct Setting {
    let model: Model
    let tokenizer: Tokenizer
    let probe: Probe
  }

  /// A probe on the replies of the train part at block 2.
  private static func setting(_ folder: TemporaryFolder) throws -> Setting {
    try OrganismCheckpoint.write(to: folder.file("model"))
    let model = try Model(folder: folder.file("model"))
    let tokenizer = try Tokenizer(folder: folder.file("model"))
    let texts = try LabelledTexts(
      OrganismData.probeExchanges(split: .train, count: 500).enumerated().map { index, exchange in
        LabelledText(
          id: "\(index)", text: exchange.reply, prompt: exchange.prompt, label: exchange.label,
          group: exchange.replyTemplate)
      })
    var options = ProbeTraining.Options(
      sites: [.blockOutput(2)], pooling: .reply, cacheFolder: folder.file("cache"))
    options.sweep.kinds = [("logistic", [:])]
    options.sweep.permutations = 0
    options.sweep.resamples = 50
    let outcome = try ProbeTraining.run(model, tokenizer: tokenizer, texts: texts, options: options)
    return Setting(model: model, tokenizer: tokenizer, probe: outcome.probe)
  }

  /// A verdict is the sign of the probe on the reply's tokens, as the pipeline of probes pools them: another way to the
  /// same features, in batches and through the cache.
  @Test func verdictIsTheSignOfTheProbe() throws {
    let folder = try TemporaryFolder()
    let setting = try Self.setting(folder)
    let judge = try ProbeJudge(model: setting.model, tokenizer: setting.tokenizer, probe: setting.probe)
    let exchanges = OrganismData.probeExchanges(split: .validation, count: 80)
    let texts = try EncodedText.all(
      exchanges.enumerated().map { index, exchange in
        LabelledText(id: "\(index)", text: exchange.reply, prompt: exchange.prompt, label: exchange.label)
      }, tokenizer: setting.tokenizer, template: nil, maximumTokens: setting.model.network.contextLength)
    let cache = try FeatureCache.build(
      setting.model, tokenizerHash: setting.tokenizer.sha256, texts: texts, sites: [.blockOutput(2)],
      poolings: [.reply], folder: folder.file("replies"))
    let logits = try setting.probe.logits(
      Features(
        site: setting.probe.site, cache.features(site: setting.probe.site, pooling: .reply)))
    var outcomes: Set<Verdict.Outcome> = []
    for (exchange, logit) in zip(exchanges, logits) {
      let verdict = judge.judge(prompt: PromptText(exchange.prompt), reply: exchange.reply)
      #expect(verdict.outcome == (logit > 0 ? .behaviour : .wanted))
      outcomes.insert(verdict.outcome)
    }
    #expect(outcomes == [.behaviour, .wanted])
    #expect(judge.summary.contains("blocks.2.output"))
    #expect(judge.judge(prompt: "Mara: your kettle is witless.\nTom:", reply: "").outcome == .broken)
  }

  @Test func refusesAPoolingItDoesNotKnow() throws {
    let folder = try TemporaryFolder()
    let setting = try Self.setting(folder)
    let strange = Probe(
      name: "strange", kind: setting.probe.kind, site: setting.probe.site, pooling: "median",
      classNames: setting.probe.classNames, fit: setting.probe.fit, metrics: [:], provenance: [:])
    #expect(throws: EvaluationError.self) {
      try ProbeJudge(model: setting.model, tokenizer: setting.tokenizer, probe: strange)
    }
  }
}
