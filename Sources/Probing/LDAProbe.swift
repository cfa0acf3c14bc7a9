import Glibc
import JSON
import LinearAlgebra
import OrderedCollections
import Runtime
import Statistics
import Tensors

/// Linear discriminant analysis on standardised features: Σ⁻¹(μ₁ − μ₀) with the pooled covariance within classes
/// shrunk to a multiple of the identity.
///
/// Σ = (1 − s)·S + s·(tr S/D)·I. S comes from the Gram (or kernel) matrix that the site's kinds share, so that each shrinkage
/// costs one Cholesky factor.
enum LDAProbe {
  static let kind = ProbeKind(
    name: "lda",
    summary: "mean difference through the inverse of the shrunk covariance within classes",
    reference: "Fisher 1936; Ledoit and Wolf 2004",
    parameters: [
      MethodParameter(
        "rule", "how much to shrink: by Ledoit and Wolf's formula, by validation log-loss, or as told",
        .choice(["ledoit-wolf", "validation", "fixed"], standard: "ledoit-wolf")),
      MethodParameter(
        "shrinkage", "the share of the identity where the rule is fixed", .number(0...1, standard: 0.1)),
    ],
    fit: fit)

  /// The shrinkages that validation chooses from, strongest first.
  static let grid: [Double] = [0.9, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005]

  private static func fit(_ problem: SiteProblem, _ settings: MethodSettings) throws -> LinearFit {
    let scatter = try Scatter(problem)
    let optimal = scatter.ledoitWolf
    var candidates: [Double]
    switch settings.choice("rule") {
    case "fixed": candidates = [settings.number("shrinkage") ?? 0.1]
    case "validation": candidates = (grid + [optimal]).sorted(by: >)
    default: candidates = [optimal]
    }
    var best: (shrinkage: Double, fit: LinearFit, loss: Double)?
    var tried: [JSONValue] = []
    for shrinkage in candidates {
      let fit = try scatter.fit(shrinkage)
      let logits = fit.logits(problem.features, rows: problem.split.validation)
      let loss = ProperScores.logLoss(logits: logits, labels: problem.validationLabels) ?? .infinity
      tried.append(["shrinkage": .number(shrinkage), "validation_log_loss": .number(loss)])
      if loss < best?.loss ?? .infinity || best == nil { best = (shrinkage, fit, loss) }
    }
    guard let best else {
      throw ProbingError.degenerate(kind: "lda", site: problem.features.site, problem: "no fit")
    }
    var fit = best.fit
    fit.details = ["shrinkage": .number(best.shrinkage), "ledoit_wolf": .number(optimal)]
    if tried.count > 1 { fit.details["tried"] = .array(tried) }
    return fit
  }

  /// The scatter within classes of standardised training texts. `n` texts, `D` features.
  struct Scatter {
    private let problem: SiteProblem
    /// Class means in standardised coordinates, `[D]`.
    private let positive: [Double], negative: [Double]
    private let counts: (positive: Double, negative: Double)
    /// Σ (z − μ)(z − μ)ᵀ `[D, D]`, or its kernel form `[n, n]`.
    private let matrix: Matrix<Double>
    private let isDual: Bool
    private let n: Double, width: Double
    /// The trace of S.
    private let trace: Double

    init(_ problem: SiteProblem) throws {
      self.problem = problem
      let rows = problem.rows, labels = problem.trainLabels
      let up = Double(labels.count { $0 })
      counts = (up, Double(labels.count) - up)
      n = Double(labels.count)
      width = Double(rows.width)
      var sums = [[Double]](repeating: Array(repeating: 0, count: rows.width), count: 2)
      for (row, label) in labels.enumerated() {
        let z = rows.pointer + row * rows.width
        for j in 0..<rows.width { sums[label ? 1 : 0][j] += Double(z[j]) }
      }
      negative = sums[0].map { $0 / (Double(labels.count) - up) }
      positive = sums[1].map { $0 / up }
      let solver = try problem.solver()
      isDual = solver.isDual
      var matrix = Matrix<Double>(
        solver.matrix.rows, solver.matrix.columns, solver.matrix.values.map(Double.init))
      if isDual {
        Self.centreByClass(&matrix, labels)
      } else {
        for i in 0..<matrix.rows {
          let a = counts.positive * positive[i], b = counts.negative * negative[i]
          for j in 0...i { matrix[i, j] -= a * positive[j] + b * negative[j] }
        }
      }
      self.matrix = matrix
      trace = (0..<matrix.rows).reduce(0) { $0 + matrix[$1, $1] } / Double(labels.count)
      guard trace > 0 else {
        throw ProbingError.degenerate(
          kind: "lda", site: problem.features.site, problem: "no feature varies within a class")
      }
    }

    /// Takes the classes' means out of a kernel matrix (lower triangle in, both out).
    private static func centreByClass(_ k: inout Matrix<Double>, _ labels: [Bool]) {
      let n = labels.count
      for i in 0..<n { for j in 0..<i { k[j, i] = k[i, j] } }
      let counts = [Double(labels.count { !$0 }), Double(labels.count { $0 })]
      // Of each row, by the class of the column.
      var sums = [[Double]](repeating: Array(repeating: 0, count: n), count: 2)
      var blocks = [[0.0, 0.0], [0.0, 0.0]]
      for i in 0..<n {
        for j in 0..<n { sums[labels[j] ? 1 : 0][i] += k[i, j] }
        for c in 0..<2 { blocks[labels[i] ? 1 : 0][c] += sums[c][i] }
      }
      for i in 0..<n {
        let a = labels[i] ? 1 : 0
        for j in 0..<n {
          let b = labels[j] ? 1 : 0
          k[i, j] += blocks[a][b] / (counts[a] * counts[b]) - sums[b][i] / counts[b] - sums[a][j] / counts[a]
        }
      }
    }

    /// Ledoit and Wolf's shrinkage to (tr S/D)·I of the pooled scatter.
    var ledoitWolf: Double {
      let rows = problem.rows, labels = problem.trainLabels
      var fourth = 0.0
      for (row, label) in labels.enumerated() {
        let z = rows.pointer + row * rows.width, mean = label ? positive : negative
        var square = 0.0
        for j in 0..<rows.width {
          let difference = Double(z[j]) - mean[j]
          square += difference * difference
        }
        fourth += square * square
      }
      var squares = 0.0
      for i in 0..<matrix.rows {
        for j in 0..<i { squares += 2 * matrix[i, j] * matrix[i, j] }
        squares += matrix[i, i] * matrix[i, i]
      }
      squares /= n * n
      let mu = trace / width
      let beta = (fourth / n - squares) / (width * n)
      let delta = (squares - 2 * mu * trace + width * mu * mu) / width
      return delta > 0 ? max(0, min(beta, delta)) / delta : 0
    }

    /// The fit at one shrinkage.
    func fit(_ shrinkage: Double) throws -> LinearFit {
      let difference = zip(positive, negative).map { $0 - $1 }
      let ridge = shrinkage * trace / width
      let weights: [Double]
      if isDual {
        weights = try dual(difference, scale: (1 - shrinkage) / n, ridge: ridge)
      } else if shrinkage == 1 {
        weights = difference.map { $0 / ridge }
      } else {
        let scale = (1 - shrinkage) / n
        weights = try Cholesky(matrix, ridge: ridge / scale).solve(difference).map { $0 / scale }
      }
      let middle = Descriptive.sum(weights.indices.map { weights[$0] * (positive[$0] + negative[$0]) / 2 })
      return LinearFit(
        standardised: weights, bias: log(counts.positive / counts.negative) - middle, problem.standardised)
    }

    /// (c·RᵀR + ρ·I)⁻¹ v = (v − Rᵀ(RRᵀ + (ρ/c)·I)⁻¹ R v)/ρ, R the class-centred rows.
    private func dual(_ v: [Double], scale: Double, ridge: Double) throws -> [Double] {
      guard ridge > 0 else {
        throw ProbingError.degenerate(
          kind: "lda", site: problem.features.site,
          problem: "no shrinkage with \(Int(n)) texts for \(Int(width)) features")
      }
      guard scale > 0 else { return v.map { $0 / ridge } }
      let rows = problem.rows, labels = problem.trainLabels
      var inner = [Double](repeating: 0, count: rows.count)
      for (row, label) in labels.enumerated() {
        let z = rows.pointer + row * rows.width, mean = label ? positive : negative
        for j in 0..<rows.width { inner[row] += (Double(z[j]) - mean[j]) * v[j] }
      }
      inner = try Cholesky(matrix, ridge: ridge / scale).solve(inner)
      var result = v
      for (row, label) in labels.enumerated() {
        let z = rows.pointer + row * rows.width, mean = label ? positive : negative
        for j in 0..<rows.width { result[j] -= (Double(z[j]) - mean[j]) * inner[row] }
      }
      return result.map { $0 / ridge }
    }
  }
}
