import Runtime

/// What can go wrong in linear algebra.
public enum LinearAlgebraError: SurgeonError, Equatable {
  /// A size that the library's 32-bit integers cannot hold.
  case tooLarge(routine: String, size: Int, limit: Int)
  /// A matrix that Cholesky cannot factor; `pivot` counts from 0.
  case notPositiveDefinite(size: Int, pivot: Int)
  /// NaN or infinity in an input.
  case notFinite(routine: String)
  /// An iteration that did not converge.
  case noConvergence(routine: String)
  /// Anything else that LAPACK refused.
  case refused(routine: String, status: Int)

  public var code: String {
    switch self {
    case .tooLarge: "MATRIX_TOO_LARGE"
    case .notPositiveDefinite: "NOT_POSITIVE_DEFINITE"
    case .notFinite: "MATRIX_NOT_FINITE"
    case .noConvergence: "NO_CONVERGENCE"
    case .refused: "LAPACK_REFUSED"
    }
  }
  public var exitCode: ExitCode {
    switch self {
    case .tooLarge: .unsupported
    case .notPositiveDefinite, .notFinite, .noConvergence: .badData
    case .refused: .internalError
    }
  }
  public var found: String {
    switch self {
    case .tooLarge(let routine, let size, _): "a size of \(size) in \(routine)"
    case .notPositiveDefinite(let size, let pivot):
      "a \(size) × \(size) matrix that is not positive definite at row \(pivot)"
    case .notFinite(let routine): "NaN or infinity in the input of \(routine)"
    case .noConvergence(let routine): "no convergence in \(routine)"
    case .refused(let routine, let status): "status \(status) of \(routine)"
    }
  }
  public var expected: String {
    switch self {
    case .tooLarge(_, _, let limit): "at most \(limit)"
    case .notPositiveDefinite: "a symmetric matrix with eigenvalues above zero"
    case .notFinite, .noConvergence: "finite numbers"
    case .refused: "arguments that LAPACK accepts"
    }
  }
  public var suggestion: String {
    switch self {
    case .tooLarge: "use fewer rows or columns"
    case .notPositiveDefinite: "add a ridge, or remove columns that depend on others"
    case .notFinite: "look for NaN in the data: a broken checkpoint or an overflow of half precision"
    case .noConvergence: "look for huge or tiny values in the matrix"
    case .refused: "this is a defect of the program: please report it"
    }
  }
}

/// Narrows a size for the C interface.
/// - Throws: ``LinearAlgebraError/tooLarge(routine:size:limit:)``.
func narrow(_ size: Int, _ routine: String) throws(LinearAlgebraError) -> Int32 {
  guard let narrow = Int32(exactly: size) else {
    throw .tooLarge(routine: routine, size: size, limit: Int(Int32.max))
  }
  return narrow
}

/// Refuses a size whose square workspace would overflow LAPACK's 32-bit integers.
/// - Throws: ``LinearAlgebraError/tooLarge(routine:size:limit:)``.
func narrow(_ size: Int, _ routine: String, limit: Int) throws(LinearAlgebraError) -> Int32 {
  guard size <= limit else { throw .tooLarge(routine: routine, size: size, limit: limit) }
  return try narrow(size, routine)
}
