import Architectures
import ArgumentParser
import Evaluation
import Importance
import Reports
import Runtime
import Tokenizers
import Transformers

/// Where calibration texts come from, and how many and how long they are.
struct CalibrationOptions: ParsableArguments {
  @Option(help: "Calibration texts: .jsonl, .json (a list), or one a line.")
  var calibration: String?

  @Option(help: "Field of a calibration text in JSON objects.")
  var calibrationColumn: String?

  @Flag(help: "The whole file of calibration texts is one text.")
  var calibrationWhole = false

  @Option(help: "Stretches of the calibration texts.")
  var calibrationCount = CalibrationTexts.Options().count

  @Option(help: "Tokens of each; default: the model's context, at most 256.")
  var calibrationLength: Int?

  /// The texts' stretches, drawn by the seed; nil where none are wanted.
  func draw(
    for opened: OpenedModel, wanted: Bool, score: String, seed: UInt64, into report: inout ReportEnvelope
  ) throws -> CalibrationTexts? {
    guard let calibration else {
      if wanted { throw CalibrationError.missing(score: score) }
      return nil
    }
    guard wanted else {
      throw ProgramError.flags(
        found: "--calibration with the score \(score), which looks at weights alone",
        expected: "a score that looks at activations, or --reconstruction-error")
    }
    let tokenizer = try opened.tokenizer(into: &report)
    let documents = try TextDocuments(
      file: calibration, keys: calibrationColumn.map { [$0] } ?? ["text"], whole: calibrationWhole)
    try report.read(file: calibration, role: "calibration")
    if documents.copies > 0 {
      report.warn(
        "TEXTS_DUPLICATE", "\(documents.copies) of \(documents.texts.count) texts repeat an earlier one")
    }
    var options = CalibrationTexts.Options()
    (options.count, options.length, options.seed) = (calibrationCount, calibrationLength, seed)
    return try CalibrationTexts(
      documents.texts.map { tokenizer.encode($0).ids }, options: options,
      context: opened.model.network.contextLength)
  }
}
