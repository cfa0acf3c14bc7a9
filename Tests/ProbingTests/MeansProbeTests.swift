import JSON
import Runtime
import Statistics
import Testing

@testable import Probing

@Suite struct MeansProbeTests {
  @Test(arguments: ["tall", "wide"]) func equalsNumPyAndScikitLearn(name: String) throws {
    let oracle = try ProbeOracle(name)
    let recorded = try #require(oracle.json["means"])
    let fit = try ProbeKind.named("means").fit(oracle.problem())
    let direction = try #require(recorded["direction"]?.array).compactMap(\.double)
    #expect(zip(fit.direction, direction).allSatisfy { abs($0 - $1) < 1e-9 })
    #expect(abs(fit.scale / (recorded["scale"]?.double ?? 0) - 1) < 1e-4)
    #expect(try oracle.difference(fit, recorded) < 1e-3)
  }

  @Test func separableScoresGetAFiniteScale() {
    let (scale, bias) = ScoreCalibration.platt(scores: [-2, -1, 1, 2], labels: [false, false, true, true])
    #expect(scale > 0 && scale < 100 && abs(bias) < 1e-9)
    let flat = ScoreCalibration.platt(scores: [3, 3, 3], labels: [true, true, false])
    #expect(flat.scale == 0 && abs(flat.bias - 0.4054651081081644) < 1e-12)  // log(3/2)
  }

  @Test func equalClassesHaveNoDirection() throws {
    let features = try Features(site: "flat", rows: Array(repeating: [1, 2], count: 12))
    let labels = (0..<12).map { $0 % 2 == 0 }
    let problem = try SiteProblem(features, labels: labels, split: Split(labels: labels, groups: nil))
    for kind in ProbeKind.all where kind.name != "softmax2" {
      #expect(throws: ProbingError.self, "\(kind.name)") { try kind.fit(problem) }
    }
  }
}
