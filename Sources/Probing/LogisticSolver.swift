import LinearAlgebra
import Runtime

/// Approximately inverts a Hessian: from a gradient over weights and bias to the step against it.
typealias Preconditioner = (_ gradient: [Double], _ bias: Double) throws -> (weights: [Double], bias: Double)

/// Minimises a logistic problem: L-BFGS (Nocedal 1980) whose inner matrix is a factored Hessian, or Newton's method,
/// which is the same without memory and with a fresh Hessian every time.
struct LogisticSolver {
  /// Largest component of the gradient (nats per standard deviation) at which the fit counts as converged.
  var tolerance = 1e-6
  /// Steps at most.
  var maxIterations = 200
  /// Pairs of steps and gradient changes that are remembered; 0: none.
  var memory = 10
  /// Steps after which the Hessian is made anew at the current point; nil: never.
  var refresh: Int?
  /// Gives up where the gradient has not fallen to a share of the first one after some steps; nil: never.
  var trial: (steps: Int, share: Double)?

  /// How a fit ended.
  struct Outcome {
    var point: LogisticPoint
    var iterations: Int
    var hasConverged: Bool
  }

  /// Minimises from a point.
  ///
  /// `start` is the weights `[D]` and bias to begin at; `preconditioner` that of the first steps (nil: the identity,
  /// scaled); `renewed` makes one at a point, where `refresh` says so.
  /// - Throws: ``LinearAlgebraError``, ``Interrupted``.
  func minimise<Rows>(
    _ problem: LogisticProblem<Rows>, from start: (weights: [Double], bias: Double),
    preconditioner: Preconditioner?, renewed: ((LogisticPoint) throws -> Preconditioner)? = nil
  ) throws -> Outcome {
    var inverse = preconditioner
    var point = try problem.evaluate(weights: start.weights, bias: start.bias)
    let firstSlope = point.slope
    var pairs: [Pair] = []
    var age = 0
    for iteration in 0..<maxIterations {
      if point.slope <= tolerance { return Outcome(point: point, iterations: iteration, hasConverged: true) }
      if let trial, iteration == trial.steps, point.slope > trial.share * firstSlope {
        return Outcome(point: point, iterations: iteration, hasConverged: false)
      }
      try Cancellation.check()
      if let refresh, let renewed, age >= refresh || inverse == nil {
        inverse = try renewed(point)
        pairs.removeAll()
        age = 0
      }
      age += 1
      var step = try direction(point, pairs, inverse)
      var slope = dot(step, point)
      if !(slope < 0) {
        pairs.removeAll()
        step = try direction(point, [], inverse)
        slope = dot(step, point)
      }
      guard let next = try search(problem, point, step, slope) else {
        // Nothing lower can be seen in f32 products: as good as it gets.
        return Outcome(point: point, iterations: iteration, hasConverged: point.slope <= 100 * tolerance)
      }
      if memory > 0, let pair = Pair(from: point, to: next) {
        pairs.append(pair)
        if pairs.count > memory { pairs.removeFirst() }
      }
      point = next
    }
    return Outcome(point: point, iterations: maxIterations, hasConverged: point.slope <= tolerance)
  }

  /// A step and the change of the gradient over it; the last component is the bias.
  private struct Pair {
    var s: [Double]
    var y: [Double]
    var sy: Double

    init?(from a: LogisticPoint, to b: LogisticPoint) {
      s = zip(b.weights, a.weights).map { $0 - $1 } + [b.bias - a.bias]
      y = zip(b.gradient, a.gradient).map { $0 - $1 } + [b.biasGradient - a.biasGradient]
      sy = LogisticSolver.product(s, y)
      let size = (LogisticSolver.product(s, s) * LogisticSolver.product(y, y)).squareRoot()
      guard sy > 1e-8 * size else { return nil }
    }
  }

  private static func product(_ a: [Double], _ b: [Double]) -> Double {
    var sum = 0.0
    for i in a.indices { sum += a[i] * b[i] }
    return sum
  }

  private func dot(_ step: [Double], _ point: LogisticPoint) -> Double {
    var sum = step[point.gradient.count] * point.biasGradient
    for j in point.gradient.indices { sum += step[j] * point.gradient[j] }
    return sum
  }

  /// −H⁻¹·∇ by the two loops over the remembered pairs; `[D + 1]`.
  private func direction(
    _ point: LogisticPoint, _ pairs: [Pair], _ inverse: Preconditioner?
  ) throws -> [Double] {
    var q = point.gradient + [point.biasGradient]
    var alphas: [Double] = []
    for pair in pairs.reversed() {
      let alpha = Self.product(pair.s, q) / pair.sy
      alphas.append(alpha)
      for i in q.indices { q[i] -= alpha * pair.y[i] }
    }
    if let inverse {
      let (weights, bias) = try inverse(Array(q.dropLast()), q[q.count - 1])
      q = weights + [bias]
    } else if let last = pairs.last {
      let scale = last.sy / Self.product(last.y, last.y)
      for i in q.indices { q[i] *= scale }
    }
    for (pair, alpha) in zip(pairs, alphas.reversed()) {
      let beta = Self.product(pair.y, q) / pair.sy
      for i in q.indices { q[i] += (alpha - beta) * pair.s[i] }
    }
    for i in q.indices { q[i] = -q[i] }
    return q
  }

  /// The first point along the step that is lower by a part of what the slope promises; nil when none is.
  private func search<Rows>(
    _ problem: LogisticProblem<Rows>, _ point: LogisticPoint, _ step: [Double], _ slope: Double
  ) throws -> LogisticPoint? {
    var length = 1.0
    // What rounding of the f32 products can hide.
    let noise = 2e-8 * max(abs(point.value), 1e-3)
    for _ in 0..<40 {
      var weights = point.weights
      for j in weights.indices { weights[j] += length * step[j] }
      let next = try problem.evaluate(weights: weights, bias: point.bias + length * step[weights.count])
      if next.value.isFinite, next.value <= point.value + 1e-4 * length * slope + noise {
        // Inside the noise only a smaller gradient is progress.
        if next.value < point.value - noise || next.slope < point.slope { return next }
        if -slope * length < noise { return nil }
        return next
      }
      let curve = next.value.isFinite ? next.value - point.value - length * slope : .infinity
      let best = curve.isFinite && curve > 0 ? -slope * length * length / (2 * curve) : length / 10
      length = min(max(best, length / 10), length / 2)
    }
    return nil
  }
}

extension DenseRows {
  /// Σ over texts of h·z zᵀ / n + λ·I, bordered by the bias, factored at one point: Newton's step.
  func newton(_ point: LogisticPoint, penalty: Double) throws -> Preconditioner {
    let n = Double(count)
    var scaled = [Float](repeating: 0, count: count * width)
    for row in 0..<count {
      let root = point.curvature[row].squareRoot()
      let z = pointer + row * width
      for j in 0..<width { scaled[row * width + j] = root * z[j] }
    }
    let solver = try RidgeSolver(scaled, rows: count, columns: width)
    let floor = 1e-6 * Double(solver.trace) / n / Double(min(count, width))
    let factored = try solver.factored(scale: Float(1 / n), ridge: Float(max(penalty, floor)))
    var border = [Double](repeating: 0, count: width)
    var total = 0.0
    for row in 0..<count {
      let h = Double(point.curvature[row])
      total += h
      let z = pointer + row * width
      for j in 0..<width { border[j] += h * Double(z[j]) }
    }
    for j in 0..<width { border[j] /= n }
    total = max(total / n, 1e-9)
    let rows = scaled
    func solve(_ v: [Double]) throws -> [Double] {
      // f32 has no room for gradients near 0: scale before narrowing.
      let size = v.reduce(0) { max($0, abs($1)) }
      guard size > 0 else { return v }
      return try factored.solve(v.map { Float($0 / size) }, rows).map { Double($0) * size }
    }
    let borderSolved = try solve(border)
    let schur = max(total - zip(border, borderSolved).reduce(0) { $0 + $1.0 * $1.1 }, 1e-3 * total)
    return { gradient, bias in
      var step = try solve(gradient)
      let biasStep = (bias - zip(border, step).reduce(0) { $0 + $1.0 * $1.1 }) / schur
      for j in step.indices { step[j] -= borderSolved[j] * biasStep }
      return (step, biasStep)
    }
  }

  /// c·ZᵀZ/n + λ·I for centred rows and one curvature c for all texts: exact where all logits are equal.
  func constant(_ solver: RidgeSolver<Float>, curvature: Double, penalty: Double) throws -> Preconditioner {
    let n = Double(count)
    let floor = 1e-6 * curvature * Double(solver.trace) / n / Double(min(count, width))
    let factored = try solver.factored(scale: Float(curvature / n), ridge: Float(max(penalty, floor)))
    let rows = self
    return { gradient, bias in
      let size = gradient.reduce(0) { max($0, abs($1)) }
      guard size > 0 else { return (gradient, bias / curvature) }
      let step = try factored.solve(gradient.map { Float($0 / size) }, rows.pointer)
      return (step.map { Double($0) * size }, bias / curvature)
    }
  }
}
