import JSON
import OrderedCollections
import Runtime
import Testing

@testable import Probing

@Suite struct LDAProbeTests {
  @Test(arguments: ["tall", "wide"]) func equalsScikitLearn(name: String) throws {
    let oracle = try ProbeOracle(name)
    let problem = try oracle.problem()
    let kind = try ProbeKind.named("lda")
    for recorded in try #require(oracle.json["lda"]?.array) {
      let shrinkage = try #require(recorded["shrinkage"]?.double)
      let fit = try kind.fit(problem, ["rule": .choice("fixed"), "shrinkage": .number(shrinkage)])
      #expect(try oracle.difference(fit, recorded) < 2e-3, "shrinkage \(shrinkage)")
    }
    let recorded = try #require(oracle.json["ledoit_wolf"])
    let fit = try kind.fit(problem)
    let shrinkage = try #require(fit.details["shrinkage"]?.double)
    #expect(abs(shrinkage - (recorded["shrinkage"]?.double ?? 0)) < 1e-5)
    #expect(try oracle.difference(fit, recorded) < 2e-3)
  }

  @Test func validationChoosesTheLowestLoss() throws {
    let oracle = try ProbeOracle("wide")
    let fit = try ProbeKind.named("lda").fit(oracle.problem(), ["rule": .choice("validation")])
    let tried = try #require(fit.details["tried"]?.array)
    #expect(tried.count == LDAProbe.grid.count + 1)
    let losses = tried.compactMap { $0["validation_log_loss"]?.double }
    let place = try #require(tried.firstIndex { $0["shrinkage"] == fit.details["shrinkage"] })
    #expect(losses.min() == losses[place])
  }

  @Test func noShrinkageNeedsMoreTextsThanFeatures() throws {
    let oracle = try ProbeOracle("wide")
    #expect(throws: ProbingError.self) {
      try ProbeKind.named("lda").fit(oracle.problem(), ["rule": .choice("fixed"), "shrinkage": .number(0)])
    }
  }
}
