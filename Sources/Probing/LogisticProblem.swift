import Glibc
import LinearAlgebra
import Statistics
import Tensors

/// A point of a logistic problem and what is known there.
struct LogisticPoint {
  /// Weights, `[D]`.
  var weights: [Double]
  /// The unpenalised bias.
  var bias: Double
  /// The objective: mean loss in nats plus the penalty.
  var value = Double.infinity
  /// Its gradient over the weights, `[D]`.
  var gradient: [Double] = []
  /// Its derivative over the bias.
  var biasGradient = 0.0
  /// The second derivative of each text's loss over its logit, `[n]`, weighted, of mean order 1/4.
  var curvature: [Float] = []

  /// The largest component of the gradient.
  var slope: Double { gradient.reduce(abs(biasGradient)) { max($0, abs($1)) } }
}

/// Rows that a logistic problem is fitted on.
protocol LogisticRows {
  /// Texts, `n`.
  var count: Int { get }
  /// Features, `D`.
  var width: Int { get }
  /// Calls `residual` with every text's logit and adds Σ residual · row: one pass over the rows.
  ///
  /// `logits` and `residuals` are worked on in blocks; the sum `[D]` is f64.
  func pass(
    _ weights: [Double], _ bias: Double, _ residual: (_ row: Int, _ logit: Double) -> Double
  ) throws -> [Double]
}

/// L2-penalised logistic regression: (1/n) Σ aᵢ·log(1 + exp(−sᵢ(⟨w, zᵢ⟩ + b))) + (λ/2)·‖w‖².
struct LogisticProblem<Rows: LogisticRows> {
  /// The features.
  let rows: Rows
  /// Whether each text is positive, `[n]`.
  let labels: [Bool]
  /// The weight of each text, `[n]`, of mean 1; nil: all 1.
  let textWeights: [Double]?
  /// λ; scikit-learn's C is 1/(λ·n).
  let penalty: Double

  /// Value, gradient and curvature at a point.
  func evaluate(weights: [Double], bias: Double) throws -> LogisticPoint {
    var point = LogisticPoint(weights: weights, bias: bias)
    let n = Double(rows.count)
    var loss = 0.0, biasSum = 0.0
    var curvature = [Float](repeating: 0, count: rows.count)
    point.gradient = try rows.pass(weights, bias) { row, logit in
      let a = textWeights?[row] ?? 1
      let p = ProperScores.sigmoid(logit)
      loss += a * ProperScores.softplus(labels[row] ? -logit : logit)
      curvature[row] = Float(a * p * (1 - p))
      let residual = a * (p - (labels[row] ? 1 : 0))
      biasSum += residual
      return residual
    }
    var square = 0.0
    for j in weights.indices {
      point.gradient[j] = point.gradient[j] / n + penalty * weights[j]
      square += weights[j] * weights[j]
    }
    point.value = loss / n + penalty / 2 * square
    point.biasGradient = biasSum / n
    point.curvature = curvature
    return point
  }

  /// The share of positive texts, weighted: where the bias starts.
  var priorLogit: Double {
    var up = 0.0, all = 0.0
    for (row, label) in labels.enumerated() {
      let a = textWeights?[row] ?? 1
      all += a
      if label { up += a }
    }
    let share = min(max(up / all, 1e-6), 1 - 1e-6)
    return log(share / (1 - share))
  }
}

/// Dense f32 rows `[n, D]`.
///
/// Products of a block of rows are f32 (OpenBLAS, on rows that are still in cache for the second product), sums over
/// blocks f64. The block depends on the width alone.
struct DenseRows: LogisticRows {
  let tensor: Tensor
  var count: Int { tensor.shape[0] }
  var width: Int { tensor.shape[1] }
  var pointer: UnsafePointer<Float> { UnsafePointer(tensor.f32) }

  func pass(
    _ weights: [Double], _ bias: Double, _ residual: (_ row: Int, _ logit: Double) -> Double
  ) throws -> [Double] {
    let width = width, count = count
    let block = max(8, min(512, (384 << 10) / (4 * width)))
    let narrow = weights.map(Float.init)
    var sum = [Double](repeating: 0, count: width)
    var part = [Float](repeating: 0, count: width)
    var values = [Float](repeating: 0, count: block)
    for start in stride(from: 0, to: count, by: block) {
      let rows = min(block, count - start)
      let z = pointer + start * width
      try Product.gemv(&values, z, narrow, m: rows, n: width)
      for row in 0..<rows { values[row] = Float(residual(start + row, Double(values[row]) + bias)) }
      try Product.gemv(&part, z, transpose: true, values, m: rows, n: width)
      sum.withUnsafeMutableBufferPointer { sum in
        part.withUnsafeBufferPointer { part in for j in 0..<width { sum[j] += Double(part[j]) } }
      }
    }
    return sum
  }
}

/// Sparse rows: the features that are not zero.
struct SparseRows: LogisticRows {
  let width: Int
  /// Where each row begins in `columns`, `[n + 1]`.
  let starts: [Int]
  let columns: [Int32]
  let values: [Float]
  var count: Int { starts.count - 1 }

  /// One logit.
  func logit(_ row: Int, _ weights: [Double], _ bias: Double) -> Double {
    var sum = bias
    for place in starts[row]..<starts[row + 1] { sum += Double(values[place]) * weights[Int(columns[place])] }
    return sum
  }

  func pass(
    _ weights: [Double], _ bias: Double, _ residual: (_ row: Int, _ logit: Double) -> Double
  ) throws -> [Double] {
    var sum = [Double](repeating: 0, count: width)
    for row in 0..<count {
      let r = residual(row, logit(row, weights, bias))
      for place in starts[row]..<starts[row + 1] { sum[Int(columns[place])] += r * Double(values[place]) }
    }
    return sum
  }
}
