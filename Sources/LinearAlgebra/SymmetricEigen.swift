/// Eigenvalues and eigenvectors of a symmetric matrix, ascending (LAPACK's divide and conquer).
public struct SymmetricEigen<Scalar: LinearScalar>: Sendable {
  /// The eigenvalues, `[D]`, ascending.
  public let values: [Scalar]
  /// The eigenvectors, `[D, D]`, row `i` belonging to `values[i]`, each of length 1 with its largest component
  /// positive; nil when only values were asked for.
  public let vectors: Matrix<Scalar>?

  /// Decomposes a matrix `[D, D]` of which the lower triangle is read.
  /// - Throws: ``LinearAlgebraError``.
  /// - Complexity: about 4·D³ operations, memory 3·D² beside the input.
  public init(_ matrix: consuming Matrix<Scalar>, vectors: Bool = true) throws(LinearAlgebraError) {
    precondition(matrix.rows == matrix.columns, "a square matrix")
    let size = matrix.rows
    let n = try narrow(size, "syevd", limit: 32_000)
    var a = matrix.values
    var values = [Scalar](repeating: 0, count: size)
    guard size > 0 else {
      self.values = []
      self.vectors = vectors ? Matrix(zeros: 0, 0) : nil
      return
    }
    let status = a.withPointer { a in values.withPointer { Scalar.syevd(vectors, n, a, $0) } }
    if status > 0 { throw .noConvergence(routine: "syevd") }
    if status < 0 { throw .notFinite(routine: "syevd") }
    self.values = values
    guard vectors else {
      self.vectors = nil
      return
    }
    for row in 0..<size { orient(&a, row * size..<(row + 1) * size) }
    self.vectors = Matrix(size, size, a)
  }
}

/// Turns a vector so that its first component of largest magnitude is positive; says whether it was turned.
@discardableResult
func orient<Scalar: LinearScalar>(_ values: inout [Scalar], _ range: Range<Int>) -> Bool {
  var largest: Scalar = 0
  for i in range where values[i].magnitude > largest.magnitude { largest = values[i] }
  guard largest < 0 else { return false }
  for i in range { values[i] = -values[i] }
  return true
}
