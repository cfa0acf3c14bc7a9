import Architectures
import Checkpoints
import JSON
import OrderedCollections
import Runtime
import Statistics
import Tokenizers
import Transformers

extension EncodedText {
  /// Encodes labelled texts, each with its prompt before it, and chats as a template writes them.
  /// - Throws: ``CacheError``, ``ChatTemplateError``.
  public static func all(
    _ texts: [LabelledText], tokenizer: Tokenizer, template: ChatTemplate? = nil, maximumTokens: Int? = nil
  ) throws -> [EncodedText] {
    try texts.enumerated().map { index, item in
      if let chat = item.chat {
        guard let template else { throw CacheError.chat(index: index) }
        return try EncodedText(
          chat, template: template, tokenizer: tokenizer, maximumTokens: maximumTokens, index: index)
      }
      let text = item.text ?? ""
      return try EncodedText(
        text, prompt: item.prompt, tokenizer: tokenizer, maximumTokens: maximumTokens, index: index)
    }
  }
}

/// From labelled texts and a model to a probe: hidden states into a cache, all sites × kinds, one chosen on
/// validation and looked at once on test.
public enum ProbeTraining {
  /// What is trained.
  public struct Options: Sendable {
    /// What the behaviour is called.
    public var name = "behaviour"
    /// Sites, in network order.
    public var sites: [Site]
    /// How a text becomes one vector.
    public var pooling: Pooling
    /// Shares of the parts where the texts do not name them.
    public var fractions = Split.Fractions.standard
    /// Kinds, criterion, controls and seed.
    public var sweep = LayerSweep.Options()
    /// Writes the chats among the texts; nil where there are none.
    public var template: ChatTemplate?
    /// Tokens of a text at most; nil: those of the context.
    public var maximumTokens: Int?
    /// Where hidden states are kept.
    public var cacheFolder: String

    /// Standard options.
    public init(sites: [Site], pooling: Pooling, cacheFolder: String) {
      self.sites = sites
      self.pooling = pooling
      self.cacheFolder = cacheFolder
    }
  }

  /// What came out.
  public struct Outcome: Sendable {
    /// All sites and kinds, the choice, test and controls.
    public let sweep: LayerSweep.Outcome
    /// The parts.
    public let split: Split
    /// The chosen probe.
    public let probe: Probe
    /// The probe of every site and kind, in the sweep's order.
    public let all: [Probe]
  }

  /// Trains.
  /// - Throws: ``ProbingError``, ``CacheError``, ``TransformerError``, ``Interrupted`` with finished hidden states kept.
  public static func run(
    _ model: Model, tokenizer: Tokenizer, texts: LabelledTexts, options: Options,
    progress: ProgressSink = ignoreProgress
  ) throws -> Outcome {
    let seed = options.sweep.seed
    let split = try Split(texts, fractions: options.fractions, seed: seed)
    let context = model.network.contextLength
    let encoded = try EncodedText.all(
      texts.texts, tokenizer: tokenizer, template: options.template,
      maximumTokens: min(options.maximumTokens ?? context, context))
    let cache = try FeatureCache.build(
      model, tokenizerHash: tokenizer.sha256, texts: encoded, sites: options.sites,
      poolings: [options.pooling],
      folder: options.cacheFolder, progress: progress)
    let sources = options.sites.map { site in
      LayerSweep.Source(site: site.description) {
        try Features(
          site: site.description, cache.features(site: site.description, pooling: options.pooling))
      }
    }
    let sweep = try LayerSweep.run(
      sources, texts: texts, split: split, options: options.sweep, progress: progress)
    var provenance = Probe.provenance(texts: texts, split: split)
    provenance["model_hash"] = .string(cache.key.model)
    provenance["tokenizer_sha256"] = .string(tokenizer.sha256)
    if let template = options.template { provenance["chat_template_sha256"] = .string(template.sha256) }
    provenance["family"] = .string(model.network.family)
    provenance["blocks"] = .integer(model.network.blocks)
    let probes = sweep.cells.indices.map { index in
      let cell = sweep.cells[index]
      var metrics: OrderedDictionary<String, [Metric]> = ["validation": cell.metrics]
      if index == sweep.chosen {
        metrics["test"] = sweep.testMetrics
        for control in sweep.controls { metrics["controls.\(control.name)"] = control.metrics }
      }
      return Probe(
        name: options.name, kind: cell.kind, site: cell.site, pooling: options.pooling.rawValue,
        classNames: texts.classNames, fit: cell.fit, metrics: metrics, provenance: provenance)
    }
    return Outcome(sweep: sweep, split: split, probe: probes[sweep.chosen], all: probes)
  }
}

extension Probe {
  /// Scores texts under a model: the logit of the behaviour for each, `[n]`.
  /// - Throws: ``ProbingError``, ``CacheError``, ``TransformerError``, ``ArchitectureError``, ``Interrupted``.
  public func logits(
    _ model: Model, _ texts: [EncodedText], overlay: Overlay? = nil, progress: ProgressSink = ignoreProgress
  ) throws -> [Double] {
    guard let pooling = Pooling(rawValue: pooling) else {
      throw ProbingError.badProbe(
        path: name, problem: "pooling \(pooling)",
        expected: "one of \(Pooling.allCases.map(\.rawValue).joined(separator: ", "))")
    }
    let site = try Site.list(site, blocks: model.network.blocks)[0]
    let tensor = try FeatureCache.pooled(
      model, texts: texts, site: site, pooling: pooling, overlay: overlay, progress: progress)
    return try logits(Features(site: site.description, tensor))
  }

  /// The probability of the behaviour for a logit.
  public func probability(_ logit: Double) -> Double { ProperScores.sigmoid(logit) }

  /// Whether the probe was trained on this model; nil where it does not say.
  public func belongs(to modelHash: String) -> Bool? {
    provenance["model_hash"]?.string.map { $0 == modelHash }
  }
}

extension ProbeFile {
  /// The folders at and below a place that hold a probe, in the order of their names; hidden ones are left out.
  /// - Throws: ``FileError``.
  public static func find(in folder: String) throws -> [String] {
    var found = Files.exists("\(folder)/probe.json") ? [folder] : []
    for name in try Files.list(folder) where !name.hasPrefix(".") && Files.isFolder("\(folder)/\(name)") {
      found += try find(in: "\(folder)/\(name)")
    }
    return found
  }
}
