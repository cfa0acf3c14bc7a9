import Architectures
import ArgumentParser
import Evaluation
import JSON
import Layers
import Reports
import Runtime
import Statistics
import Transformers

/// `surgeon perplexity MODEL -f FILE`.
struct PerplexityCommand: ReportingCommand {
  static let configuration = CommandConfiguration(
    commandName: "perplexity",
    abstract: "Perplexity of texts with the whole protocol, and KL from a reference model in the same pass.",
    discussion: """
      Total loss over total predicted tokens; a text longer than the window is cut into windows. Intervals resample
      texts, never tokens. With --reference-model or --patch, KL(reference‖model) over the full vocabulary.

      Example: surgeon perplexity models/edited -f wiki.jsonl --reference-model models/base --fail-if 'kl_mean>0.05'
      """)
  static let kind = "perplexity"

  @Argument(help: "Checkpoint folder.")
  var model: String

  @OptionGroup var texts: TextFileOptions

  @Option(help: "Checkpoint to compare with, token by token; both stay mapped.")
  var referenceModel: String?

  @Option(help: "Patch to act at run time; the model without it is the reference unless one is named.")
  var patch: String?

  @Option(
    name: [.customLong("seq-len"), .customLong("ctx-size")], help: "Tokens of a window; default: the context."
  )
  var seqLen: Int?

  @Option(help: "Tokens between the starts of windows; default: the window (no overlap).")
  var stride: Int?

  @Option(help: "Tokens of a text at most; the rest is cut off.")
  var maxTokens: Int?

  @Flag(inversion: .prefixedNo, help: "Put the tokenizer's special tokens (BOS) around texts.")
  var bos = true

  @OptionGroup var common: CommonOptions

  var defaultReport: String? { nil }

  func validate() throws {
    if texts.file == nil { throw ValidationError("give the texts with -f FILE") }
  }

  func work(_ report: inout ReportEnvelope, _ session: Session) throws {
    let opened = try OpenedModel(model, patch: patch, into: &report, session)
    let tokenizer = try opened.tokenizer(into: &report)
    guard let documents = try texts.read(keys: ["text"], into: &report) else { return }
    var options = PerplexityTest.Options()
    (options.window, options.stride, options.cut, options.addSpecialTokens) = (seqLen, stride, maxTokens, bos)
    let test = try PerplexityTest(
      documents.texts, tokenizer: tokenizer, contextLength: opened.model.network.contextLength,
      options: options)
    var (own, reference): (Model, PerplexityTest.Side?) = (opened.model, nil)
    if let referenceModel {
      let other = try OpenedModel(referenceModel, role: "reference_model", into: &report, session)
      try other.model.requireComparable(opened.model)
      let pair = try opened.alike(other.model, into: &report)
      (own, reference) = (pair.own, .init(pair.other))
    } else if patch != nil {
      reference = .init(opened.model)
    }
    let result = try test.run(
      .init(own, overlay: opened.overlay), reference: reference, progress: session.progress)
    report.add(result.perplexityMetrics(reference: reference != nil, bytes: test.bytes, seed: common.seed))
    report.results = test.json(documents, own.compute)
    report.results["kl"] = reference == nil ? .null : result.klQuantiles
    if test.skipped > 0 {
      report.warn("TEXTS_SKIPPED", "\(test.skipped) of \(test.documents) texts have no token to predict")
    }
    try session.show(report, heading: test.lines(documents), tables: [Table(metrics: report.metrics)])
  }
}

extension PerplexityTest {
  fileprivate func lines(_ documents: TextDocuments) -> [String] {
    [
      "\(Format.count(self.documents)) texts (\(documents.layout)), \(Format.count(tokens)) tokens, "
        + "\(Format.count(predicted)) predicted\(cutOff > 0 ? ", \(Format.count(cutOff)) cut off" : "")",
      "\(Format.count(windowCount)) windows of at most \(window) tokens every \(stride), "
        + "\(beginsWithBOS ? "each text begins with BOS" : "no BOS"); total loss over total predicted tokens",
    ]
  }

  fileprivate func json(_ documents: TextDocuments, _ compute: ComputeMode) -> JSONValue {
    [
      "protocol": [
        "layout": .string(documents.layout), "bos": .bool(beginsWithBOS), "window": .integer(window),
        "stride": .integer(stride), "windows": .integer(windowCount), "cut_off_tokens": .integer(cutOff),
        "average": "total loss over total predicted tokens",
        "arithmetic": .string("\(compute.rawValue), sums in f64"),
        "skipped_documents": .integer(skipped), "repeated_documents": .integer(documents.copies),
      ],
      "documents": .integer(self.documents), "tokens": .integer(predicted),
    ]
  }
}

extension Divergence {
  fileprivate var klQuantiles: JSONValue {
    [
      "mean": .number(meanKL), "median": .number(klQuantile(0.5)), "p90": .number(klQuantile(0.9)),
      "p99": .number(klQuantile(0.99)), "p999": .number(klQuantile(0.999)), "maximum": .number(klQuantile(1)),
    ]
  }
}
