import Layers
import LinearAlgebra
import Runtime
import Tensors
import TestSupport
import Testing

@testable import Architectures
@testable import Importance

@Suite struct ScoreTests {
  @Test func everyScoreIsInTheRegistryOnce() throws {
    #expect(Set(ScoreKind.all.map(\.name)).count == ScoreKind.all.count)
    for kind in ScoreKind.all { #expect(try ScoreKind.named(kind.name).summary == kind.summary) }
  }

  @Test(arguments: [DType.f32, .f16, .bf16]) func lampFollowsItsFormula(_ dtype: DType) throws {
    for levels in [nil, 3] as [Float?] {
      let matrix = Matrices.make(
        Matrices.normal(15 * 40, seed: 11, levels: levels), 15, 40, dtype, transposed: true)
      let weights = matrix.weight.toFloats().map(Double.init)
      let scores = try Score(.lamp).of(matrix).values()
      for (weight, score) in zip(weights, scores) {
        let sum = weights.reduce(0) { $0 + (abs($1) >= abs(weight) ? $1 * $1 : 0) }
        let expected = sum == 0 ? 0 : weight * weight / sum
        #expect(abs(Double(score) - expected) <= 1e-6 * expected)
      }
    }
  }

  @Test func normsAreThoseOfLines() throws {
    let matrix = Matrices.make(Matrices.normal(30, seed: 3), 5, 6, .bf16)
    let weights = matrix.weight.toFloats().map(Double.init)
    for (text, power) in [
      ("row-norm", 2), ("row-norm:norm=l1", 1), ("column-norm", 2), ("column-norm:norm=l1", 1),
    ] {
      let scores = try Score(parsing: text).of(matrix).values()
      for n in 0..<5 {
        for k in 0..<6 {
          let line =
            text.hasPrefix("row") ? (0..<6).map { weights[n * 6 + $0] } : (0..<5).map { weights[$0 * 6 + k] }
          let sum = line.reduce(0) { $0 + (power == 2 ? $1 * $1 : abs($1)) }
          #expect(abs(Double(scores[n * 6 + k]) - (power == 2 ? sum.squareRoot() : sum)) < 1e-5)
        }
      }
    }
  }

  @Test(arguments: [(12, 5), (5, 12), (8, 8)]) func leverageIsTheSquaredRowsOfU(_ shape: (Int, Int)) throws {
    let (outputs, inputs) = shape
    let matrix = Matrices.make(Matrices.normal(outputs * inputs, seed: 17), outputs, inputs)
    let values = matrix.weight.toFloats().map(Double.init)
    let svd = try SingularValues(Matrix(outputs, inputs, values), vectors: true)
    let whole = svd.values.reduce(0) { $0 + $1 * $1 }
    for energy in [0.3, 0.9, 1] {
      let rows = try Leverage.rows(matrix, energy: energy)
      var sum = 0.0, count = 0
      while count < svd.values.count, count == 0 || sum < energy * whole - 1e-9 {
        sum += svd.values[count] * svd.values[count]
        count += 1
      }
      let u = try #require(svd.left)
      for row in 0..<outputs {
        let expected = (0..<count).reduce(0.0) { $0 + u[row, $1] * u[row, $1] }
        #expect(abs(rows[row] - expected) < 1e-9, "\(shape), \(energy), \(row)")
      }
      #expect(abs(rows.reduce(0, +) - Double(count)) < 1e-9)
    }
  }

  @Test func activationsAndFactorsWeighColumns() throws {
    let matrix = Matrices.make(Matrices.normal(12, seed: 5), 3, 4)
    let weights = matrix.weight.toFloats()
    let energy: [Double] = [4, 0, 2.25, 1]
    let evidence = ScoreEvidence(inputEnergy: energy, factorDiagonal: [0.5, 0, 2, 1])
    let wanda = try Score(.wanda).of(matrix, evidence).values()
    let obs = try Score(.obs).of(matrix, evidence).values()
    let own = try Score(.activationEnergy).of(matrix, evidence).values()
    for n in 0..<3 {
      for k in 0..<4 {
        let w = weights[n * 4 + k]
        #expect(wanda[n * 4 + k] == abs(w) * Float(energy[k].squareRoot()))
        #expect(obs[n * 4 + k] == w * w * ([4, 0, 0.25, 1] as [Float])[k])
        #expect(own[n * 4 + k] == Float(energy[k]))
      }
    }
    for name in ["wanda", "obs", "activation-energy", "outlier-share", "cosine"] {
      #expect(throws: ImportanceError.self) { try Score(parsing: name).of(matrix) }
    }
  }

  @Test func outlierShareCountsWhatLiesAboveTheMean() throws {
    let matrix = Matrices.make([1, 1, 1, 30, 1, 1, 1, 1, 1, 1], 2, 5)
    let evidence = ScoreEvidence(inputEnergy: [1, 1, 1, 1, 1])
    #expect(try Score(.outlierShare).of(matrix, evidence).values() == [Float](repeating: 0.1, count: 10))
    let strict = try Score(parsing: "outlier-share:multiple=9").of(matrix, evidence).values()
    #expect(strict[0] == 0)
  }

  @Test func cosinesHaveTheSignThatWasAskedFor() throws {
    let matrix = Matrices.make([3, 4, -3, -4, 4, -3], 3, 2)
    let evidence = ScoreEvidence(direction: .init(vector: [6, 8]))
    let expected: [(String, [Float])] = [
      ("cosine", [-1, 1, 0]), ("cosine:sign=along", [1, -1, 0]), ("cosine:sign=either", [1, 1, 0]),
    ]
    for (text, cosines) in expected {
      let scores = try Score(parsing: text).of(matrix, evidence).values()
      for row in 0..<3 {
        #expect(abs(scores[row * 2] - cosines[row]) < 1e-6 && scores[row * 2] == scores[row * 2 + 1])
      }
    }
    // A gain turns the rows: (3, 4)⊙(8, -6) is at right angles to (6, 8)... and the second gain makes it parallel.
    let turned = try Score(parsing: "cosine:sign=along").of(
      matrix, ScoreEvidence(direction: .init(vector: [6, 8], gain: [2, 1]))
    ).values()
    let length = Double(52).squareRoot()
    #expect(abs(Double(turned[0]) - (6 * 6 + 4 * 8) / (length * 10)) < 1e-6)
  }

  @Test func scoresWithoutCompetitionAreRefused() throws {
    let refused: [(ScoreKind, ComparisonGroup)] = [
      (.rowNorm, .row), (.cosine, .keep(2, of: 4)), (.leverage, .row), (.columnNorm, .column),
      (.activationEnergy, .column), (.outlierShare, .tensor), (.outlierShare, .global),
    ]
    for (kind, group) in refused {
      #expect(throws: ImportanceError.self, "\(kind.name), \(group)") {
        try Combination.check(Score(kind), group)
      }
    }
    try Combination.check(Score(.columnNorm), .row)
    try Combination.check(Score(.rowNorm), .global)
  }

  @Test func randomScoresFollowTheSeedAndTheRole() throws {
    let matrix = Matrices.make(Matrices.normal(200, seed: 5), 10, 20)
    let other = Matrices.make(Matrices.normal(200, seed: 5), 10, 20, role: .block(1, .gate))
    let scores = try Score(.random, seed: 1).of(matrix).values()
    #expect(try Score(.random, seed: 1).of(matrix).values() == scores)
    #expect(try Score(.random, seed: 2).of(matrix).values() != scores)
    #expect(try Score(.random, seed: 1).of(other).values() != scores)
    #expect(scores.allSatisfy { (0..<1).contains($0) } && Set(scores).count > 190)
    // Any rows by themselves have the same numbers.
    var rows = [Float](repeating: 0, count: 40)
    try Score(.random, seed: 1).of(matrix).fill(rows: 3..<5, to: &rows)
    #expect(rows == Array(scores[60..<100]))
  }

  @Test func summariesAreThoseOfTheSortedScores() throws {
    let matrix = Matrices.make(Matrices.normal(2000, seed: 8, levels: 50), 40, 50, .bf16)
    let sorted = matrix.weight.toFloats().map { abs($0) }.sorted()
    let summary = try ScoreSummary(Score(.magnitude).of(matrix), Score(.magnitude))
    #expect(summary.minimum == Double(sorted[0]) && summary.maximum == Double(sorted[1999]))
    #expect(abs(summary.mean - sorted.reduce(0.0) { $0 + Double($1) } / 2000) < 1e-9)
    for (value, place) in [(summary.low, 100), (summary.median, 1000), (summary.high, 1900)] {
      #expect(abs(value - Double(sorted[place])) <= Double(sorted[place]) / 128)
    }
    #expect(summary.zeros == Double(sorted.count { $0 == 0 }) / 2000)
  }
}
