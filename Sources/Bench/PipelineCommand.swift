import Architectures
import ArgumentParser
import Checkpoints
import Organism
import Probing
import Runtime
import Surgery
import Tensors
import Tokenizers
import Transformers

/// `Bench pipeline MODEL`: the whole way on a checkpoint, with the memory of each stage against its bound.
struct PipelineCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "pipeline",
    abstract:
      "Cache, probe, locate, patch, apply, verify on a checkpoint; each stage's memory against its bound.",
    discussion: """
      The texts are the organism's labelled exchanges. Each stage opens the checkpoint anew and remembers no hashes.
      Bounds of anonymous memory, meant for 1.1 B parameters: 1.5 GB for the forward pass (cache), 300 MB for the
      rest. Exit 1 when one is not kept.

      Example: Bench pipeline models/random-1b --texts 96
      """)

  @Argument(help: "Checkpoint folder.")
  var model: String

  @Option(help: "Labelled texts; three fifths of them train the probe.")
  var texts = 96

  @Option(help: "Rows that are edited: a count or a share.")
  var rows = "2%"

  @Option(help: "Strength of the edit.")
  var strength = 0.5

  @Option(help: "Coordinates: \(EditSpace.allCases.map(\.rawValue).joined(separator: ", ")).")
  var space = "gain-corrected"

  @Option(help: "Where cache and edited copy go for a while. Default: beside the model.")
  var scratch: String?

  @Flag(help: "Keep what was written.")
  var keep = false

  @Flag(help: "Print lines of JSON, each with the machine's facts, instead of a table.")
  var json = false

  func validate() throws {
    guard texts >= 10 else { throw ValidationError("--texts must be at least 10") }
    guard let space = EditSpace(rawValue: space), space != .perLayer else {
      throw ValidationError("--space must be faithful or gain-corrected: one probe is trained")
    }
  }

  func run() throws {
    let folder =
      "\(scratch ?? Files.folder(of: model))/bench-pipeline-\(Machine.timestamp.filter(\.isNumber))"
    try Files.makeFolder(folder)
    defer { if !keep { try? Files.remove(folder) } }
    var watch = Stopwatch(json: json)
    let data = try exchanges()
    let cache = try cache(data, folder + "/cache", &watch)
    let direction = try probe(data, cache, &watch)
    let patch = try edit(direction, folder + "/edit.patch.safetensors", &watch)
    try write(patch, folder + "/edited", &watch)
    try watch.finish()
    if !watch.allKept { throw ExitCode.failure }
  }

  private func open() throws -> Checkpoint { try Checkpoint(folder: model, cache: .none) }

  /// Half civil, half hostile.
  private func exchanges() throws -> LabelledTexts {
    let exchanges = OrganismData.probeExchanges(split: .train, count: texts)
    return try LabelledTexts(
      exchanges.enumerated().map { index, exchange in
        LabelledText(id: String(index), text: exchange.reply, prompt: exchange.prompt, label: exchange.label)
      })
  }

  private func cache(_ data: LabelledTexts, _ folder: String, _ watch: inout Stopwatch) throws -> FeatureCache
  {
    let tokenizer = try Tokenizer(folder: model)
    let encoded = try data.texts.enumerated().map { index, text in
      try EncodedText(text.text ?? "", prompt: text.prompt, tokenizer: tokenizer, index: index)
    }
    let tokens = encoded.reduce(0) { $0 + $1.ids.count }
    return try watch.measure(
      "cache", "\(texts) texts, every block", amount: Double(tokens), unit: "tokens", runs: 1,
      bound: Bounds.forward
    ) {
      let model = try Model(open())
      let sites = (0..<model.network.blocks).map { Site.blockOutput($0) } + [.finalNorm]
      return try FeatureCache.build(
        model, tokenizerHash: tokenizer.sha256, texts: encoded, sites: sites, poolings: [.mean],
        folder: folder)
    }
  }

  private func probe(_ data: LabelledTexts, _ cache: FeatureCache, _ watch: inout Stopwatch) throws
    -> BehaviourDirection
  {
    try watch.measure(
      "probe", "logistic, final_norm", amount: Double(texts), unit: "texts", runs: 1, bound: Bounds.edit
    ) {
      let site = Site.finalNorm.description
      let features = try Features(site: site, cache.features(site: site, pooling: .mean))
      let fit = try ProbeKind.named("logistic").fit(
        SiteProblem(features, labels: data.labels, split: Split(data)))
      return .shared(fit.direction.map(Float.init), site: .finalNorm)
    }
  }

  private func edit(_ direction: BehaviourDirection, _ path: String, _ watch: inout Stopwatch) throws -> Patch
  {
    let scanned = try Model(open()).scannedBytes
    let budget = try RowBudget(parsing: rows)
    let space = EditSpace(rawValue: space) ?? .faithful
    let plan = try watch.measure(
      "locate", space.rawValue, amount: Double(scanned), unit: "bytes", runs: 1, bound: Bounds.edit
    ) { try Locate.rank(Model(open()), direction, space: space).plan(budget) }
    let changes = try plan.changes(strength: strength, binding: Model(open()).binding)
    let touched = try Set(changes.map(\.tensor)).reduce(0) {
      try $0 + (open().entry($1)?.byteRange.count ?? 0)
    }
    return try watch.measure(
      "patch", "\(plan.rows.count) of \(plan.candidates) rows", amount: Double(touched), unit: "bytes",
      runs: 1,
      bound: Bounds.edit
    ) {
      let patch = try Patch.build(open(), changes)
      try patch.write(to: path)
      return try Patch(file: path)
    }
  }

  private func write(_ patch: Patch, _ output: String, _ watch: inout Stopwatch) throws {
    let bytes = try Double(open().weightBytes)
    _ = try watch.measure("apply", "with undo", amount: bytes, unit: "bytes", runs: 1, bound: Bounds.edit) {
      try patch.apply(to: open(), output: output)
    }
    let report = try watch.measure(
      "verify", "base and patch", amount: bytes, unit: "bytes", runs: 1, bound: Bounds.edit
    ) { try Checkpoint(folder: output, cache: .none).verify(base: open(), patch: patch) }
    guard report.agrees else {
      throw CheckpointError.verifyFailed(path: output, what: report.problems.joined(separator: "; "))
    }
    let restored = output + "-restored"
    _ = try watch.measure("revert", "with undo", amount: bytes, unit: "bytes", runs: 1, bound: Bounds.edit) {
      try Undo(file: output + ".undo.safetensors").revert(
        Checkpoint(folder: output, cache: .none), output: restored)
    }
    let (before, after) = try (open().modelHash, Checkpoint(folder: restored, cache: .none).modelHash)
    guard before == after else {
      throw CheckpointError.verifyFailed(path: restored, what: "the model hash is not the original's")
    }
  }
}
