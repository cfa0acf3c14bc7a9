import Runtime
import Statistics
import TestSupport
import Testing

@testable import Regimes

/// Thresholds that are found again, and rules that must not label.
@Suite struct RuleCalibrationTests {
  private typealias Cell = RuleCalibration.Cell

  /// Moves that follow from thresholds −0.1 and 0.8, in five groups.
  private func separable(flipped: Set<Int> = []) -> [RuleCalibration.Cell] {
    let truth = RegimeRule(connectivity: -0.1, similarity: 0.8)
    return (0..<40).map { index in
      let connectivity = -0.3 + 0.37 * Double(index % 10) / 10,
        similarity = 0.6 + 0.39 * Double(index % 7) / 7
      let move = truth.regime(connectivity: connectivity, similarity: similarity).move
      return Cell(
        connectivity: connectivity, similarity: similarity,
        move: flipped.contains(index) ? (move == .stay ? .raise : .stay) : move, group: "\(index / 8)")
    }
  }

  @Test func findsThresholds() throws {
    let found = try #require(RuleCalibration(separable()))
    #expect(found.objection == nil && found.fitted == 1)
    #expect(found.rule.connectivity > -0.152 && found.rule.connectivity < -0.07)
    #expect(found.rule.similarity > 0.76 && found.rule.similarity < 0.83)
    let accuracy = try #require(found.accuracy.value)
    #expect(accuracy > 0.85 && found.baseline < 0.65 && found.accuracy.n == 40)
    #expect(found.confusion.joined().reduce(0, +) == 40)
    let right = found.confusion.indices.reduce(0) { $0 + found.confusion[$1][$1] }
    #expect(abs(Double(right) / 40 - accuracy) < 1e-12)
  }

  @Test func whatIsNotLearntMustNotLabel() throws {
    // Moves that have nothing to do with the numbers.
    var random = CounterRandom(seed: 8)
    let noise = separable().map { cell in
      var cell = cell
      cell.move = TemperatureMove.allCases[random.below(3)]
      return cell
    }
    let found = try #require(RuleCalibration(noise))
    #expect(found.objection?.contains("commonest") == true)
    // The fitted rule flatters itself.
    #expect(found.fitted > (found.accuracy.value ?? 1))
    let few = try #require(RuleCalibration(Array(separable().prefix(11))))
    #expect(few.objection == "11 cells; a calibration needs 12")
    let narrow = separable().filter { $0.group < "2" }
    #expect(RuleCalibration(narrow)?.objection == "2 densities; a calibration needs 3")
    let same = separable().map {
      Cell(connectivity: $0.connectivity, similarity: $0.similarity, move: .raise, group: $0.group)
    }
    #expect(RuleCalibration(same)?.objection?.contains("same in every cell") == true)
    #expect(RuleCalibration([]) == nil)
  }

  @Test func regimesAndMoves() {
    let rule = RegimeRule(connectivity: -0.05, similarity: 0.9)
    #expect(rule.regime(connectivity: -0.2, similarity: 0.99) == .one && Regime.one.move == .raise)
    #expect(rule.regime(connectivity: 0, similarity: 0.5) == .twoA && Regime.twoA.move == .lower)
    #expect(rule.regime(connectivity: -0.05, similarity: 0.9) == .twoB && Regime.twoB.move == .stay)
  }

  @Test func tables() throws {
    let folder = try TemporaryFolder()
    let lines = separable().map { "\($0.connectivity),x,\($0.similarity),\($0.move.rawValue),\($0.group)\n" }
    let path = folder.file("cells.csv")
    try Files.write("connectivity,other,similarity,move,group\n" + lines.joined(), to: path)
    #expect(try Labels.cells(path) == separable())
    for bad in [
      "connectivity,similarity,move\n1,1,stay\n", "connectivity,similarity,move,group\n",
      "connectivity,similarity,move,group\nx,1,stay,a\n", "connectivity,similarity,move,group\n0,1,up,a\n",
      "connectivity,similarity,move,group\n0,1,stay\n",
    ] {
      try Files.write(bad, to: path)
      #expect(throws: RegimesError.self) { try Labels.cells(path) }
    }
  }
}
