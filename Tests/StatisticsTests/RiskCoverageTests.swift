import Statistics
import Testing

@Suite struct RiskCoverageTests {
  @Test func aHandMadeCurve() {
    let curve = RiskCoverage(confidence: [0.9, 0.8, 0.7, 0.6], correct: [true, false, true, false])
    #expect(curve.risks == [0, 0.5, 1.0 / 3, 0.5])
    #expect(abs((curve.area ?? 0) - (0.5 + 1.0 / 3 + 0.5) / 4) < 1e-15)
    #expect(abs((curve.bestArea ?? 0) - (1.0 / 3 + 0.5) / 4) < 1e-15)
    #expect(abs((curve.excess ?? 0) - 0.125) < 1e-15)
  }

  @Test func tiesDoNotDependOnTheOrder() {
    let a = RiskCoverage(confidence: [0.5, 0.5, 0.5, 0.1], correct: [true, false, false, true])
    let b = RiskCoverage(confidence: [0.5, 0.1, 0.5, 0.5], correct: [false, true, true, false])
    #expect(a.risks == b.risks)
    #expect(abs(a.risks[0] - 2.0 / 3) < 1e-15)
  }

  @Test func allRightAllWrongNone() {
    #expect(RiskCoverage(confidence: [1, 2], correct: [true, true]).area == 0)
    #expect(RiskCoverage(confidence: [1, 2], correct: [false, false]).area == 1)
    #expect(RiskCoverage(confidence: [1, 2], correct: [false, false]).excess == 0)
    #expect(RiskCoverage(confidence: [], correct: []).area == nil)
  }
}
