/// A dense row-major matrix `[rows, columns]` of its own.
public struct Matrix<Scalar: LinearScalar>: Sendable, Equatable {
  /// Rows.
  public let rows: Int
  /// Columns.
  public let columns: Int
  /// All elements, row after row.
  public var values: [Scalar]

  /// A matrix of zeros.
  public init(zeros rows: Int, _ columns: Int) {
    precondition(rows >= 0 && columns >= 0, "sizes are not negative")
    self.rows = rows
    self.columns = columns
    self.values = [Scalar](repeating: 0, count: rows * columns)
  }

  /// A matrix of given elements, row after row.
  public init(_ rows: Int, _ columns: Int, _ values: [Scalar]) {
    precondition(values.count == rows * columns, "\(values.count) values for [\(rows), \(columns)]")
    self.rows = rows
    self.columns = columns
    self.values = values
  }

  /// The identity.
  public init(identity size: Int) {
    self.init(zeros: size, size)
    for i in 0..<size { self[i, i] = 1 }
  }

  /// One element.
  @inlinable
  public subscript(row: Int, column: Int) -> Scalar {
    get { values[row * columns + column] }
    set { values[row * columns + column] = newValue }
  }

  /// One row, `[columns]`.
  public func row(_ index: Int) -> ArraySlice<Scalar> { values[index * columns..<(index + 1) * columns] }

  /// Rows and columns exchanged.
  public var transposed: Matrix {
    var result = Matrix(zeros: columns, rows)
    for i in 0..<rows { for j in 0..<columns { result[j, i] = self[i, j] } }
    return result
  }
}
