import Architectures
import ArgumentParser
import Checkpoints
import Glibc
import JSON
import Layers
import OrderedCollections
import Reports
import Runtime
import Tokenizers
import Transformers

/// `Bench compute-modes MODEL…`: what the bf16 mode changes, and what it costs.
struct ComputeModesCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "compute-modes",
    abstract: "Error of --compute bf16 against f32, site by site, and processor time of both.",
    discussion: """
      Both modes run on the same weights: where a checkpoint is not stored as bf16, its matrices are rounded to bf16 in
      memory first, and the line says so. Differences are over all tokens; relative is the root of Σ Δ² / Σ f32². The time is
      user and system time of a forward pass of all blocks without head, in turn for both modes, the best of the runs.

      Example: Bench compute-modes models/llama models/minilm -f texts.txt
      """)

  @Argument(help: "Checkpoint folders.")
  var models: [String]

  @Option(name: [.customShort("f"), .long], help: "Texts, one a line; without it random tokens.")
  var file: String?

  @Option(help: "Texts at most.")
  var texts = 8

  @Option(help: "Tokens of a text at most.")
  var length = 64

  @Option(help: "Runs of each timing; 0: none.")
  var runs = 3

  @Flag(help: "Every site instead of the worst and the last one.")
  var allSites = false

  @Flag(help: "Print lines of JSON instead of a table.")
  var json = false

  func validate() throws {
    guard texts > 0, length > 0, runs >= 0 else {
      throw ValidationError("--texts and --length must be at least 1, --runs 0 or more")
    }
  }

  func run() throws {
    let facts = MachineFacts()
    if !json {
      print(facts.line + (ComputeMode.hasBF16Products ? "" : ", products of bf16 emulated") + "\n")
      print("| model | family | stored | site | max Δ | max f32 | relative | same top | f32 s | bf16 s |")
      print("|---|---|---|---|---|---|---|---|---|---|")
    }
    for folder in models {
      let given = try Model(folder: folder)
      let model = try given.roundedToBF16()
      let (stored, all) = given.blockProducts
      let ids = try tokens(model)
      var sites = try Site.list("embeddings,blocks.*.output", blocks: model.network.blocks)
      if model.network.hasFinalNorm { sites.append(.finalNorm) }
      let comparison = try ModeComparison(model, texts: ids, sites: sites)
      let seconds = runs == 0 ? nil : try times(model, ids)
      for row in shown(comparison.rows) {
        line(row, folder, model, stored == all ? "bf16" : "rounded to bf16", comparison, seconds, facts)
      }
    }
  }

  /// All rows, or the site that is farthest off, the last one and the logits.
  private func shown(_ rows: [ModeComparison.Row]) -> [ModeComparison.Row] {
    if allSites { return rows }
    let states = rows.filter { $0.site != nil }
    let worst = states.max { $0.relative < $1.relative }
    let last = states.last.flatMap { $0.name == worst?.name ? nil : $0 }
    return [worst, last].compactMap { $0 } + rows.filter { $0.site == nil }
  }

  private func line(
    _ row: ModeComparison.Row, _ folder: String, _ model: Model, _ stored: String,
    _ comparison: ModeComparison, _ seconds: (f32: Double, bf16: Double)?, _ facts: MachineFacts
  ) {
    let family = model.binding.family.name
    let agreement = row.site == nil ? comparison.topAgreement : nil
    guard json else {
      func text(_ value: Double?) -> String { value.map { Format.significant($0, 3) } ?? "" }
      print(
        "| \(folder) | \(family) | \(stored) | \(row.name) | \(text(row.largest)) | \(text(row.magnitude)) | "
          + "\(text(row.relative)) | \(text(agreement)) | \(text(seconds?.f32)) | \(text(seconds?.bf16)) |")
      return
    }
    var members = facts.members
    members["model"] = .string(folder)
    members["family"] = .string(family)
    members["stored"] = .string(stored)
    members["site"] = .string(row.name)
    members["largest_difference"] = .number(row.largest)
    members["largest_f32"] = .number(row.magnitude)
    members["relative_difference"] = .number(row.relative)
    members["top_agreement"] = agreement.map(JSONValue.number) ?? .null
    members["tokens"] = .integer(comparison.tokens)
    members["bf16_products"] = .bool(ComputeMode.hasBF16Products)
    members["f32_cpu_seconds"] = (seconds?.f32).map(JSONValue.number) ?? .null
    members["bf16_cpu_seconds"] = (seconds?.bf16).map(JSONValue.number) ?? .null
    print((try? JSONValue.object(members).withFiniteNumbers().text()) ?? "")
  }

  private func tokens(_ model: Model) throws -> [[Int32]] {
    let limit = min(length, model.network.contextLength)
    if let file {
      let tokenizer = try Tokenizer(folder: model.checkpoint.folder)
      return try Files.readText(file).split(separator: "\n").prefix(texts).map {
        Array(tokenizer.encode(String($0)).ids.prefix(limit))
      }.filter { !$0.isEmpty }
    }
    var random = CounterRandom(seed: 0, stream: "compute-modes")
    return (0..<texts).map { _ in
      (0..<limit).map { _ in Int32(random.below(max(1, model.network.vocabulary))) }
    }
  }

  /// Processor time of a pass through all blocks, both modes in turn; the best of the runs.
  private func times(_ model: Model, _ ids: [[Int32]]) throws -> (f32: Double, bf16: Double) {
    let site = Site.blockOutput(model.network.blocks - 1)
    var best: [ComputeMode: Double] = [:]
    for run in 0...runs {
      for mode in [ComputeMode.f32, .bf16] {
        let own = try model.computing(in: mode)
        let before = clock()
        try own.observe(ids, sites: [site]) { _, _, _, _, _ in }
        let seconds = Double(clock() - before) / Double(CLOCKS_PER_SEC)
        if run > 0 { best[mode] = min(best[mode] ?? seconds, seconds) }  // the first run warms the caches
      }
    }
    return (best[.f32] ?? .nan, best[.bf16] ?? .nan)
  }
}
