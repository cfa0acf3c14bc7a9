import JSON
import Probing
import Recipes
import Runtime
import Statistics

/// What a finished operation says: fresh from its stages, or read back from a run folder whose files are unchanged.
public struct FinishedOperation {
  /// One question with its answer.
  public struct Answer {
    /// The question.
    public var question: String
    /// Whether its limit holds; nil where nothing was asked of it.
    public var passed: Bool?
    /// What was measured, in words.
    public var detail: String
  }

  /// In the shape of `surgeon schema operate`.
  public let results: JSONValue
  /// The report's metrics.
  public let metrics: [Metric]
  /// Files that were checked against their sums, where the run was finished before.
  public let verifiedFiles: Int?

  init(results: JSONValue, metrics: [Metric]) {
    self.results = results
    self.metrics = metrics
    verifiedFiles = nil
  }

  /// Reads a finished run back, after checking every file against its sum.
  /// - Throws: ``RecipeError/changed(file:)``, ``JSONError``, ``FileError``.
  public init(verifying folder: RunFolder) throws {
    verifiedFiles = try folder.verifySums()
    results = try JSONValue(file: folder.file("results.json"))
    metrics = try MetricsFile.read(folder.file("metrics.csv"))
  }

  /// The questions in order.
  public var answers: [Answer] {
    (results["question_answers"]?.array ?? []).map {
      Answer(
        question: $0["question"]?.string ?? "", passed: $0["passed"]?.bool, detail: $0["detail"]?.string ?? ""
      )
    }
  }
}

/// The table of metrics of a run folder, `metrics.csv`.
enum MetricsFile {
  private static let header = "name,value,lower,upper,level,method,unit,n,higher_is_better"

  /// - Throws: ``FileError``.
  static func write(_ metrics: [Metric], to path: String) throws {
    var text = header + "\n"
    for metric in metrics {
      let interval = metric.interval
      let numbers = [metric.value, interval?.lower, interval?.upper, interval?.level].map {
        $0?.description ?? ""
      }
      let fields =
        [metric.name] + numbers
        + [
          interval?.method ?? "", metric.unit, String(metric.n), metric.higherIsBetter.map(String.init) ?? "",
        ]
      // What an interval's method says may hold commas.
      text += fields.map { $0.contains(",") ? "\"\($0)\"" : $0 }.joined(separator: ",") + "\n"
    }
    try Files.write(text, to: path)
  }

  /// - Throws: ``FileError``, ``ProbingError``, ``RecipeError/changed(file:)`` for a table of another shape.
  static func read(_ path: String) throws -> [Metric] {
    let records = try CSVReader.records(Files.read(path), file: path)
    guard records.first?.fields.joined(separator: ",") == header else {
      throw RecipeError.changed(file: path)
    }
    return try records.dropFirst().map { record in
      let fields = record.fields
      guard fields.count == 9, let n = Int(fields[7]) else { throw RecipeError.changed(file: path) }
      var interval: Interval?
      if let lower = Double(fields[2]), let upper = Double(fields[3]), let level = Double(fields[4]) {
        interval = Interval(lower: lower, upper: upper, level: level, method: fields[5])
      }
      return Metric(
        name: fields[0], value: Double(fields[1]), unit: fields[6], n: n, higherIsBetter: Bool(fields[8]),
        interval: interval)
    }
  }
}
