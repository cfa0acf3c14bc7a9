import Runtime
import Statistics
import Testing

@Suite struct PermutationTestTests {
  @Test func drawnAgreesWithExact() throws {
    let differences = [0.4, 1.2, -0.3, 0.9, 0.1, 0.7, -0.2, 1.1, 0.6, 0.5, -0.8, 0.3]
    let exact = try #require(PermutationTest.paired(differences))
    let drawn = try #require(PermutationTest.paired(differences, permutations: 4000, seed: 3))
    #expect(exact.isExact && !drawn.isExact)
    #expect(abs(exact.p - drawn.p) < 0.02)
    #expect(abs(exact.mean - 4.5 / 12) < 1e-15)
  }

  @Test func pIsUniformUnderTheNull() {
    var below = 0
    for trial in 0..<400 {
      var random = CounterRandom(seed: UInt64(trial), stream: "null")
      let differences = (0..<40).map { _ in random.normal() }
      let p = PermutationTest.paired(differences, permutations: 200, seed: UInt64(trial))?.p ?? 1
      if p < 0.1 { below += 1 }
    }
    #expect((20...62).contains(below))
  }

  @Test func groupsFlipTogether() throws {
    let result = try #require(PermutationTest.paired([1, 1, 1, 1, 1, 1], groups: [0, 0, 0, 1, 1, 1]))
    #expect(result.isExact && result.permutations == 4 && result.p == 0.5)
    #expect(try #require(PermutationTest.paired([1, 1, 1, 1, 1, 1])).p == 2.0 / 64)
  }

  @Test func mcnemarOfEqualAnswersIsOne() {
    #expect(McNemar(onlyFirst: 0, onlySecond: 0).midP == 1)
    #expect(McNemar(onlyFirst: 0, onlySecond: 0).exactP == 1)
    #expect(McNemar(onlyFirst: 7, onlySecond: 7).midP == 1)
    #expect(
      McNemar(first: [true, true, false], second: [false, true, true]) == McNemar(onlyFirst: 1, onlySecond: 1)
    )
    let large = McNemar(onlyFirst: 40_000, onlySecond: 41_000)
    #expect(abs(large.midP - 0.000442) < 2e-5)
  }

  @Test func noVarianceNoCorrelation() {
    #expect(Correlation.pearson([1, 1, 1], [1, 2, 3]) == nil)
    #expect(abs((Correlation.spearman([1, 2, 3], [10, 20, 400]) ?? 0) - 1) < 1e-15)
    #expect(Correlation.ranks([5, 1, 5, 2]) == [3.5, 1, 3.5, 2])
  }

  @Test func sumsKeepWhatRoundingLoses() {
    #expect(Descriptive.sum([1e16, 1, -1e16]) == 1)
    #expect(Descriptive.quantile([], 0.5) == nil)
    #expect(Descriptive.quantile([3], 0.9) == 3)
    #expect(Descriptive.estimate([2])?.standardError == nil)
  }
}
