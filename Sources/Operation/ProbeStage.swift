import Architectures
import JSON
import OrderedCollections
import Probing
import Recipes
import Runtime
import Statistics
import Surgery
import Tensors
import Tokenizers
import Transformers

/// Trained probes: the directions that edits use, and the layer curve.
struct ProbeStage {
  /// A vector in the residual stream with its site, for the comparisons.
  struct ResidualDirection {
    var name: String
    var vector: [Float]
    var site: Site
  }
  /// By kind, at the recipe's direction site.
  var shared: [String: [Float]] = [:]
  /// The direction site.
  var sharedSite: Site
  /// By kind and block, at the MLP inputs.
  var perBlock: [String: [Int: [Float]]] = [:]
  /// Differences of means in the residual stream at the site that the layer curve chose.
  var residualDirections: [ResidualDirection] = []
  /// The layer curve in the report's shape.
  var curve: JSONValue?

  /// The direction of a kind in the form that a space needs.
  /// - Throws: ``SurgeryError``.
  func direction(kind: String, space: EditSpace) throws -> BehaviourDirection {
    if space == .perLayer {
      guard let vectors = perBlock[kind] else { throw SurgeryError.noDirection(block: 0) }
      return .perBlock(vectors)
    }
    guard let vector = shared[kind] else { throw SurgeryError.degenerate }
    return .shared(vector, site: sharedSite)
  }
}

extension Operation {
  private func source(_ cache: FeatureCache, _ site: Site, _ pooling: Pooling) -> LayerSweep.Source {
    LayerSweep.Source(site: site.description) {
      try Features(site: site.description, cache.features(site: site.description, pooling: pooling))
    }
  }

  private func fit(_ cache: FeatureCache, _ site: Site, _ pooling: Pooling, _ kind: String) throws
    -> LinearFit
  {
    let features = try source(cache, site, pooling).load()
    return try ProbeKind.named(kind).fit(
      SiteProblem(features, labels: data.probe.labels, split: data.split, seed: recipe.seed))
  }

  /// Trains the directions and draws the layer curve; the site is chosen on validation texts and looked at once on
  /// test texts.
  func trainProbes(_ cache: FeatureCache) throws -> ProbeStage {
    let choice = recipe.probe
    let blocks = base.network.blocks
    var stage = ProbeStage(sharedSite: try Site.list(choice.directionSite, blocks: blocks)[0])
    for (place, kind) in choice.directions.enumerated() {
      let fit = try fit(cache, stage.sharedSite, choice.directionPooling, kind)
      stage.shared[kind] = fit.direction.map(Float.init)
      try ProbeFile.write(
        probe(fit, kind: kind, site: stage.sharedSite, cache),
        to: folder.file(place == 0 ? "probe" : "probe-\(kind)"))
      guard recipe.locate.spaces.contains(.perLayer), place == 0 || recipe.locate.spaces[0] == .perLayer
      else {
        continue
      }
      stage.perBlock[kind] = Dictionary(
        uniqueKeysWithValues: try (0..<blocks).map {
          ($0, try self.fit(cache, .mlpInput($0), choice.directionPooling, kind).direction.map(Float.init))
        })
    }
    let sites = try Site.list(choice.sites, blocks: blocks)
    var options = LayerSweep.Options()
    options.kinds = choice.kinds.map { ($0, [:]) }
    options.seed = recipe.seed
    let outcome = try LayerSweep.run(
      sites.map { source(cache, $0, choice.pooling) }, texts: readTexts(), split: data.split,
      options: options,
      progress: progress)
    stage.curve = curve(outcome, sites)
    let chosen = try Site(parsing: outcome.best.site)
    let residual = chosen.isResidual ? chosen : residualStandIn
    for (name, pooling) in [
      ("\(choice.pooling.rawValue)", choice.pooling),
      ("\(choice.directionPooling.rawValue)", choice.directionPooling),
    ] {
      stage.residualDirections.append(
        .init(
          name: name, vector: try fit(cache, residual, pooling, "means").direction.map(Float.init),
          site: residual))
    }
    return stage
  }

  /// What a probe of the layer curve could read, for its bag-of-words and length controls: the prompt alone where
  /// the pooling ends there.
  private func readTexts() throws -> LabelledTexts {
    guard recipe.probe.pooling == .promptEnd else { return data.probe }
    let prompts = data.probe.texts.map { text in
      var text = text
      if var chat = text.chat {
        if chat.endsWithAnswer && chat.messages.count > 1 { chat.messages.removeLast() }
        text.chat = chat
        return text
      }
      text.text = text.prompt ?? text.text
      text.prompt = nil
      return text
    }
    return try LabelledTexts(prompts, classNames: data.probe.classNames, sources: data.probe.sources)
  }

  private func probe(_ fit: LinearFit, kind: String, site: Site, _ cache: FeatureCache) throws -> Probe {
    let features = try source(cache, site, recipe.probe.directionPooling).load()
    var metrics: OrderedDictionary<String, [Metric]> = [:]
    for part in [SplitPart.validation, .test] {
      let rows = data.split[part]
      metrics[part.rawValue] = ProbeMetrics.of(
        logits: fit.logits(features, rows: rows), labels: rows.map { data.probe.labels[$0] },
        groups: rows.map { data.probe.groups[$0] }, seed: recipe.seed)
    }
    var provenance = Probe.provenance(texts: data.probe, split: data.split)
    provenance["model_sha256"] = .string(cache.key.model)
    provenance["tokenizer_sha256"] = .string(cache.key.tokenizer)
    provenance["recipe_sha256"] = .string(SHA256.hex(try recipe.json.text()))
    return Probe(
      name: recipe.behaviour.name, kind: kind, site: site.description,
      pooling: recipe.probe.directionPooling.rawValue,
      classNames: [recipe.behaviour.opposite, recipe.behaviour.name],
      fit: fit, metrics: metrics, provenance: provenance)
  }

  /// The layer curve in the report's shape: validation values of every cell, test values of the chosen one alone.
  private func curve(_ outcome: LayerSweep.Outcome, _ sites: [Site]) -> JSONValue {
    var kinds: OrderedDictionary<String, JSONValue> = [:]
    for kind in recipe.probe.kinds {
      kinds[kind] = .array(
        outcome.cells.filter { $0.kind == kind }.map { cell in
          let auroc = cell.metrics.first { $0.name == "auroc" }
          return [
            "auroc": auroc?.value.map(JSONValue.number) ?? .null,
            "lower": auroc?.interval.map { .number($0.lower) } ?? .null,
            "upper": auroc?.interval.map { .number($0.upper) } ?? .null,
            "balanced_accuracy": cell.metrics.value("balanced_accuracy").map(JSONValue.number) ?? .null,
            "log_loss": cell.metrics.value("log_loss").map(JSONValue.number) ?? .null,
            "ece": cell.metrics.value("ece").map(JSONValue.number) ?? .null,
          ]
        })
    }
    var references: OrderedDictionary<String, JSONValue> = [:]
    for control in outcome.controls {
      if let value = control.metrics.value("auroc") { references[control.name] = .number(value) }
    }
    var test: OrderedDictionary<String, JSONValue> = [:]
    for metric in outcome.testMetrics { if let value = metric.value { test[metric.name] = .number(value) } }
    return [
      "sites": .strings(sites.map(\.description)), "pooling": .string(recipe.probe.pooling.rawValue),
      "n": .integer(data.split.validation.count), "kinds": .object(kinds), "references": .object(references),
      "chosen_site": .string(outcome.best.site), "chosen_kind": .string(outcome.best.kind),
      "reason": .string(outcome.reason), "test": .object(test),
    ]
  }
}
