import JSON
import LinearAlgebra
import OrderedCollections
import Runtime
import Statistics
import Tensors
import Testing

@testable import Probing

@Suite struct LogisticProbeTests {
  @Test(arguments: ["tall", "wide"], ["auto", "newton", "lbfgs"])
  func equalsScikitLearn(name: String, solver: String) throws {
    let oracle = try ProbeOracle(name)
    let problem = try oracle.problem()
    for recorded in try #require(oracle.json["logistic"]?.array) {
      let c = try #require(recorded["c"]?.double)
      let fit = try ProbeKind.named("logistic").fit(
        problem,
        [
          "c": .number(c), "solver": .choice(solver), "balanced": .flag(recorded["balanced"]?.bool == true),
          "tolerance": .number(1e-7),
        ])
      #expect(
        fit.details["converged"] == true, "C \(c): gradient \(String(describing: fit.details["gradient"]))")
      let objective = try #require(fit.details["objective"]?.double)
      let expected = try #require(recorded["objective"]?.double)
      #expect(objective <= expected + 1e-7, "C \(c)")
      let difference = try oracle.difference(fit, recorded)
      #expect(difference < 2e-3, "C \(c): \(difference)")
      // The feature that never changes gets no weight.
      #expect(fit.direction[oracle.features.width / 2] == 0)
    }
  }

  @Test func gradientByFiniteDifferences() throws {
    let oracle = try ProbeOracle("tall")
    let rows = try oracle.problem().rows
    // Sparse rows of the same numbers: the f64 path, in which differences of the loss mean something.
    let sparse = SparseRows(
      width: rows.width, starts: (0...rows.count).map { $0 * rows.width },
      columns: (0..<rows.count).flatMap { _ in (0..<rows.width).map(Int32.init) },
      values: (0..<rows.count * rows.width).map { rows.pointer[$0] })
    let labels = Array(oracle.labels[..<rows.count])
    let problem = LogisticProblem(
      rows: sparse, labels: labels, textWeights: LogisticProbe.balance(labels), penalty: 0.03)
    var random = CounterRandom(seed: 5)
    let weights = (0..<rows.width).map { _ in 0.4 * random.normal() }
    let point = try problem.evaluate(weights: weights, bias: 0.3)
    for j in 0...rows.width {
      var up = weights + [0.3], down = up
      up[j] += 1e-5
      down[j] -= 1e-5
      let high = try problem.evaluate(weights: Array(up.dropLast()), bias: up[rows.width]).value
      let low = try problem.evaluate(weights: Array(down.dropLast()), bias: down[rows.width]).value
      let gradient = j < rows.width ? point.gradient[j] : point.biasGradient
      #expect(abs((high - low) / 2e-5 - gradient) < 1e-9)
    }
    // Dense rows say the same up to f32's rounding.
    let dense = try LogisticProblem(
      rows: rows, labels: labels, textWeights: LogisticProbe.balance(labels), penalty: 0.03
    ).evaluate(weights: weights, bias: 0.3)
    #expect(abs(dense.value - point.value) < 1e-6)
    #expect(zip(dense.gradient, point.gradient).allSatisfy { abs($0 - $1) < 1e-6 })
    #expect(zip(dense.curvature, point.curvature).allSatisfy { abs($0 - $1) < 1e-6 })
  }

  /// Where the Gram matrix is dear, features that hardly correlate are fitted without it, others from where that try ends;
  /// both end at the optimum that the matrix alone leads to.
  @Test(arguments: [false, true])
  func triesWithoutTheMatrixFirst(correlated: Bool) throws {
    var random = CounterRandom(seed: 21)
    let width = 512
    let common = (0..<width).map { _ in random.normal() }
    var labels: [Bool] = []
    let features = try Features(
      site: "wide",
      rows: (0..<900).map { _ in
        let hidden = random.normal(), shift = correlated ? 4 * random.normal() : 0
        labels.append(hidden + random.normal() > 0)
        return (0..<width).map {
          Float(($0 % 8 == 0 ? 0.4 * hidden : 0) + random.normal() + shift * common[$0])
        }
      })
    let problem = try SiteProblem(
      features, labels: labels, split: Split(labels: labels, groups: nil, seed: 3))
    #expect(problem.rows.count >= 512)
    let kind = try ProbeKind.named("logistic")
    let auto = try kind.fit(problem, ["c": .number(0.01)])
    let matrix = try kind.fit(problem, ["c": .number(0.01), "solver": .choice("lbfgs")])
    #expect(auto.details["converged"] == true && matrix.details["converged"] == true)
    let difference =
      try #require(auto.details["objective"]?.double) - #require(matrix.details["objective"]?.double)
    #expect(abs(difference) < 1e-7, "\(difference)")
    #expect(LinearFit.cosine(auto.direction, matrix.direction).map { $0 > 0.99999 } == true)
  }

  @Test func choosesCOnValidation() throws {
    // Twenty features of noise beside one weak signal: strong regularisation wins.
    var random = CounterRandom(seed: 11)
    let labels = (0..<300).map { _ in random.uniform() < 0.5 }
    let noisy = try Features(
      site: "noise",
      rows: labels.map { label in
        [Float((label ? 0.4 : -0.4) + random.normal())] + (0..<60).map { _ in Float(random.normal()) }
      })
    let split = try Split(labels: labels, groups: nil, seed: 1)
    let fit = try ProbeKind.named("logistic").fit(SiteProblem(noisy, labels: labels, split: split))
    let c = try #require(fit.details["c"]?.double)
    #expect(c < 0.1)
    // What was chosen is the lowest of what was tried.
    let tried = try #require(fit.details["tried"]?.array)
    let losses = tried.compactMap { $0["validation_log_loss"]?.double }
    let place = try #require(tried.firstIndex { $0["c"]?.double == c })
    #expect(losses.min() == losses[place])
  }

  @Test func separableAndBadlyScaledFeaturesConverge() throws {
    var random = CounterRandom(seed: 12)
    let labels = (0..<200).map { $0 % 2 == 0 }
    let features = try Features(
      site: "easy",
      rows: labels.map { label in
        let hidden = random.normal()
        return [
          Float(1e4 + hidden), Float(1e-3 * (hidden + 0.01 * random.normal())), Float(label ? 3 : -3),
          Float(1e6 * random.normal()),
        ]
      })
    let split = try Split(labels: labels, groups: nil)
    for c in [1e-3, 1, 1e4] {
      let fit = try ProbeKind.named("logistic").fit(
        SiteProblem(features, labels: labels, split: split), ["c": .number(c)])
      #expect(fit.details["converged"] == true, "C \(c)")
      #expect(AUROC.value(scores: fit.logits(features), labels: labels) == 1)
    }
  }

  @Test func sameSeedSameBytes() throws {
    let oracle = try ProbeOracle("wide")
    for kind in ProbeKind.all {
      #expect(try kind.fit(oracle.problem()) == kind.fit(oracle.problem()), "\(kind.name)")
    }
  }

  @Test func settingsAreChecked() throws {
    let kind = try ProbeKind.named("logistic")
    #expect(throws: MethodError.self) { try kind.settings(["C": .number(1)]) }
    #expect(throws: MethodError.self) { try kind.settings(["c": .number(-1)]) }
    #expect(throws: MethodError.self) { try kind.settings(["solver": .choice("sgd")]) }
    #expect(throws: ProbingError.unknownKind(name: "logistik", known: ProbeKind.all.map(\.name))) {
      try ProbeKind.named("logistik")
    }
    #expect(try kind.settings(["c": .integer(2)]).number("c") == 2)
    #expect(kind.parameters.first { $0.name == "c" }?.value("1e-3") == .number(1e-3))
  }
}
