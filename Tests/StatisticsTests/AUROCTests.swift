import Runtime
import Statistics
import Testing

@Suite struct AUROCTests {
  /// The definition: every pair of a positive and a negative, ties one half.
  static func byPairs(_ scores: [Double], _ labels: [Bool], _ weights: [Double]) -> Double {
    var wins = 0.0, pairs = 0.0
    for i in scores.indices where labels[i] {
      for j in scores.indices where !labels[j] {
        let weight = weights[i] * weights[j]
        pairs += weight
        wins += weight * (scores[i] > scores[j] ? 1 : scores[i] == scores[j] ? 0.5 : 0)
      }
    }
    return wins / pairs
  }

  @Test(arguments: 0..<20) func equalsThePairCount(seed: Int) throws {
    var random = CounterRandom(seed: UInt64(seed), stream: "auroc")
    let n = 5 + random.below(60)
    let scores = (0..<n).map { _ in Double(random.below(8)) }  // many ties
    let labels = (0..<n).map { $0 == 0 || ($0 > 1 && random.uniform() < 0.4) }
    let weights = (0..<n).map { _ in Double(1 + random.below(3)) }
    let auroc = AUROC(scores: scores, labels: labels)
    let plain = try #require(auroc.value())
    #expect(abs(plain - Self.byPairs(scores, labels, Array(repeating: 1, count: n))) < 1e-12)
    let weighted = try #require(auroc.value(weights: weights))
    #expect(abs(weighted - Self.byPairs(scores, labels, weights)) < 1e-12)
  }

  @Test func perfectReversedAndConstantScores() {
    #expect(AUROC.value(scores: [0, 1, 2, 3], labels: [false, false, true, true]) == 1)
    #expect(AUROC.value(scores: [3, 2, 1, 0], labels: [false, false, true, true]) == 0)
    #expect(AUROC.value(scores: [1, 1, 1, 1], labels: [false, false, true, true]) == 0.5)
    #expect(AUROC.value(scores: [0, -0.0], labels: [false, true]) == 0.5)
  }

  @Test func isNilWithoutBothClassesOrWithNaN() {
    #expect(AUROC.value(scores: [0, 1], labels: [true, true]) == nil)
    #expect(AUROC.value(scores: [], labels: []) == nil)
    #expect(AUROC.value(scores: [0, .nan], labels: [false, true]) == nil)
    #expect(AUROC.value(scores: [0, .infinity], labels: [false, true]) == 1)
  }
}
