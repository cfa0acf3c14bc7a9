import Architectures
import ArgumentParser
import Checkpoints
import Evaluation
import JSON
import Reports
import Runtime
import Statistics
import Tokenizers
import Transformers

/// `surgeon generate MODEL -p TEXT | -f FILE`.
struct GenerateCommand: ReportingCommand {
  static let configuration = CommandConfiguration(
    commandName: "generate",
    abstract: "Continues prompts, greedy or sampled, with a patch at run time where wanted.",
    discussion: """
      Greedy unless --temperature is given. The same seed gives the same replies on any number of threads. With
      --patch the model computes with the rows that surgeon edit apply would write, bit for bit. Lines of FILE may hold
      messages (and tools): the model's chat template writes them, up to where it begins to answer.

      Example: surgeon generate models/llama -p "Once upon a time" --max-tokens 40 --patch calm.patch.safetensors
      """)
  static let kind = "generate"

  @Argument(help: "Checkpoint folder.")
  var model: String

  @Option(name: [.customShort("p"), .long], help: "A prompt; repeatable.")
  var prompt: [String] = []

  @OptionGroup var texts: TextFileOptions

  @OptionGroup var chats: ChatOptions

  @Option(help: "Patch to act at run time.")
  var patch: String?

  @Option(name: [.customShort("n"), .long], help: "New tokens at most.")
  var maxTokens = 64

  @Option(help: "0 takes the most likely token; 1 samples the model as it is.")
  var temperature = 0.0

  @Option(name: .customLong("top-k"), help: "Sample from the k most likely tokens.")
  var topK: Int?

  @Option(name: .customLong("top-p"), help: "Sample from the smallest set of tokens with this probability.")
  var topP: Double?

  @Option(help: "Replies for each prompt.")
  var samples = 1

  @Option(
    help: "A text whose token ends a reply, such as '\\n'; repeatable. The config's end tokens always do.")
  var stop: [String] = []

  @Option(help: "Texts continued side by side; no result depends on it.")
  var batchSize = 96

  @Flag(help: "Say what would be read, held and roughly taken, and do nothing.")
  var dryRun = false

  @OptionGroup var common: CommonOptions

  var defaultReport: String? { nil }

  func validate() throws {
    if prompt.isEmpty == (texts.file == nil) { throw ValidationError("give either -p TEXT or -f FILE") }
    if maxTokens < 1 || samples < 1 || batchSize < 1 {
      throw ValidationError("--max-tokens, --samples and --batch-size must be at least 1")
    }
    if temperature < 0 || !temperature.isFinite { throw ValidationError("--temperature must be 0 or more") }
    if let topK, topK < 1 { throw ValidationError("--top-k must be at least 1") }
    if let topP, !(0 < topP && topP <= 1) { throw ValidationError("--top-p must lie in 0…1") }
    if samples > 1 && temperature == 0 {
      throw ValidationError("--samples \(samples) without --temperature would give \(samples) equal replies")
    }
  }

  func work(_ report: inout ReportEnvelope, _ session: Session) throws {
    let opened = try OpenedModel(model, patch: patch, into: &report, session)
    let tokenizer = try opened.tokenizer(into: &report)
    let documents =
      try texts.read(keys: ["prompt", "text"], chats: true, into: &report) ?? TextDocuments(prompt)
    let prompts = try documents.prompts(try chats.template(model, into: &report)).flatMap {
      Array(repeating: $0, count: samples)
    }
    let options = GenerationOptions(
      maximumTokens: maxTokens, sampling: SamplingOptions(temperature: temperature, topK: topK, topP: topP),
      seed: common.seed, stops: try opened.stops(stop, tokenizer), batchSize: batchSize)
    if dryRun {
      return try dry(prompts.map { tokenizer.encode($0).ids.count }, opened.model, &report, session)
    }
    let generated = try opened.model.generate(
      prompts: prompts.map { tokenizer.encode($0).ids }, options: options, overlay: opened.overlay,
      progress: session.progress)
    let replies = zip(prompts, generated).map { prompt, result in
      (prompt: prompt.text, text: tokenizer.decode(result.tokens), result: result)
    }
    report.results = [
      "sampling": [
        "temperature": .number(temperature), "top_k": .optional(topK), "top_p": .optional(topP),
        "max_tokens": .integer(maxTokens), "samples": .integer(samples),
      ],
      "replies": .array(
        replies.map {
          [
            "prompt": .string($0.prompt), "reply": .string($0.text),
            "tokens": .integer($0.result.tokens.count),
            "stopped": .string($0.result.ending.rawValue),
          ]
        }),
    ]
    let tokens = generated.reduce(0) { $0 + $1.tokens.count }
    report.add(
      Metric(
        name: "reply_tokens", value: Double(tokens) / Double(replies.count), unit: "tokens", n: replies.count)
    )
    guard session.format == .csv else {
      return try session.show(
        report, heading: replies.map { "prompt: \($0.prompt)\nreply:  \($0.text)\n" }, tables: [])
    }
    var table = Table([.init("Prompt"), .init("Reply"), .init("Tokens", numeric: true), .init("Stopped")])
    for reply in replies {
      table.add([
        .text(reply.prompt), .text(reply.text), .count(reply.result.tokens.count),
        .text(reply.result.ending.rawValue),
      ])
    }
    try session.show(table)
  }
  /// What continuing prompts of some lengths would take, were every reply as long as it may be.
  private func dry(
    _ lengths: [Int], _ model: Model, _ report: inout ReportEnvelope, _ session: Session
  ) throws {
    let tokens = lengths.reduce(0, +), network = model.network
    let rows = min(lengths.count, batchSize)
    var work = WorkEstimate()
    work.addGeneration(
      of: network, prompts: Double(lengths.count), length: Double(tokens) / Double(max(1, lengths.count)),
      new: Double(maxTokens), batch: Double(batchSize), weightBytes: model.checkpoint.weightBytes)
    var run = DryRun(work, passing: tokens, through: model, writeBytes: 0, output: self.model)
    // Keys and values of every text that is continued at the same time, and its logits.
    let kept =
      2 * network.blocks * network.keyValueHeads * network.headSize * ((lengths.max() ?? 0) + maxTokens)
    run.holdBytes += 4 * rows * (kept + network.vocabulary)
    report.results = ["replies": [], "dry_run": run.json]
    try session.show(report, heading: run.lines, tables: [])
  }
}
