import Runtime
import Statistics
import Testing

@Suite struct CalibrationTests {
  @Test func binsTakeTheirUpperEnd() {
    let confidence = (0...15).map { Double($0) / 15 }
    let bins = Calibration.bins(confidence: confidence, outcome: confidence.map { _ in true })
    #expect(bins.map(\.count) == [2] + Array(repeating: 1, count: 14))  // 0 and 1/15 share the first
    #expect(bins[3].lower == 0.2 && bins[3].confidence == 4.0 / 15)
  }

  @Test func equalMassNeverPartsEqualConfidences() {
    let confidence = [0.1, 0.5, 0.5, 0.5, 0.5, 0.5, 0.9, 0.9]
    let outcome = [true, true, false, true, false, true, false, true]
    let bins = Calibration.bins(confidence: confidence, outcome: outcome, bins: 4, binning: .equalMass)
    #expect(bins.map(\.count) == [6, 2])
    #expect(bins[1].lower == 0.9 && bins[0].lower == 0.1 && bins[0].upper == 0.5)
    let reversed = Calibration.expectedError(
      confidence: confidence.reversed(), outcome: outcome.reversed(), bins: 4, binning: .equalMass)
    let forward = Calibration.expectedError(
      confidence: confidence, outcome: outcome, bins: 4, binning: .equalMass)
    #expect(abs((forward ?? 1) - (reversed ?? 2)) < 1e-15)
  }

  @Test func truthfulConfidencesHaveASmallError() throws {
    var random = CounterRandom(seed: 1)
    let confidence = (0..<20_000).map { _ in random.uniform() }
    let outcome = confidence.map { random.uniform() < $0 }
    let honest = try #require(Calibration.expectedError(confidence: confidence, outcome: outcome))
    #expect(honest < 0.02)
    let boastful = try #require(
      Calibration.expectedError(confidence: confidence.map { 1 - (1 - $0) / 4 }, outcome: outcome))
    #expect(boastful > 0.3)
  }

  @Test func weightsAreRepetitions() throws {
    let confidence = [0.2, 0.21, 0.7, 0.95], outcome = [false, true, true, false]
    let repeated = Calibration.expectedError(
      confidence: [0.2, 0.2, 0.21, 0.95, 0.95, 0.95], outcome: [false, false, true, false, false, false])
    let weighted = Calibration.expectedError(confidence: confidence, outcome: outcome, weights: [2, 1, 0, 3])
    #expect(abs((repeated ?? 1) - (weighted ?? 2)) < 1e-15)
  }

  @Test func nothingOrNaNHasNoError() {
    #expect(Calibration.expectedError(confidence: [], outcome: []) == nil)
    #expect(Calibration.expectedError(confidence: [.nan], outcome: [true]) == nil)
  }

  @Test func sumsByGroupAreTheSameErrors() throws {
    var random = CounterRandom(seed: 3)
    let confidence = (0..<500).map { $0 % 50 == 0 ? Double($0 % 11) / 10 : random.uniform() }
    let outcome = confidence.map { random.uniform() < $0 * $0 }
    let group = (0..<500).map { $0 % 7 }
    let weights = (0..<7).map { Double($0 % 3) }
    for bins in [10, 15] {
      var sums = CalibrationSums(groups: 7, bins: bins)
      for item in confidence.indices {
        sums.add(confidence: confidence[item], correct: outcome[item], group: group[item])
      }
      let reliability = Reliability(confidence: confidence, outcome: outcome, bins: bins)
      let items = group.map { weights[$0] }
      #expect(sums.count == 500)
      for (own, each) in [(nil, nil), (weights, items)] as [([Double]?, [Double]?)] {
        #expect(
          abs((sums.expectedError(weights: own) ?? 1) - (reliability.expectedError(weights: each) ?? 2))
            < 1e-12)
        let brier = ProperScores.brier(probabilities: confidence, labels: outcome, weights: each)
        #expect(abs((sums.brier(weights: own) ?? 1) - (brier ?? 2)) < 1e-12)
      }
      for (own, other) in zip(sums.diagram, reliability.bins()) {
        #expect(own.count == other.count && own.lower == other.lower)
        #expect(abs((own.confidence ?? 0) - (other.confidence ?? 0)) < 1e-12)
        #expect(abs((own.frequency ?? 0) - (other.frequency ?? 0)) < 1e-12)
      }
    }
    #expect(CalibrationSums(groups: 0, bins: 10).expectedError() == nil)
  }
}
