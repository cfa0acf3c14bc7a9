import Checkpoints
import LinearAlgebra
import Runtime
import Tensors

/// The singular values of a tensor's change, and its leading singular vectors.
///
/// Randomised subspace iteration (Halko, Martinsson, Tropp, arXiv 0909.4061, algorithm 4.4) over the rows that moved, in
/// f64, a block of rows at a time: two passes to turn a random subspace towards the change, one to read its values off.
/// Where no more rows or columns moved than the subspace is wide, the values are exact. `R` rows moved, `K` columns,
/// `S` width of the subspace.
public struct DeltaSpectrum: Sendable, Equatable {
  /// Width of the subspace at most, `S`.
  public static let width = 32
  private static let blockValues = 1 << 20

  /// The leading singular values, descending, at most ``width``.
  public let values: [Double]
  /// How many of them rise above ``floor``.
  public let rank: Int
  /// Whether there may be more than ``rank``: every value that was computed rises above the floor, and there are others.
  public let isLowerBound: Bool
  /// The singular value that rounding errors of the stored type alone could reach.
  public let floor: Double
  /// ‖Δ‖², the sum of all squared singular values.
  public let squares: Double
  /// The leading right singular vector, `[K]`, of length 1.
  public let right: [Double]
  /// Each moved row's product with ``right``, `[R]`: the leading left singular vector times the leading value.
  public let left: [Double]

  /// ‖Δ‖² over the largest singular value squared: a rank that needs no threshold.
  public var stableRank: Double { values.first.map { $0 > 0 ? squares / ($0 * $0) : 0 } ?? 0 }

  /// The spectrum of a difference; nil for vectors, for types without arithmetic, and for values that are not finite.
  /// - Throws: ``CheckpointError``, ``LinearAlgebraError``, ``Interrupted``.
  /// - Complexity: 8·R·K·S operations; memory of a block, `S·K` and `R·S` numbers.
  public init?(_ difference: TensorDifference, base: Checkpoint, edited: Checkpoint) throws {
    guard difference.shape.count >= 2, difference.dtype.isComputable, difference.norm != nil,
      difference.nonFinite == 0
    else { return nil }
    let rows = difference.rows.count, columns = difference.shape.last ?? 1
    let reader = try DeltaReader(difference, base: base, edited: edited)
    let width = min(Self.width, min(rows, columns))
    var subspace = Self.start(width, columns)
    for _ in 0..<2 {
      var turned = Matrix<Double>(zeros: subspace.rows, columns)
      try reader.forEachBlock(Self.blockValues) { _, _, delta, count in
        let seen = try Self.product(delta, count, columns, subspace)
        // turned += (Δ·Qᵀ)ᵀ·Δ
        try seen.values.withUnsafeBufferPointer { seen in
          try turned.values.withUnsafeMutableBufferPointer { turned in
            guard let to = turned.baseAddress, let from = seen.baseAddress else { return }
            try Product.gemm(
              to, from, transposeA: true, delta, m: subspace.rows, n: columns, k: count, beta: 1)
          }
        }
      }
      subspace = Self.orthonormal(turned)
    }
    var seen: [Double] = []
    seen.reserveCapacity(rows * subspace.rows)
    try reader.forEachBlock(Self.blockValues) { _, _, delta, count in
      seen += try Self.product(delta, count, columns, subspace).values
    }
    let size = subspace.rows
    var gram = Matrix<Double>(zeros: size, size)
    try gram.values.withUnsafeMutableBufferPointer { gram in
      try seen.withUnsafeBufferPointer { seen in
        guard let to = gram.baseAddress, let from = seen.baseAddress else { return }
        try Product.gram(to, from, rows: rows, columns: size)
      }
    }
    let eigen = try SymmetricEigen(gram)
    let values = eigen.values.reversed().map { max($0, 0).squareRoot() }
    var right = [Double](repeating: 0, count: columns)
    var left = [Double](repeating: 0, count: rows)
    if size > 0, let vectors = eigen.vectors {
      let leading = Array(vectors.row(size - 1))
      for index in 0..<size {
        for column in 0..<columns { right[column] += leading[index] * subspace[index, column] }
      }
      for row in 0..<rows {
        for index in 0..<size { left[row] += leading[index] * seen[row * size + index] }
      }
    }
    self.values = values
    self.right = right
    self.left = left
    squares = (difference.norm ?? 0) * (difference.norm ?? 0)
    floor = Self.floor(difference, largest: values.first ?? 0)
    rank = values.prefix { [floor] in $0 > floor }.count
    isLowerBound = rank == size && size == Self.width && size < min(rows, columns)
  }

  /// Rounding errors are as good as independent: their matrix has a largest singular value of about s·(√R + √K), with s
  /// the root mean square of one of them. Half as much again is allowed, and what f64 sums lose in f32 files.
  private static func floor(_ difference: TensorDifference, largest: Double) -> Double {
    let columns = Double(max(difference.columnsChanged, 1)), rows = Double(difference.rows.count)
    let width = Double(difference.shape.last ?? 1)
    let noise = (difference.roundingNorm ?? 0) / (rows * width).squareRoot()
    return max(1.5 * noise * (rows.squareRoot() + columns.squareRoot()), 1e-6 * largest)
  }

  /// Random rows, `[S, K]`.
  private static func start(_ rows: Int, _ columns: Int) -> Matrix<Double> {
    var random = CounterRandom(seed: 0, stream: "delta-spectrum")
    return Matrix(rows, columns, (0..<rows * columns).map { _ in random.normal() })
  }

  /// Δ·Qᵀ, `[count, S]`.
  private static func product(
    _ delta: UnsafePointer<Double>, _ count: Int, _ columns: Int, _ subspace: Matrix<Double>
  ) throws -> Matrix<Double> {
    var result = Matrix<Double>(zeros: count, subspace.rows)
    try result.values.withUnsafeMutableBufferPointer { result in
      try subspace.values.withUnsafeBufferPointer { subspaceValues in
        guard let to = result.baseAddress, let basis = subspaceValues.baseAddress else { return }
        try Product.gemm(to, delta, basis, transposeB: true, m: count, n: subspace.rows, k: columns)
      }
    }
    return result
  }

  /// An orthonormal basis of the rows' span (Gram-Schmidt, twice); rows that depend on earlier ones are left out.
  private static func orthonormal(_ matrix: Matrix<Double>) -> Matrix<Double> {
    let columns = matrix.columns
    var basis: [[Double]] = []
    for index in 0..<matrix.rows {
      var row = Array(matrix.row(index))
      let length = row.reduce(0) { $0 + $1 * $1 }.squareRoot()
      for _ in 0..<2 {
        for other in basis {
          var dot = 0.0
          for column in 0..<columns { dot += row[column] * other[column] }
          for column in 0..<columns { row[column] -= dot * other[column] }
        }
      }
      let rest = row.reduce(0) { $0 + $1 * $1 }.squareRoot()
      guard rest > 1e-12 * length, rest > 0 else { continue }
      basis.append(row.map { $0 / rest })
    }
    return Matrix(basis.count, columns, basis.flatMap { $0 })
  }
}

/// Reads the rows that moved, before the change and their change, a block at a time in f64.
struct DeltaReader {
  let rows: [Int]
  let columns: Int
  private let base: Tensor
  private let edited: Tensor

  init(_ difference: TensorDifference, base: Checkpoint, edited: Checkpoint) throws {
    let columns = difference.shape.last ?? 1
    self.columns = columns
    rows = difference.rows
    self.base = try base.tensor(difference.tensor).reshaped([difference.rowCount, columns])
    self.edited = try edited.tensor(difference.tensor).reshaped([difference.rowCount, columns])
  }

  /// Calls `body` with the moved rows of each block: their slots in ``rows``, base and change `[count, K]`, count.
  func forEachBlock(
    _ values: Int,
    _ body: (Range<Int>, UnsafePointer<Double>, UnsafePointer<Double>, Int) throws -> Void
  ) throws {
    let step = max(1, min(rows.count, values / max(columns, 1)))
    var before = [Double](repeating: 0, count: step * columns)
    var delta = before
    let scratch = TensorStorage(byteCount: 8 * step * columns)
    let old = scratch.base.assumingMemoryBound(to: Float.self), new = old + step * columns
    for start in stride(from: 0, to: rows.count, by: step) {
      try Cancellation.check()
      let slots = start..<min(start + step, rows.count)
      var first = slots.lowerBound
      while first < slots.upperBound {  // runs of neighbours are widened together
        var end = first + 1
        while end < slots.upperBound, rows[end] == rows[end - 1] + 1 { end += 1 }
        let run = rows[first]..<(rows[end - 1] + 1)
        base.rows(run).copyFloats(to: old + (first - start) * columns)
        edited.rows(run).copyFloats(to: new + (first - start) * columns)
        first = end
      }
      for index in 0..<(slots.count * columns) {
        before[index] = Double(old[index])
        delta[index] = Double(new[index]) - Double(old[index])
      }
      try before.withUnsafeBufferPointer { before in
        try delta.withUnsafeBufferPointer { delta in
          guard let old = before.baseAddress, let change = delta.baseAddress else { return }
          try body(slots, old, change, slots.count)
        }
      }
    }
    withExtendedLifetime(scratch) {}
  }
}
