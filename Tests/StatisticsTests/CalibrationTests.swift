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
}
