import Architectures
import ArgumentParser
import JSON
import OrderedCollections
import Probing
import Reports
import Runtime
import Statistics
import Transformers

/// `surgeon probe eval MODEL --probe P -f FILE`.
struct ProbeEvalCommand: ReportingCommand {
  static let configuration = CommandConfiguration(
    commandName: "eval",
    abstract: "A probe on labelled texts it was not fitted on: AUROC, accuracy, calibration, with intervals.",
    discussion: """
      Intervals resample groups. Texts that the probe was trained on are named in a warning.

      Example: surgeon probe eval models/llama --probe probe -f other.jsonl --fail-if 'auroc<0.9'
      """)
  static let kind = "probe.eval"

  @Argument(help: "Checkpoint folder.")
  var model: String

  @Option(help: "The probe's folder.")
  var probe: String

  @OptionGroup var texts: LabelledTextOptions

  @OptionGroup var chats: ChatOptions

  @Option(help: "Patch to act at run time.")
  var patch: String?

  @Option(help: "Write label and logit of every text here (.csv), as distill eval reads them.")
  var predictions: String?

  @OptionGroup var common: CommonOptions

  var defaultReport: String? { nil }

  func work(_ report: inout ReportEnvelope, _ session: Session) throws {
    let probe = try ProbeFile.read(self.probe)
    try report.read(probe: self.probe)
    let labelled = try texts.read(into: &report)
    let opened = try OpenedModel(model, patch: patch, into: &report, session)
    try report.check(probe, belongsTo: opened.model)
    if probe.provenance["texts"]?["sha256"]?.string == labelled.sha256 {
      report.warn(
        "TRAINED_ON", "the probe was trained on these very texts: the numbers say nothing about others")
    }
    let tokenizer = try opened.tokenizer(into: &report)
    let encoded = try EncodedText.all(
      labelled.texts, tokenizer: tokenizer, template: try chats.template(labelled, model, into: &report),
      maximumTokens: opened.model.network.contextLength)
    let logits = try probe.logits(opened.model, encoded, overlay: opened.overlay, progress: session.progress)
    report.add(
      ProbeMetrics.of(
        logits: logits, labels: labelled.labels, groups: labelled.groups, resamples: 1000, seed: common.seed))
    if let predictions {
      var table = Table([.init("Label", numeric: true), .init("Logit", numeric: true)])
      for (label, logit) in zip(labelled.labels, logits) {
        table.add([.count(label ? 1 : 0), .fixed(logit, 6)])
      }
      try Files.write(table.csv(), to: predictions)
      try report.wrote(file: predictions, role: "predictions")
    }
    report.results = [
      "texts": .integer(labelled.texts.count), "site": .string(probe.site), "kind": .string(probe.kind),
      "pooling": .string(probe.pooling), "groups": [],
    ]
    try session.show(
      report, heading: ["\(probe.name): \(probe.kind) at \(probe.site), pooling \(probe.pooling)"],
      tables: [Table(metrics: report.metrics)])
  }
}
