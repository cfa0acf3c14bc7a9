import LinearAlgebra
import Tensors

/// One matrix pruned with error compensation (SparseGPT, arXiv 2301.00774, algorithm 1): what a pruned weight did is
/// spread over the weights to its right, so that the product changes least on the calibration texts.
///
/// With H = XᵀX and U the upper Cholesky factor of (H + λI)⁻¹, a weight w of column j costs (w / U_jj)². Columns go from
/// left to right in blocks: those of lowest cost in the block are chosen from all rows, then column by column the errors
/// e = w / U_jj of the pruned ones are taken off the rest of the row, w ← w − e · U_j. All arithmetic is f64.
///
/// Differences from the published code, each for a reason: counts are exact (ties by the lower index); an input that is
/// zero on all texts costs nothing, so its weights go first, but those beyond the count stay as they are; λ grows tenfold
/// and is told where the matrix cannot be factored.
///
/// Shapes: `N` outputs, `K` inputs.
public struct SparseGPT: Sendable {
  /// How many weights go.
  public enum Target: Sendable, Equatable {
    /// This many of the matrix, shared out evenly over the blocks of columns.
    case count(Int)
    /// All but `keep` of each `of` neighbours along the inputs, chosen when their turn comes; what is left over at the
    /// end of a row stays.
    case pattern(keep: Int, of: Int)
  }

  /// Columns of a block.
  public var blockWidth = 128
  /// λ as a share of the mean of the diagonal of H.
  public var damping = 0.01

  /// Blocks of 128 columns, damping of 1 %.
  public init() {}

  /// What came out.
  public struct Outcome: Sendable {
    /// The new weights `[N, K]`, row-major; pruned ones are zero.
    public var weights: [Float]
    /// Whether a weight was pruned, row-major `[N, K]`.
    public var pruned: [Bool]
    /// The damping that was used.
    public var damping: GramMatrix.Damping
  }

  /// Prunes a matrix.
  /// - Parameters:
  ///   - weights: W `[N, K]`, row-major.
  ///   - rows: N.
  ///   - gram: H of the product's input, factored here where it is not yet.
  ///   - target: how many weights go; a count of at most N·K.
  /// - Throws: ``LinearAlgebraError``.
  /// - Complexity: O(N · K² + K³).
  public func prune(_ weights: [Float], rows: Int, gram: GramMatrix, target: Target) throws -> Outcome {
    let columns = gram.size
    precondition(weights.count == rows * columns, "\(weights.count) weights for [\(rows), \(columns)]")
    let damping = try gram.factored(damping: self.damping)
    var work = weights.map(Double.init)
    var pruned = [Bool](repeating: false, count: weights.count)
    try work.withUnsafeMutableBufferPointer { work in
      try pruned.withUnsafeMutableBufferPointer { pruned in
        guard let work = work.baseAddress, let pruned = pruned.baseAddress else { return }
        try walk(Walk(weights: work, pruned: pruned, rows: rows, columns: columns, gram: gram), target)
      }
    }
    return Outcome(weights: work.map { Float($0) }, pruned: pruned, damping: damping)
  }

  /// The memory of one run.
  private struct Walk {
    let weights: UnsafeMutablePointer<Double>
    let pruned: UnsafeMutablePointer<Bool>
    let rows: Int
    let columns: Int
    let gram: GramMatrix
    /// H_jj = 0.
    let dead: [Bool]

    init(
      weights: UnsafeMutablePointer<Double>, pruned: UnsafeMutablePointer<Bool>, rows: Int, columns: Int,
      gram: GramMatrix
    ) {
      (self.weights, self.pruned, self.rows, self.columns) = (weights, pruned, rows, columns)
      self.gram = gram
      dead = gram.diagonal.map { $0 == 0 }
    }
  }

  private func walk(_ run: Walk, _ target: Target) throws(LinearAlgebraError) {
    let (rows, columns) = (run.rows, run.columns)
    guard rows > 0, columns > 0 else { return }
    var step = max(1, blockWidth)
    if case .pattern(_, let group) = target { step = max(group, step / group * group) }
    let width = min(step, columns)
    let corner = UnsafeMutablePointer<Double>.allocate(capacity: width * width)
    let rest = UnsafeMutablePointer<Double>.allocate(capacity: width * columns)
    let errors = UnsafeMutablePointer<Double>.allocate(capacity: rows * width)
    let keys = UnsafeMutablePointer<UInt64>.allocate(capacity: rows * width)
    defer {
      corner.deallocate()
      rest.deallocate()
      errors.deallocate()
      keys.deallocate()
    }
    for start in stride(from: 0, to: columns, by: step) {
      let end = min(columns, start + step)
      let b = end - start
      for j in 0..<b {
        corner.advanced(by: j * b).update(repeating: 0, count: j)
        run.gram.factor(row: start + j, columns: (start + j)..<end, to: corner + j * b + j)
        run.gram.factor(row: start + j, columns: end..<columns, to: rest + j * (columns - end))
      }
      var group: (keep: Int, of: Int)?
      switch target {
      case .count(let total):
        let share =
          Self.share(total, of: columns, through: end) - Self.share(total, of: columns, through: start)
        select(run, start..<end, corner, keys, count: share)
      case .pattern(let keep, let of): group = (keep, of)
      }
      Parallel.forEach(rows, grain: max(1, 16384 / b)) { range in
        for row in range { compensate(run, row, start, b, corner, errors, group) }
      }
      guard end < columns else { break }
      try Product.gemm(
        run.weights + end, cStride: columns, errors, rest, m: rows, n: columns - end, k: b, alpha: -1, beta: 1
      )
    }
  }

  /// How many of `total` weights go from the columns before `column`: as even as whole numbers can be.
  private static func share(_ total: Int, of columns: Int, through column: Int) -> Int {
    let product = total.multipliedFullWidth(by: column)
    return columns.dividingFullWidth(product).quotient
  }

  /// Chooses the weights of lowest cost of a block of columns, from all rows together.
  private func select(
    _ run: Walk, _ block: Range<Int>, _ corner: UnsafePointer<Double>, _ keys: UnsafeMutablePointer<UInt64>,
    count: Int
  ) {
    let b = block.count
    Parallel.forEach(run.rows, grain: max(1, 16384 / b)) { range in
      for row in range {
        for j in 0..<b {
          let cost =
            run.dead[block.lowerBound + j]
            ? 0 : run.weights[row * run.columns + block.lowerBound + j] / corner[j * b + j]
          keys[row * b + j] = (cost * cost).bitPattern
        }
      }
    }
    let cut = OrderStatistic.cut(UnsafeBufferPointer(start: keys, count: run.rows * b), count: count)
    var ties = cut.ties
    for place in 0..<(run.rows * b) {
      let key = keys[place]
      guard key <= cut.key else { continue }
      if key == cut.key {
        guard ties > 0 else { continue }
        ties -= 1
      }
      let (row, j) = place.quotientAndRemainder(dividingBy: b)
      run.pruned[row * run.columns + block.lowerBound + j] = true
    }
  }

  /// One row of a block, from left to right; its errors go into `errors`.
  private func compensate(
    _ run: Walk, _ row: Int, _ start: Int, _ b: Int, _ corner: UnsafePointer<Double>,
    _ errors: UnsafeMutablePointer<Double>, _ group: (keep: Int, of: Int)?
  ) {
    let weights = run.weights + row * run.columns + start
    let pruned = run.pruned + row * run.columns + start
    for j in 0..<b {
      if let group, j % group.of == 0, j + group.of <= b {
        choose(run, weights, pruned, start, j..<(j + group.of), corner, b, keep: group.keep)
      }
      guard pruned[j] else {
        errors[row * b + j] = 0
        continue
      }
      let line = corner + j * b
      let error = weights[j] / line[j]
      errors[row * b + j] = error
      for t in (j + 1)..<max(b, j + 1) { weights[t] -= error * line[t] }
      weights[j] = 0
    }
  }

  /// Marks all but the `keep` dearest of a few neighbours; of equals the lower index goes.
  private func choose(
    _ run: Walk, _ weights: UnsafePointer<Double>, _ pruned: UnsafeMutablePointer<Bool>, _ start: Int,
    _ places: Range<Int>, _ corner: UnsafePointer<Double>, _ b: Int, keep: Int
  ) {
    func cost(_ j: Int) -> Double {
      if run.dead[start + j] { return 0 }
      let root = weights[j] / corner[j * b + j]
      return root * root
    }
    for _ in 0..<max(0, places.count - keep) {
      var best: (place: Int, cost: Double)?
      for j in places where !pruned[j] {
        let own = cost(j)
        if best.map({ own < $0.cost }) ?? true { best = (j, own) }
      }
      if let best { pruned[best.place] = true }
    }
  }
}
