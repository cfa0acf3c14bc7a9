import Glibc
import JSON
import OrderedCollections
import Runtime
import Statistics

/// The two-row softmax classifier of Model Surgery on raw features: uniform start, Adam, a fixed number of epochs.
///
/// Both rows' gradients are exact negatives and Adam keeps them so: W₀ + W₁ never leaves its random start. What was
/// learned is h = (W₁ − W₀)/2; the raw row W₁ is h plus half of that start's noise.
enum SoftmaxProbe {
  static let kind = ProbeKind(
    name: "softmax2",
    summary: "two-row softmax classifier on raw features, Adam, as published with Model Surgery",
    reference: "arXiv 2407.08770, table 14; Adam: arXiv 1412.6980",
    parameters: [
      MethodParameter("epochs", "passes over the training texts", .integer(1...10_000, standard: 9)),
      MethodParameter("batch", "texts a step", .integer(1...65_536, standard: 16)),
      MethodParameter("learning_rate", "Adam's step", .number(1e-8...1, standard: 1e-4)),
      MethodParameter(
        "row", "the direction kept: difference is (W1 - W0)/2, raw is W1 with its start's noise",
        .choice(["difference", "raw"], standard: "difference")),
    ],
    fit: fit)

  private static func fit(_ problem: SiteProblem, _ settings: MethodSettings) throws -> LinearFit {
    let width = problem.features.width
    var random = CounterRandom(seed: problem.seed, stream: "softmax2")
    let bound = 1 / Double(width).squareRoot()
    var classifier = Classifier(
      rows: (0..<2 * width).map { _ in (2 * random.uniform() - 1) * bound },
      biases: (0..<2).map { _ in (2 * random.uniform() - 1) * bound })
    let rate = settings.number("learning_rate") ?? 1e-4, size = settings.integer("batch") ?? 16
    for _ in 0..<(settings.integer("epochs") ?? 9) {
      let order = random.shuffled(problem.split.train)
      for start in stride(from: 0, to: order.count, by: size) {
        let batch = Array(order[start..<min(start + size, order.count)])
        classifier.step(problem.features, batch, problem.labels, rate: rate)
      }
      try Cancellation.check()
    }
    var details: OrderedDictionary<String, JSONValue> = [
      "steps": .integer(classifier.steps),
      "noise_share": .number(classifier.noiseShare),
    ]
    guard settings.choice("row") == "raw" else {
      return LinearFit(
        direction: classifier.difference, scale: 2, bias: classifier.biases[1] - classifier.biases[0],
        rows: classifier.rows, details: details)
    }
    let direction = Array(classifier.rows[width...])
    let scores = problem.features.project(direction, rows: problem.split.train)
    let (scale, bias) = ScoreCalibration.platt(scores: scores, labels: problem.trainLabels)
    details["calibrated"] = true
    return LinearFit(direction: direction, scale: scale, bias: bias, rows: classifier.rows, details: details)
  }

  /// The classifier and Adam's state. `D` features.
  struct Classifier {
    /// W₀ then W₁, `[2 · D]`.
    var rows: [Double]
    /// `[2]`.
    var biases: [Double]
    private(set) var steps = 0
    private var first: [Double]
    private var second: [Double]

    init(rows: [Double], biases: [Double]) {
      self.rows = rows
      self.biases = biases
      first = [Double](repeating: 0, count: rows.count + 2)
      second = first
    }

    var width: Int { rows.count / 2 }

    /// (W₁ − W₀)/2, `[D]`.
    var difference: [Double] { (0..<width).map { (rows[width + $0] - rows[$0]) / 2 } }

    /// How much of W₁ is the start's noise: ‖(W₀ + W₁)/2‖ / ‖W₁‖.
    var noiseShare: Double {
      var noise = 0.0, all = 0.0
      for j in 0..<width {
        let half = (rows[j] + rows[width + j]) / 2
        noise += half * half
        all += rows[width + j] * rows[width + j]
      }
      return all > 0 ? (noise / all).squareRoot() : 0
    }

    /// The mean loss over a batch, in nats.
    func loss(_ features: Features, _ batch: [Int], _ labels: [Bool]) -> Double {
      batch.reduce(0) { sum, row in
        let z = logit(features.row(row))
        return sum + ProperScores.softplus(labels[row] ? -z : z)
      } / Double(batch.count)
    }

    /// The gradient of ``loss(_:_:_:)`` over rows `[2 · D]`, then biases `[2]`.
    func gradient(_ features: Features, _ batch: [Int], _ labels: [Bool]) -> [Double] {
      var gradient = [Double](repeating: 0, count: rows.count + 2)
      for row in batch {
        let x = features.row(row)
        let residual = (ProperScores.sigmoid(logit(x)) - (labels[row] ? 1 : 0)) / Double(batch.count)
        for j in 0..<width { gradient[width + j] += residual * Double(x[j]) }
        gradient[2 * width + 1] += residual
      }
      for j in 0..<width { gradient[j] = -gradient[width + j] }
      gradient[2 * width] = -gradient[2 * width + 1]
      return gradient
    }

    /// The second class's logit less the first's.
    private func logit(_ x: UnsafeBufferPointer<Float>) -> Double {
      var z = biases[1] - biases[0]
      for j in 0..<width { z += (rows[width + j] - rows[j]) * Double(x[j]) }
      return z
    }

    /// One step of Adam (β 0.9 and 0.999, ε 1e-8).
    mutating func step(_ features: Features, _ batch: [Int], _ labels: [Bool], rate: Double) {
      let gradient = gradient(features, batch, labels)
      steps += 1
      let one = 1 - pow(0.9, Double(steps)), two = 1 - pow(0.999, Double(steps))
      for i in gradient.indices {
        first[i] = 0.9 * first[i] + 0.1 * gradient[i]
        second[i] = 0.999 * second[i] + 0.001 * gradient[i] * gradient[i]
        let change = rate * (first[i] / one) / ((second[i] / two).squareRoot() + 1e-8)
        if i < rows.count { rows[i] -= change } else { biases[i - rows.count] -= change }
      }
    }
  }
}
