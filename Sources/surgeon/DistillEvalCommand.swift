import ArgumentParser
import Distillation
import JSON
import Reports
import Runtime
import Statistics

/// `surgeon distill eval FILE`.
struct DistillEvalCommand: ReportingCommand {
  static let configuration = CommandConfiguration(
    commandName: "eval",
    abstract: "Error, NLL, calibration and risk–coverage of any table of logits and labels.",
    discussion: """
      FILE is .safetensors (logits [n, K], labels [n]), .csv (a label column, one column a class) or .npy with
      --labels, or the answers that evaluate --predictions wrote (next tokens of a language model). Intervals resample items. --fit-temperature takes one temperature from validation answers and scores
      the scaled answers beside the given ones; --against scores another table of the same items, paired.

      Example: surgeon distill eval test.csv --fit-temperature validation.csv --against base.csv
      Example: surgeon evaluate edited -f wiki.jsonl --predictions edited.safetensors && surgeon distill eval \\
      edited.safetensors --against base.safetensors
      """)
  static let kind = "distill.eval"

  @Argument(help: "Table of logits, or answers.")
  var file: String

  @Option(help: ".npy with one whole number an item: the true classes, from 0.")
  var labels: String?

  @Option(help: "Column of the true classes in a CSV.")
  var labelColumn = "label"

  @Option(
    help: "Columns of a CSV that are logits, in the order of the classes; default: all but the label's.")
  var columns: String?

  @Option(
    help: "What the numbers are: logits or probabilities. Default: what a safetensors file says, or logits.")
  var values: String?

  @Option(help: "Temperature to divide the logits by.")
  var temperature: Double?

  @Option(help: "Validation table to fit the temperature on.")
  var fitTemperature: String?

  @Option(help: ".npy with the true classes of the validation table.")
  var fitLabels: String?

  @Option(help: "Another table of the same items to compare with, item by item.")
  var against: String?

  @Option(help: "Resamples of the bootstrap.")
  var resamples = 1000

  @OptionGroup var common: CommonOptions

  var defaultReport: String? { nil }

  func validate() throws {
    if temperature != nil, fitTemperature != nil {
      throw ValidationError("give either --temperature or --fit-temperature")
    }
    if let temperature, !(temperature > 0 && temperature.isFinite) {
      throw ValidationError("--temperature must be above 0")
    }
    if let values, LogitTable.Values(rawValue: values) == nil {
      throw ValidationError("--values \(values): logits or probabilities")
    }
    if resamples < 1 { throw ValidationError("--resamples must be at least 1") }
  }

  /// The answers of a file, with its table of logits where it holds them.
  private func read(_ path: String, labels: String?, into report: inout ReportEnvelope) throws -> Answers {
    if try ClassPredictions.isFile(path) {
      try report.read(file: path, role: "answers")
      return Answers(predictions: try ClassPredictions(reading: path), table: nil)
    }
    let table = try readTable(path, labels: labels, into: &report)
    return Answers(predictions: table.predictions(), table: table)
  }

  private struct Answers {
    let predictions: ClassPredictions
    let table: LogitTable?

    /// The logits, for a temperature.
    func scalable(_ path: String) throws -> LogitTable {
      guard let table else {
        throw ProgramError.flags(
          found: "a temperature for \(path), which holds answers without logits",
          expected: "a table of logits, or no temperature")
      }
      return table
    }
  }

  private func readTable(_ path: String, labels: String?, into report: inout ReportEnvelope) throws
    -> LogitTable
  {
    try report.read(file: path, role: "logits")
    if let labels { try report.read(file: labels, role: "labels") }
    return try LogitTable(
      reading: path, labels: labels, labelColumn: labelColumn,
      columns: columns?.split(separator: ",").map(String.init),
      values: values.flatMap(LogitTable.Values.init))
  }

  func work(_ report: inout ReportEnvelope, _ session: Session) throws {
    let answers = try read(file, labels: labels, into: &report)
    let given = answers.predictions
    var scale = temperature
    if let fitTemperature {
      let validation = try readTable(fitTemperature, labels: fitLabels ?? labels, into: &report)
      guard validation.classes == given.classes else {
        throw DistillationError.otherItems(
          first: fitTemperature, second: file,
          problem: "\(validation.classes) and \(given.classes) classes")
      }
      scale = try TemperatureScaling.fit(validation)
    }
    let plan = Bootstrap(count: given.count, resamples: resamples, seed: common.seed)
    let asGiven = ClassScores(given)
    report.add(asGiven.metrics(plan))
    var results: JSONValue = [
      "items": .integer(given.count), "classes": .integer(given.classes),
      "values": .string(answers.table?.values.rawValue ?? "answers"),
      "temperature": .optional(scale), "as_given": asGiven.json, "scaled": .null, "against": .null,
    ]
    if let scale {
      let scaled = ClassScores(try answers.scalable(file).predictions(temperature: scale))
      report.add(scaled.metrics(plan, prefix: "scaled_"))
      results["scaled"] = scaled.json
    }
    if let against {
      let other = try read(against, labels: labels, into: &report)
      guard other.predictions.labels == given.labels else {
        throw DistillationError.otherItems(first: file, second: against, problem: "different labels")
      }
      let comparison = ClassComparison(asGiven, ClassScores(other.predictions))
      report.add(comparison.metrics(plan))
      results["against"] = comparison.json(file: against)
    }
    report.results = results
    var lines = [
      "\(Format.count(given.count)) items, \(Format.count(given.classes)) classes "
        + "(\(answers.table?.values.rawValue ?? "answers"))"
    ]
    if let scale {
      let origin = fitTemperature.map { "fitted on \($0)" } ?? "as given"
      lines.append(
        "temperature \(Format.significant(scale, 4)), \(origin): scaled_… are the answers divided by it")
    }
    if against != nil { lines.append("difference_…: this table minus \(against ?? ""), paired over items") }
    try session.show(report, heading: lines, tables: [Table(metrics: report.metrics)])
  }
}

extension ClassComparison {
  fileprivate func metrics(_ plan: Bootstrap) -> [Metric] {
    ClassScores.Name.allCases.compactMap { name in
      guard let difference = difference(name) else { return nil }
      return Metric(
        name: "difference_" + name.rawValue, value: difference, unit: name.unit,
        n: first.predictions.count, higherIsBetter: name == .overconfidence ? nil : false,
        interval: plan.difference({ first.value(name, weights: $0) }, { second.value(name, weights: $0) }))
    }
  }

  fileprivate func json(file: String) -> JSONValue {
    [
      "file": .string(file),
      "mcnemar": [
        "only_first_right": .integer(mcNemar.onlyFirst), "only_second_right": .integer(mcNemar.onlySecond),
        "mid_p": .number(mcNemar.midP),
      ],
    ]
  }
}
