import Architectures
import ArgumentParser
import Checkpoints
import Distillation
import Evaluation
import JSON
import Reports
import Runtime
import Statistics
import Tokenizers
import Transformers

/// `surgeon evaluate MODEL --tasks … | -f FILE`.
struct EvaluateCommand: ReportingCommand {
  static let configuration = CommandConfiguration(
    commandName: "evaluate",
    abstract: "Multiple-choice tasks from local files, and calibration of next-token predictions on texts.",
    discussion: """
      A task is NAME=FILE, or a file or folder whose name says which task it is (surgeon ls tasks). The pick is the choice
      with the largest log-likelihood after the question: acc by the sum, acc_norm by the sum a character. WinoGrande
      scores what follows the blank. On texts: loss, perplexity, expected calibration error in 10 and 15 bins, Brier score
      of the top prediction, reliability diagram. -o DIR writes every question's scores (samples_NAME.jsonl) and the
      results under lm-eval's keys (results.json).

      Example: surgeon evaluate models/llama --tasks data/ARC-Easy winogrande=w.jsonl -f wiki.jsonl -o eval
      """)
  static let kind = "evaluate"

  @Argument(help: "Checkpoint folder.")
  var model: String

  @Option(
    parsing: .upToNextOption,
    help: "Tasks: NAME=FILE, or a file or folder named after the task; JSON Lines or a JSON list.")
  var tasks: [String] = []

  @OptionGroup var texts: TextFileOptions

  @Option(help: "Patch to act at run time.")
  var patch: String?

  @Option(help: "Solved questions of the same file before each question; never itself.")
  var shots = 0

  @Flag(help: "Cut questions that are longer than the context at their beginning, as lm-eval does.")
  var truncate = false

  @Option(
    name: [.customLong("seq-len"), .customLong("ctx-size")],
    help: "Tokens of a window of the texts; default: the context.")
  var seqLen: Int?

  @Option(help: "Tokens between the starts of windows; default: the window (no overlap).")
  var stride: Int?

  @Option(help: "Tokens of a text at most; the rest is cut off.")
  var maxTokens: Int?

  @Flag(inversion: .prefixedNo, help: "Put the tokenizer's special tokens (BOS) around texts.")
  var bos = true

  @Option(name: .shortAndLong, help: "Folder of the report, every question's scores, and lm-eval's keys.")
  var output: String?

  @Option(
    help:
      "Write every next-token prediction of the texts here (.safetensors, 48 bytes a token): distill eval reads it."
  )
  var predictions: String?

  @Flag(help: "Say what would be read and how many tokens would run; do nothing.")
  var dryRun = false

  @OptionGroup var common: CommonOptions

  var defaultReport: String? { dryRun ? nil : output.map { ReportWriter.path(inside: $0) } }

  func validate() throws {
    if tasks.isEmpty && texts.file == nil {
      throw ValidationError("give tasks with --tasks, texts with -f FILE, or both")
    }
    if predictions != nil, texts.file == nil { throw ValidationError("--predictions are those of -f FILE") }
    if shots < 0 { throw ValidationError("--shots must be 0 or more") }
  }

  func work(_ report: inout ReportEnvelope, _ session: Session) throws {
    let opened = try OpenedModel(model, patch: patch, into: &report, session)
    try opened.model.requireHead()
    let tokenizer = try opened.tokenizer(into: &report)
    let tests = try taskTests(opened, tokenizer, into: &report)
    let documents = try texts.read(keys: ["text"], into: &report)
    let test = try documents.map { try perplexityTest($0, opened, tokenizer) }
    if dryRun {
      let tokens = tests.reduce(test?.tokens ?? 0) { $0 + $1.tokens }
      // Questions are short, windows of texts are as long as the model takes.
      var work = WorkEstimate(
        passing: tokens - (test?.tokens ?? 0), in: max(1, (tokens - (test?.tokens ?? 0)) / 64),
        through: opened.model, logits: true)
      work.addPass(
        test?.tokens ?? 0, in: test?.windowCount ?? 0,
        through: opened.model, logits: true)
      let run = DryRun(
        work, passing: tokens, through: opened.model,
        writeBytes: output == nil ? 0 : tests.reduce(0) { $0 + $1.file.items.count * 1024 },
        output: output ?? model)
      report.results = ["tasks": [], "texts": nil, "dry_run": run.json]
      return try session.show(
        report, heading: run.lines + ["\(Format.count(tokens)) tokens would run"], tables: [])
    }
    if let output { try Files.makeFolder(output) }
    var runs: [(test: MultipleChoiceTest, result: MultipleChoiceResult)] = []
    for test in tests {
      runs.append((test, try test.run(opened.model, overlay: opened.overlay, progress: session.progress)))
    }
    report.add(runs.flatMap(\.result.metrics))
    var calibration: NextTokenCalibration?
    if let test {
      let found = try NextTokenCalibration(
        test, .init(opened.model, overlay: opened.overlay), keeping: predictions != nil,
        progress: session.progress)
      if let predictions {
        try found.predictions?.write(to: predictions)
        try report.wrote(file: predictions, role: "predictions")
      }
      report.add(
        found.divergence.perplexityMetrics(reference: false, bytes: test.bytes, seed: common.seed)
          .filter { $0.name == "perplexity" || $0.name == "bits_per_byte" })
      report.add(found.metrics(seed: common.seed))
      calibration = found
    }
    report.results = [
      "tasks": .array(runs.map { $0.test.json($0.result) }),
      "texts": calibration.flatMap { calibration in test.map { calibration.json($0) } } ?? .null,
    ]
    if let output { try write(runs, to: output, into: &report) }
    try session.show(
      report, heading: runs.map { $0.test.line($0.result) },
      tables: [
        Self.table(runs),
        Table(
          metrics: report.metrics.filter { !$0.name.hasSuffix("_acc") && !$0.name.hasSuffix("_acc_norm") }),
      ]
      .filter { !$0.rows.isEmpty })
  }

  /// Reads the tasks and encodes their questions.
  private func taskTests(
    _ opened: OpenedModel, _ tokenizer: Tokenizer, into report: inout ReportEnvelope
  ) throws -> [MultipleChoiceTest] {
    var options = MultipleChoiceTest.Options()
    (options.shots, options.seed, options.truncates) = (shots, common.seed, truncate)
    var tests: [MultipleChoiceTest] = []
    for text in tasks {
      let file = try TaskFile(argument: text, limit: texts.limit)
      guard !tests.contains(where: { $0.file.kind == file.kind }) else {
        throw ProgramError.flags(found: "the task \(file.kind.name) twice", expected: "each task once")
      }
      try report.read(file: file.path, role: "task")
      let test = try MultipleChoiceTest(
        file, tokenizer: tokenizer, contextLength: opened.model.network.contextLength, options: options)
      if test.truncated > 0 {
        report.warn(
          "QUESTIONS_TRUNCATED",
          "\(test.truncated) questions of \(file.kind.name) were cut at their beginning to fit the context")
      }
      tests.append(test)
    }
    return tests
  }

  private func perplexityTest(_ documents: TextDocuments, _ opened: OpenedModel, _ tokenizer: Tokenizer)
    throws
    -> PerplexityTest
  {
    var options = PerplexityTest.Options()
    (options.window, options.stride, options.cut, options.addSpecialTokens) = (seqLen, stride, maxTokens, bos)
    return try PerplexityTest(
      documents.texts, tokenizer: tokenizer, contextLength: opened.model.network.contextLength,
      options: options)
  }

  /// Writes every question's scores and the results under lm-eval's keys.
  private func write(
    _ runs: [(test: MultipleChoiceTest, result: MultipleChoiceResult)], to folder: String,
    into report: inout ReportEnvelope
  ) throws {
    guard !runs.isEmpty else { return }
    for (_, result) in runs {
      let path = "\(folder)/samples_\(result.kind.name).jsonl"
      try Files.write(try result.samples.map { try $0.text() + "\n" }.joined(), to: path)
      try report.wrote(file: path, role: "samples")
    }
    let path = "\(folder)/results.json"
    let value = TaskExport.value(
      runs, model: model,
      config: [
        "limit": .optional(texts.limit), "random_seed": .integer(common.seed), "batch_size": "auto",
        "patch": .optional(patch),
      ])
    try Files.write(try value.text(.pretty), to: path)
    try report.wrote(file: path, role: "lm_eval_results")
  }

  private static func table(_ runs: [(test: MultipleChoiceTest, result: MultipleChoiceResult)]) -> Table {
    var table = Table([
      .init("Task"), .init("Metric"), .init("Value", numeric: true), .init("Standard error", numeric: true),
      .init("Interval"), .init("Chance", numeric: true), .init("Questions", numeric: true),
    ])
    for (_, result) in runs {
      for (metric, accuracy) in zip(result.metrics, result.accuracies) {
        table.add([
          .text(result.kind.name), .text(accuracy.name), .percent(accuracy.accuracy.value, 2),
          .percent(accuracy.accuracy.standardError, 2),
          .text(metric.interval.map { "\(Format.percent($0.lower)) … \(Format.percent($0.upper))" }),
          .percent(result.chance, 1), .count(accuracy.accuracy.count),
        ])
      }
    }
    return table
  }
}

extension MultipleChoiceTest {
  fileprivate func line(_ result: MultipleChoiceResult) -> String {
    "\(file.kind.name): \(Format.count(file.items.count)) of \(Format.count(file.total)) questions "
      + "(\(file.layout)), \(options.shots) shots, \(Format.count(predicted)) scored tokens; usually quoted: "
      + file.kind.headline
  }

  fileprivate func json(_ result: MultipleChoiceResult) -> JSONValue {
    var json: JSONValue = [
      "name": .string(file.kind.name), "path": .string(file.path), "layout": .string(file.layout),
      "questions": .integer(file.items.count), "questions_in_file": .integer(file.total),
      "shots": .integer(options.shots), "truncated": .integer(truncated),
      "headline": .string(file.kind.headline),
      "chance": .number(result.chance), "scored_tokens": .integer(predicted),
    ]
    for (name, accuracy) in result.accuracies {
      json[name] = .number(accuracy.value)
      json[name + "_stderr"] = .optional(accuracy.standardError)
    }
    return json
  }
}

extension NextTokenCalibration {
  fileprivate func json(_ test: PerplexityTest) -> JSONValue {
    [
      "protocol": [
        "bos": .bool(test.beginsWithBOS), "window": .integer(test.window), "stride": .integer(test.stride),
        "windows": .integer(test.windowCount), "cut_off_tokens": .integer(test.cutOff),
        "average": "total loss over total predicted tokens", "arithmetic": "f32, sums in f64",
        "skipped_documents": .integer(test.skipped),
      ],
      "documents": .integer(test.documents), "tokens": .integer(test.predicted),
      "reliability": [
        "bins_10": .array(tenths.diagram.map(\.json)), "bins_15": .array(fifteenths.diagram.map(\.json)),
      ],
    ]
  }
}

extension Calibration.Bin {
  fileprivate var json: JSONValue {
    [
      "lower": .number(lower), "upper": .number(upper), "count": .integer(Int(count)),
      "confidence": .optional(confidence), "accuracy": .optional(frequency),
    ]
  }
}
