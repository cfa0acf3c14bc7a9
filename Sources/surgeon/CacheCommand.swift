import Architectures
import ArgumentParser
import Checkpoints
import Evaluation
import JSON
import Probing
import Reports
import Runtime
import Tokenizers
import Transformers

/// `surgeon cache MODEL -f FILE --sites … -o DIR`.
struct CacheCommand: ReportingCommand {
  static let configuration = CommandConfiguration(
    commandName: "cache",
    abstract: "Hidden states of many sites, pooled, in one pass over the texts; resumable.",
    discussion: """
      The folder carries the hashes of model, tokenizer and texts: the same command resumes or finds it finished,
      another one is refused. Finished shards are never written again. Lines may hold messages, which the model's chat
      template writes.

      Example: surgeon cache models/llama -f texts.jsonl --sites 'blocks.*.output,final_norm' --pooling mean -o cache
      """)
  static let kind = "cache"

  @Argument(help: "Checkpoint folder.")
  var model: String

  @OptionGroup var texts: TextFileOptions

  @OptionGroup var chats: ChatOptions

  @Option(help: "Sites; * for every block, negative numbers from the end.")
  var sites = "blocks.*.output"

  @Option(help: "Poolings: \(Pooling.allCases.map(\.rawValue).joined(separator: ", ")).")
  var pooling = "mean"

  @Option(help: "Tokens of a text at most; default: the context.")
  var maxTokens: Int?

  @Option(name: .shortAndLong, help: "The cache folder.")
  var output: String

  @Flag(help: "Say what would be read, written and held, and do nothing.")
  var dryRun = false

  @OptionGroup var common: CommonOptions

  var defaultReport: String? { dryRun ? nil : ReportWriter.path(inside: output) }

  func validate() throws {
    if texts.file == nil { throw ValidationError("give the texts with -f FILE") }
    _ = try PoolingList.parse(pooling)
  }

  func work(_ report: inout ReportEnvelope, _ session: Session) throws {
    let opened = try OpenedModel(model, into: &report, session)
    let tokenizer = try opened.tokenizer(into: &report)
    guard let documents = try texts.read(keys: ["text"], chats: true, into: &report) else { return }
    let network = opened.model.network
    let sites = try Site.list(sites, blocks: network.blocks)
    let poolings = try PoolingList.parse(pooling)
    let limit = min(maxTokens ?? network.contextLength, network.contextLength)
    let encoded = try documents.encoded(opened, tokenizer, chats, maximumTokens: limit, into: &report)
    let tokens = encoded.reduce(0) { $0 + $1.ids.count }
    report.results = [
      "sites": .strings(sites.map(\.description)), "texts": .integer(encoded.count),
      "tokens": .integer(tokens),
      "pooling": .string(poolings.map(\.rawValue).joined(separator: ",")), "width": .integer(network.width),
    ]
    let bytes = sites.reduce(0) { $0 + $1.width(network) } * 4 * poolings.count * encoded.count
    if dryRun {
      let run = DryRun(
        WorkEstimate(passing: tokens, in: encoded.count, through: opened.model), passing: tokens,
        through: opened.model, writeBytes: bytes, output: output)
      report.results["dry_run"] = run.json
      return try session.show(report, heading: run.lines, tables: [])
    }
    try Files.requireSpace(UInt64(bytes) + 1 << 20, at: output)
    _ = try FeatureCache.build(
      opened.model, tokenizerHash: tokenizer.sha256, texts: encoded, sites: sites, poolings: poolings,
      folder: output,
      progress: session.progress)
    try session.show(
      report,
      heading: [
        "\(output): \(Format.count(encoded.count)) texts × \(sites.count) sites, \(Format.bytes(UInt64(bytes)))"
      ], tables: [])
  }
}

/// Poolings as a list of names.
enum PoolingList {
  static func parse(_ text: String) throws -> [Pooling] {
    try text.split(separator: ",").map { name in
      guard let pooling = Pooling(rawValue: String(name)) else {
        throw ValidationError(
          "--pooling \(name): \(Suggestion.hint(for: String(name), in: Pooling.allCases.map(\.rawValue)))")
      }
      return pooling
    }
  }
}
