import JSON
import OrderedCollections
import Runtime
import Testing

@testable import Probing

@Suite struct SoftmaxProbeTests {
  let oracle: ProbeOracle
  let recorded: JSONValue

  init() throws {
    oracle = try ProbeOracle("tall")
    recorded = try #require(try JSONValue(file: ProbeOracle.fixture("probes.json"))["softmax"])
  }

  private func numbers(_ value: JSONValue?) throws -> [Double] {
    try #require(value?.array).compactMap(\.double)
  }

  @Test func equalsPyTorch() throws {
    let start = try #require(recorded["start"]?.array)
    var classifier = SoftmaxProbe.Classifier(rows: try numbers(start[0]), biases: try numbers(start[1]))
    let sums = (0..<classifier.width).map { classifier.rows[$0] + classifier.rows[classifier.width + $0] }
    let losses = try numbers(recorded["losses"])
    for (step, batch) in try #require(recorded["batches"]?.array).enumerated() {
      let items = (batch.array ?? []).compactMap(\.int)
      #expect(abs(classifier.loss(oracle.features, items, oracle.labels) - losses[step]) < 1e-9)
      classifier.step(
        oracle.features, items, oracle.labels, rate: try #require(recorded["learning_rate"]?.double))
    }
    #expect(zip(classifier.rows, try numbers(recorded["rows"])).allSatisfy { abs($0 - $1) < 1e-10 })
    #expect(zip(classifier.biases, try numbers(recorded["biases"])).allSatisfy { abs($0 - $1) < 1e-10 })
    // W0 + W1 never moves.
    for j in 0..<classifier.width {
      #expect(abs(classifier.rows[j] + classifier.rows[classifier.width + j] - sums[j]) < 1e-14)
    }
  }

  @Test func gradientByFiniteDifferences() throws {
    let start = try #require(recorded["start"]?.array)
    let rows = try numbers(start[0]).map { $0 * 0.1 }
    let biases = try numbers(start[1])
    let batch = [3, 17, 40, 41, 77]
    let gradient = SoftmaxProbe.Classifier(rows: rows, biases: biases).gradient(
      oracle.features, batch, oracle.labels)
    let width = rows.count / 2
    for i in gradient.indices {
      func loss(_ change: Double) -> Double {
        var all = rows + biases
        all[i] += change
        return SoftmaxProbe.Classifier(rows: Array(all[..<rows.count]), biases: Array(all[rows.count...]))
          .loss(oracle.features, batch, oracle.labels)
      }
      #expect(abs((loss(1e-6) - loss(-1e-6)) / 2e-6 - gradient[i]) < 1e-6)
    }
    for j in 0..<width { #expect(gradient[j] == -gradient[width + j]) }
  }

  @Test func bothDirectionsOfTheRow() throws {
    let problem = try oracle.problem()
    let kind = try ProbeKind.named("softmax2")
    let difference = try kind.fit(problem), raw = try kind.fit(problem, ["row": .choice("raw")])
    #expect(difference.details["steps"] == .integer(9 * 7))  // 110 texts, batches of 16
    let width = oracle.features.width
    let rows = try #require(difference.rows)
    #expect(rows == raw.rows && raw.direction == Array(rows[width...]))
    for j in 0..<width { #expect(abs(difference.direction[j] - (rows[width + j] - rows[j]) / 2) < 1e-15) }
    // The logit is the difference of the two rows' scores.
    let x = oracle.features.row(5)
    var expected = difference.bias
    for j in 0..<width { expected += (rows[width + j] - rows[j]) * Double(x[j]) }
    #expect(abs(difference.logits(oracle.features, rows: [5])[0] - expected) < 1e-9)
    #expect(raw.scale != 2)
  }
}
