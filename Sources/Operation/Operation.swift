import Architectures
import Checkpoints
import Evaluation
import JSON
import Layers
import OrderedCollections
import Organism
import Probing
import Recipes
import Runtime
import Surgery
import Tokenizers
import Transformers

/// One operation: cache → probe → locate → sweep → patch → verify → test, in one run folder.
///
/// Every stage leaves its files, so a second run of the same recipe starts where the first stopped. Strength and rows
/// are chosen on validation data; the test data are used once, on the written checkpoint.
public final class Operation {
  let recipe: Recipe
  /// The run folder.
  public let folder: RunFolder
  private(set) var data: OperationData
  /// The unedited model, in the mode in which the edited one computes too.
  public let base: Model
  let tokenizer: Tokenizer
  let progress: ProgressSink
  var stages: [(name: String, seconds: Double)] = []

  /// Opens the run folder and everything the recipe names; base and edited model compute in the mode that is chosen here
  /// (`auto` is f32 for the embedded model, so that what was published of it holds on every processor).
  /// - Throws: ``OperationError``, and whatever model, tokenizer and data throw.
  public init(
    _ recipe: Recipe, folder path: String, compute: ComputeChoice = .f32,
    progress: @escaping ProgressSink = ignoreProgress
  ) throws {
    self.recipe = recipe
    self.progress = progress
    data = try OperationData(recipe)
    let given = recipe.usesOrganism ? nil : try Checkpoint(folder: recipe.model)
    let opened = try given.map { try Model($0, compute: compute) }
    var key: JSONValue = [
      "recipe": recipe.json, "model": .string(try given?.modelHash ?? OrganismCheckpoint.sha256),
      "inputs": .object(try Self.inputHashes(recipe)),
    ]
    // Runs of f32 keep the key that they had before there was another mode.
    let mode = opened?.compute ?? (compute == .bf16 ? .bf16 : .f32)
    if mode != .f32 { key["compute"] = .string(mode.rawValue) }
    folder = try RunFolder(path, key: key)
    try Files.write(recipe.json.text(.pretty) + "\n", to: folder.file("recipe.json"))
    if !folder.has("data/neutral-test.jsonl") { try data.write(to: folder.file("data")) }
    if let opened {
      base = opened
    } else {
      if !folder.has("base") {
        let partial = folder.file("base.partial-new")
        try Files.remove(partial)
        try OrganismCheckpoint.write(to: partial)
        try Files.rename(partial, to: folder.file("base"))
      }
      base = try Model(folder: folder.file("base"), compute: mode == .bf16 ? .bf16 : .f32)
    }
    tokenizer = try Tokenizer(folder: base.checkpoint.folder)
    try data.openProbeJudge(recipe, model: base, tokenizer: tokenizer)
  }

  private static func inputHashes(_ recipe: Recipe) throws -> OrderedDictionary<String, JSONValue> {
    var hashes: OrderedDictionary<String, JSONValue> = [:]
    let prompts = recipe.prompts
    for path in [
      recipe.behaviour.positive, recipe.behaviour.negative, prompts.target, prompts.targetTest,
      prompts.neutral,
      prompts.facts, prompts.judgeFile, recipe.chatTemplate,
    ].compactMap({ $0 }) {
      hashes[path] = .string(try Files.sha256(path))
    }
    return hashes
  }

  /// The folder of the unedited checkpoint.
  public var baseFolder: String { base.checkpoint.folder }

  /// Runs every stage and gives the report's results.
  /// - Throws: the errors of the stages; ``SurgeryError/nothingPasses(points:best:)`` when no point keeps the gates.
  public func run() throws -> FinishedOperation {
    let cache = try stage("cache") { try cacheStates() }
    let probes = try stage("probe") { try trainProbes(cache) }
    let sweep = try stage("sweep") { try sweepEdits(probes) }
    let edit = try stage("edit") { try writeEdit(sweep) }
    let test = try stage("test") { try testEdit(edit, sweep, probes) }
    let outcome = OperationOutcome(
      operation: self, probes: probes, sweep: sweep, edit: edit, test: test, stages: stages)
    let finished = FinishedOperation(results: outcome.json, metrics: outcome.metrics)
    try outcome.writeSamples(to: folder.file("samples.jsonl"))
    try MetricsFile.write(finished.metrics, to: folder.file("metrics.csv"))
    try Files.write(finished.results.text(.pretty) + "\n", to: folder.file("results.json"))
    try folder.writeSums()
    return finished
  }

  func stage<T>(_ name: String, _ work: () throws -> T) throws -> T {
    try Cancellation.check()
    let start = Machine.seconds
    defer { stages.append((name, Machine.seconds - start)) }
    return try work()
  }

  // MARK: Cache

  /// Hidden states of the probe's texts at every site that is asked for, in one pass.
  private func cacheStates() throws -> FeatureCache {
    let sites = try cachedSites()
    let poolings = Array(Set([recipe.probe.pooling, recipe.probe.directionPooling])).sorted {
      $0.rawValue < $1.rawValue
    }
    let texts = try EncodedText.all(
      data.probe.texts, tokenizer: tokenizer, template: data.template,
      maximumTokens: base.network.contextLength)
    return try FeatureCache.build(
      base, tokenizerHash: tokenizer.sha256, texts: texts, sites: sites, poolings: poolings,
      folder: folder.file("cache"), progress: progress)
  }

  /// Where the compared directions are read when the layer curve's best site is no residual stream: before the last block.
  var residualStandIn: Site { .blockOutput(max(0, base.network.blocks - 2)) }

  func cachedSites() throws -> [Site] {
    var names = [recipe.probe.sites, recipe.probe.directionSite, residualStandIn.description]
    if recipe.locate.spaces.contains(.perLayer) { names.append("blocks.*.mlp.input") }
    return try Site.list(names.joined(separator: ","), blocks: base.network.blocks)
  }
}
