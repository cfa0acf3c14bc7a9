/// The upper factor U of an inverse, A⁻¹ = Uᵀ·U, of a symmetric positive definite A `[D, D]`.
///
/// A with rows and columns in reverse order is factored once, Ã = L·Lᵀ, and L inverted: U is L⁻¹ read backwards. That is
/// one factorisation and one triangular inverse, and A⁻¹ itself, with its squared condition, is never made.
public enum InverseFactor {
  /// Replaces the lower triangle, diagonal included, of `a` by L⁻¹ `[D, D]`; A is read from the upper one.
  ///
  /// `diagonal` `[D]` stands for A's own, so that a caller can damp it and try again: the strict upper triangle stays.
  /// - Throws: ``LinearAlgebraError/notPositiveDefinite(size:pivot:)`` (the pivot counts in reverse order),
  ///   ``LinearAlgebraError/notFinite(routine:)``, ``LinearAlgebraError/tooLarge(routine:size:limit:)``.
  /// - Complexity: ⅔·D³ operations.
  public static func replace<Scalar: LinearScalar>(
    _ a: UnsafeMutablePointer<Scalar>, diagonal: [Scalar], size: Int
  ) throws(LinearAlgebraError) {
    precondition(diagonal.count == size, "a diagonal of the matrix's size")
    let n = try narrow(size, "potrf")
    for i in 0..<size {
      for j in 0..<i { a[i * size + j] = a[(size - 1 - i) * size + size - 1 - j] }
      a[i * size + i] = diagonal[size - 1 - i]
    }
    let status = Scalar.potrf(n, a)
    if status < 0 { throw .notFinite(routine: "potrf") }
    if status > 0 { throw .notPositiveDefinite(size: size, pivot: Int(status) - 1) }
    for i in 0..<size where !a[i * size + i].isFinite { throw .notFinite(routine: "potrf") }
    let inverted = Scalar.trtri(n, a)
    if inverted != 0 { throw .refused(routine: "trtri", status: Int(inverted)) }
  }

  /// Copies U[row, columns] out of what ``replace(_:diagonal:size:)`` left; `columns` begins at `row` or later.
  public static func copy<Scalar: LinearScalar>(
    row: Int, columns: Range<Int>, of a: UnsafePointer<Scalar>, size: Int,
    to out: UnsafeMutablePointer<Scalar>
  ) {
    precondition(
      row >= 0 && columns.lowerBound >= row && columns.upperBound <= size, "a part of the triangle")
    let line = a + (size - 1 - row) * size + size - 1
    for (place, column) in columns.enumerated() { out[place] = line[-column] }
  }
}
