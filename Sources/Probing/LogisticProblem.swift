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
  /// Calls `residual` with every text's logit and adds Σ residual · row, `[D]` in f64: one pass over the rows.
  ///
  /// `residual` is called once a row, on any thread: it writes to places of that row only.
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
    let losses = Slots(repeating: 0.0, count: rows.count),
      residuals = Slots(repeating: 0.0, count: rows.count)
    let curvature = Slots(repeating: Float(0), count: rows.count)
    point.gradient = try rows.pass(weights, bias) { row, logit in
      let a = textWeights?[row] ?? 1
      let p = ProperScores.sigmoid(logit)
      let residual = a * (p - (labels[row] ? 1 : 0))
      losses[row] = a * ProperScores.softplus(labels[row] ? -logit : logit)
      curvature[row] = Float(a * p * (1 - p))
      residuals[row] = residual
      return residual
    }
    var loss = 0.0, biasSum = 0.0, square = 0.0
    for row in 0..<rows.count {
      loss += losses[row]
      biasSum += residuals[row]
    }
    for j in weights.indices {
      point.gradient[j] = point.gradient[j] / n + penalty * weights[j]
      square += weights[j] * weights[j]
    }
    point.value = loss / n + penalty / 2 * square
    point.biasGradient = biasSum / n
    point.curvature = curvature.values
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
/// blocks f64. Blocks and the 1,024 rows of one partial sum depend on the sizes alone, never on threads.
struct DenseRows: LogisticRows {
  let tensor: Tensor
  var count: Int { tensor.shape[0] }
  var width: Int { tensor.shape[1] }
  var pointer: UnsafePointer<Float> { UnsafePointer(tensor.f32) }

  func pass(
    _ weights: [Double], _ bias: Double, _ residual: (_ row: Int, _ logit: Double) -> Double
  ) throws -> [Double] {
    let width = width, count = count
    let chunk = 1024, chunks = (count + chunk - 1) / chunk
    let parts = Slots(repeating: [Double](), count: chunks)
    let failures = Slots<(any Error)?>(repeating: nil, count: chunks)
    let narrow = weights.map(Float.init)
    Parallel.forEach(chunks, grain: 1) { range in
      for part in range {
        let rows = part * chunk..<min((part + 1) * chunk, count)
        do {
          parts[part] = try self.part(rows, width, narrow, bias, residual)
        } catch {
          failures[part] = error
        }
      }
    }
    if let failure = failures.values.compactMap({ $0 }).first { throw failure }
    var sum = [Double](repeating: 0, count: width)
    for part in parts.values { for j in 0..<width { sum[j] += part[j] } }
    return sum
  }

  /// The sum over some rows, block by block.
  private func part(
    _ rows: Range<Int>, _ width: Int, _ weights: [Float], _ bias: Double,
    _ residual: (_ row: Int, _ logit: Double) -> Double
  ) throws -> [Double] {
    let block = max(8, min(512, (384 << 10) / (4 * width)))
    var sum = [Double](repeating: 0, count: width)
    var product = [Float](repeating: 0, count: width)
    var values = [Float](repeating: 0, count: block)
    for start in stride(from: rows.lowerBound, to: rows.upperBound, by: block) {
      let count = min(block, rows.upperBound - start)
      let z = pointer + start * width
      try Product.gemv(&values, z, weights, m: count, n: width)
      for row in 0..<count { values[row] = Float(residual(start + row, Double(values[row]) + bias)) }
      try Product.gemv(&product, z, transpose: true, values, m: count, n: width)
      for j in 0..<width { sum[j] += Double(product[j]) }
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
