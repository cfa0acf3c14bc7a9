import Architectures
import ArgumentParser
import Evaluation
import JSON
import Probing
import Reports
import Runtime
import Transformers

/// `surgeon probe score MODEL --probe P -p TEXT | -f FILE`.
struct ProbeScoreCommand: ReportingCommand {
  static let configuration = CommandConfiguration(
    commandName: "score",
    abstract: "A probe's score of texts: logit and probability of the behaviour.",
    discussion: """
      JSON objects may carry a prompt beside the text, for poolings by the reply, or messages of a chat.

      Example: surgeon probe score models/llama --probe probe -f replies.jsonl --format csv
      """)
  static let kind = "probe.score"

  @Argument(help: "Checkpoint folder.")
  var model: String

  @Option(help: "The probe's folder.")
  var probe: String

  @Option(name: [.customShort("p"), .customLong("prompt")], help: "A text; repeatable.")
  var text: [String] = []

  @OptionGroup var texts: TextFileOptions

  @OptionGroup var chats: ChatOptions

  @Option(help: "Patch to act at run time.")
  var patch: String?

  @OptionGroup var common: CommonOptions

  var defaultReport: String? { nil }

  func validate() throws {
    if text.isEmpty == (texts.file == nil) { throw ValidationError("give either -p TEXT or -f FILE") }
  }

  func work(_ report: inout ReportEnvelope, _ session: Session) throws {
    let probe = try ProbeFile.read(self.probe)
    try report.read(probe: self.probe)
    let opened = try OpenedModel(model, patch: patch, into: &report, session)
    try report.check(probe, belongsTo: opened.model)
    let tokenizer = try opened.tokenizer(into: &report)
    let documents = try texts.read(keys: ["text"], chats: true, into: &report) ?? TextDocuments(text)
    let encoded = try documents.encoded(
      opened, tokenizer, chats, maximumTokens: opened.model.network.contextLength, into: &report)
    let logits = try probe.logits(opened.model, encoded, overlay: opened.overlay, progress: session.progress)
    var table = Table([
      .init("Text"), .init("Logit", key: "score", numeric: true), .init("Probability", numeric: true),
      .init("Id"),
    ])
    var scores: [JSONValue] = []
    for (document, logit) in zip(documents.documents, logits) {
      let probability = probe.probability(logit)
      scores.append([
        "id": .string(document.id), "text": .string(document.text), "score": .number(logit),
        "probability": .number(probability),
      ])
      let shown = TerminalText.cut(document.text, to: 60)
      table.add([
        Table.Cell(shown, value: .string(document.text)), .fixed(logit, 3), .percent(probability),
        .text(document.id),
      ])
    }
    report.results = ["texts": .integer(scores.count), "scores": .array(scores)]
    try session.show(
      report, heading: ["\(probe.name): \(probe.kind) at \(probe.site), pooling \(probe.pooling)"],
      tables: [table])
  }
}
