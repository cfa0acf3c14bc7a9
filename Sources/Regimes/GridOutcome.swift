import JSON
import Statistics

/// A measured grid with its labels, phenomena and choices: what reports and pages show.
public struct GridOutcome: Sendable {
  /// The measurements.
  public let grid: Grid
  /// The rule, and whether it may label.
  public let labels: Labels
  /// Which published phenomena appear.
  public let phenomena: [Phenomenon]
  /// Which dense network to prune; empty where it was not asked.
  public let choices: [Choice]
  /// The connectivity from which siblings count as connected in ``choices``, and whether it was calibrated.
  public let threshold: (value: Double, isCalibrated: Bool)

  /// What follows from measurements.
  /// - Throws: ``RegimesError/badTable(file:problem:expected:)``, ``FileError``.
  public init(_ grid: Grid) throws {
    self.grid = grid
    let labels = try Labels(grid)
    self.labels = labels
    phenomena = Phenomenon.all(grid)
    let rule = labels.objection == nil ? labels.rule : nil
    threshold = (rule?.connectivity ?? grid.plan.barrier, rule != nil)
    let asked = grid.plan.questions.contains(.checkpoint) || grid.plan.questions.contains(.radius)
    choices = asked ? Choice.all(grid, threshold: threshold.value) : []
  }

  /// One line a cell, with the columns that a rule's calibration reads.
  var table: String {
    // Moves are along an order of temperature, which given checkpoints have not.
    let isGiven = grid.plan.isGiven
    let first = isGiven ? RegimePlan.givenKnob : "temperature"
    var text =
      "\(first),density,test_error,train_error,connectivity,similarity,regime,\(isGiven ? "" : "move,")group\n"
    for temperature in grid.plan.temperatures.indices {
      for density in grid.plan.densities.indices {
        let cell = grid.cells[temperature][density]
        guard let similarity = cell.similarity else { continue }
        var fields = [
          "\(grid.plan.temperatures[temperature])", "\(grid.plan.densities[density])", "\(cell.testError)",
          "\(cell.trainError)", "\(cell.connectivity)", "\(similarity)",
          labels.regime(cell)?.rawValue ?? "uncalibrated",
        ]
        if !isGiven { fields.append(grid.bestMove(temperature: temperature, density: density).rawValue) }
        fields.append("\(grid.plan.densities[density])")
        text += fields.joined(separator: ",") + "\n"
      }
    }
    return text
  }
}
