import LinearAlgebra
import Tensors

/// H = Xᵀ·X `[K, K]` of everything a product reads, X `[tokens, K]`, in f64: filled text by text, then factored in place.
///
/// One square memory holds all: while it is filled the lower triangle, afterwards H above the diagonal, the diagonal by
/// itself, and below it the factor that SparseGPT needs.
public final class GramMatrix: @unchecked Sendable {
  /// Inputs of the product, K.
  public let size: Int
  /// The damping that the factor was made with; nil before.
  public private(set) var damping: Damping?

  private let memory: UnsafeMutablePointer<Double>
  private var ownDiagonal: [Double]?

  /// What was added to the diagonal before it could be factored.
  public struct Damping: Sendable, Equatable {
    /// Share of the mean of the live diagonal that was asked for.
    public let asked: Double
    /// The share that factored: the asked one, or ten times as much once or several times.
    public let used: Double
    /// What was added, in the unit of H.
    public let added: Double
    /// Inputs that were zero on every token; the mean stands on their diagonal.
    public let dead: Int
    /// Largest over smallest squared pivot of the damped matrix: a lower bound of its condition number.
    public let pivotRatio: Double
  }

  /// Zeros.
  public init(size: Int) {
    self.size = size
    memory = .allocate(capacity: max(1, size * size))
    memory.initialize(repeating: 0, count: size * size)
  }

  deinit { memory.deallocate() }

  /// Bytes of a matrix of K inputs.
  public static func bytes(inputs: Int) -> Int { 8 * inputs * inputs }

  /// H ← H + XᵀX of the rows of one text, `[count, K]`; the bits depend on the texts and their order alone.
  /// - Throws: ``LinearAlgebraError/tooLarge(routine:size:limit:)``.
  /// - Complexity: count · K² operations.
  func add(_ rows: UnsafePointer<Double>, count: Int) throws(LinearAlgebraError) {
    precondition(ownDiagonal == nil, "a matrix that is sealed already")
    guard count > 0, size > 0 else { return }
    try Product.gram(memory, rows, rows: count, columns: size, beta: 1)
  }

  /// A given symmetric H, of which the lower triangle is read.
  public convenience init(_ matrix: Matrix<Double>) {
    self.init(size: matrix.rows)
    precondition(matrix.rows == matrix.columns, "a square matrix")
    matrix.values.withUnsafeBufferPointer { values in
      if let base = values.baseAddress { memory.update(from: base, count: values.count) }
    }
  }

  /// The diagonal of H, Σx² of each input `[K]`; the first call ends the filling.
  public var diagonal: [Double] {
    if let ownDiagonal { return ownDiagonal }
    let result = (0..<size).map { memory[$0 * size + $0] }
    ownDiagonal = result
    Product.mirror(memory, size: size)
    return result
  }

  /// Factors H + damping·I, so that ``factor(row:columns:to:)`` can be read; once for all products that read the input.
  ///
  /// Zeros on the diagonal (dead inputs) count as the mean of the others. Where the damped matrix is not positive
  /// definite the damping grows tenfold until it is, which ``Damping`` tells.
  /// - Throws: ``LinearAlgebraError`` where no damping helps: NaN, or sizes beyond the library's.
  /// - Complexity: ⅔·K³ operations an attempt.
  @discardableResult
  public func factored(damping share: Double) throws(LinearAlgebraError) -> Damping {
    if let damping, damping.asked == share { return damping }
    let own = diagonal
    let live = own.filter { $0 != 0 }
    let mean = live.isEmpty ? 1 : live.reduce(0, +) / Double(live.count)
    guard mean.isFinite else { throw .notFinite(routine: "potrf") }
    var used = share
    var attempts = 0
    while true {
      let added = used * mean
      do throws(LinearAlgebraError) {
        try InverseFactor.replace(
          memory, diagonal: own.map { ($0 == 0 ? mean : $0) + added }, size: size)
      } catch .notPositiveDefinite where attempts < 12 {
        attempts += 1
        used = max(used, 1e-8) * 10
        continue
      }
      let pivots = (0..<size).map { memory[$0 * size + $0] }
      let ratio = (pivots.max() ?? 1) / (pivots.min() ?? 1)
      let result = Damping(
        asked: share, used: used, added: added, dead: size - live.count, pivotRatio: ratio * ratio)
      damping = result
      return result
    }
  }

  /// What stands on the damped diagonal beyond H, `[K]`.
  func addedDiagonal() -> [Double] {
    guard let damping else { return [] }
    let own = diagonal
    let live = own.filter { $0 != 0 }
    let mean = live.isEmpty ? 1 : live.reduce(0, +) / Double(live.count)
    return own.map { ($0 == 0 ? mean : 0) + damping.added }
  }

  /// Copies U[row, columns] of the damped inverse UᵀU to memory for them.
  func factor(row: Int, columns: Range<Int>, to out: UnsafeMutablePointer<Double>) {
    precondition(damping != nil, "a factor that was not made")
    InverseFactor.copy(row: row, columns: columns, of: memory, size: size, to: out)
  }

  /// U_jj of the damped inverse UᵀU, `[K]`.
  func factorDiagonal() -> [Double] {
    precondition(damping != nil, "a factor that was not made")
    return (0..<size).map { memory[(size - 1 - $0) * size + size - 1 - $0] }
  }

  /// Σ over the rows x `[count, K]` of xᵀHx: for rows of W it is ‖W·Xᵀ‖² over all tokens.
  /// - Throws: ``LinearAlgebraError/tooLarge(routine:size:limit:)``.
  /// - Complexity: count · K² operations.
  func energy(_ rows: UnsafePointer<Double>, count: Int) throws(LinearAlgebraError) -> Double {
    let own = diagonal
    let width = 128
    var square = [Double](repeating: 0, count: width * width)
    let product = UnsafeMutablePointer<Double>.allocate(capacity: max(1, count * width))
    defer { product.deallocate() }
    var sum = 0.0
    for start in stride(from: 0, to: size, by: width) {
      let end = min(size, start + width)
      let b = end - start
      // Twice what lies above the block, and the block itself.
      for i in 0..<b {
        square[i * b + i] = own[start + i]
        for j in (i + 1)..<max(b, i + 1) {
          square[i * b + j] = memory[(start + i) * size + start + j]
          square[j * b + i] = square[i * b + j]
        }
      }
      try square.withUnsafeBufferPointer { square throws(LinearAlgebraError) in
        guard let square = square.baseAddress else { return }
        try Product.gemm(product, rows + start, aStride: size, square, m: count, n: b, k: b)
      }
      if start > 0 {
        try Product.gemm(
          product, cStride: b, rows, aStride: size, memory + start, bStride: size, m: count, n: b, k: start,
          alpha: 2, beta: 1)
      }
      for row in 0..<count {
        for j in 0..<b { sum += product[row * b + j] * rows[row * size + start + j] }
      }
    }
    return sum
  }
}
