import JSON
import Probing
import Runtime
import Statistics

/// The rule that labels a grid's cells, with the accuracy that was measured for it; or why there are no labels.
public struct Labels: Sendable, Equatable {
  /// The thresholds; also there where they must not label.
  public let rule: RegimeRule?
  /// Share of cells that the rule was right about where it was not fitted, with its interval.
  public let accuracy: Metric?
  /// The calibration, where one was made here.
  public let calibration: RuleCalibration?
  /// Where thresholds and accuracy are from.
  public let source: String
  /// Why cells are "uncalibrated"; nil where they are labelled.
  public let objection: String?

  /// The labels of a grid by its plan's rule.
  /// - Throws: ``RegimesError/badTable(file:problem:expected:)``, ``FileError``.
  public init(_ grid: Grid) throws {
    switch grid.plan.rule {
    case .grid where grid.plan.isGiven:
      self.init(
        rule: nil, accuracy: nil, calibration: nil, source: "none",
        objection: "given checkpoints have no order of temperature, which a rule is fitted to")
    case .grid:
      self.init(
        RuleCalibration(grid.calibrationCells), source: "this grid, cross-validated over its densities")
    case .table(let file):
      self.init(
        RuleCalibration(try Self.cells(file)),
        source: "\(Files.name(of: file)), cross-validated over its groups")
    case .stated(let rule, let share, let cells, let source):
      let right = Int((share * Double(cells)).rounded())
      self.init(
        rule: rule,
        accuracy: Wilson.metric("rule_accuracy", successes: right, total: cells, higherIsBetter: true),
        calibration: nil, source: source, objection: nil)
    }
  }

  private init(_ calibration: RuleCalibration?, source: String) {
    let nothing = "no cell has a connectivity and a similarity"
    self.init(
      rule: calibration?.rule, accuracy: calibration?.accuracy, calibration: calibration, source: source,
      objection: calibration == nil ? nothing : calibration?.objection)
  }

  private init(
    rule: RegimeRule?, accuracy: Metric?, calibration: RuleCalibration?, source: String, objection: String?
  ) {
    (self.rule, self.accuracy, self.calibration) = (rule, accuracy, calibration)
    (self.source, self.objection) = (source, objection)
  }

  /// The regime of a cell; nil where it is uncalibrated.
  public func regime(_ cell: Grid.Cell) -> Regime? {
    guard objection == nil, let rule, let similarity = cell.similarity else { return nil }
    return rule.regime(connectivity: cell.connectivity, similarity: similarity)
  }

  /// Reads a table of cells: the columns `connectivity`, `similarity`, `move` (raise, lower or stay) and `group`, any others beside.
  /// - Throws: ``RegimesError/badTable(file:problem:expected:)``, ``ProbingError``, ``FileError``.
  static func cells(_ file: String) throws -> [RuleCalibration.Cell] {
    let records = try CSVReader.records(Files.read(file), file: file)
    func bad(_ problem: String, _ expected: String) -> RegimesError {
      .badTable(file: file, problem: problem, expected: expected)
    }
    guard let heading = records.first?.fields, records.count > 1 else {
      throw bad("no rows", "a heading and cells")
    }
    let places = try ["connectivity", "similarity", "move", "group"].map { name in
      guard let place = heading.firstIndex(of: name) else {
        throw bad("no column \(name)", "a column \(name)")
      }
      return place
    }
    return try records.dropFirst().map { record in
      let fields = record.fields
      guard fields.count == heading.count else {
        throw bad("\(fields.count) fields in line \(record.line)", "\(heading.count) as in the heading")
      }
      guard let connectivity = Double(fields[places[0]]), let similarity = Double(fields[places[1]]),
        connectivity.isFinite, similarity.isFinite
      else { throw bad("no numbers in line \(record.line)", "connectivity and similarity as numbers") }
      guard let move = TemperatureMove(rawValue: fields[places[2]]) else {
        throw bad(
          "the move “\(fields[places[2]])” in line \(record.line)",
          TemperatureMove.allCases.map(\.rawValue).joined(separator: ", "))
      }
      return RuleCalibration.Cell(
        connectivity: connectivity, similarity: similarity, move: move, group: fields[places[3]])
    }
  }
}
