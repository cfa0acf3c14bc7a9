/// The rows of a block that Model Surgery edits, numbered through over the matrices they lie in.
///
/// A dense block has one such matrix, its gate (or up, where there is no gate). A block with experts has one an expert, in
/// their order, and then the shared expert's: row 0 of expert 2 is row 2·F of the block.
public struct SurgeryRows: Sendable, Equatable {
  /// One matrix.
  public struct Part: Sendable, Equatable {
    /// Whose matrix it is.
    public let role: Role
    /// The numbers its rows have in the block.
    public let rows: Range<Int>
  }

  /// The matrices in order.
  public let parts: [Part]

  /// Matrices with their heights, in order.
  public init(_ matrices: [(role: Role, rows: Int)]) {
    var parts: [Part] = []
    for (role, rows) in matrices {
      let start = parts.last?.rows.upperBound ?? 0
      parts.append(Part(role: role, rows: start..<(start + rows)))
    }
    self.parts = parts
  }

  /// Rows of all matrices together.
  public var count: Int { parts.last?.rows.upperBound ?? 0 }

  /// Rows of the block by matrix, under the numbers they have there; matrices without any are left out.
  /// - Complexity: O(rows + matrices) for ascending rows.
  public func split(_ rows: [Int]) -> [(role: Role, rows: [Int])] {
    var result: [(role: Role, rows: [Int])] = []
    var start = 0
    let sorted = rows.sorted()
    for part in parts {
      var own: [Int] = []
      while start < sorted.count, part.rows.contains(sorted[start]) {
        own.append(sorted[start] - part.rows.lowerBound)
        start += 1
      }
      if !own.isEmpty { result.append((part.role, own)) }
    }
    return result
  }

  /// The matrix of a row of the block, and the row's number in it; nil beyond the last.
  public func place(of row: Int) -> (role: Role, row: Int)? {
    parts.first { $0.rows.contains(row) }.map { ($0.role, row - $0.rows.lowerBound) }
  }
}
