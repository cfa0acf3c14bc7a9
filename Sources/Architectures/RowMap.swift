/// Which outputs of a stored tensor belong to a role: `count` rows in runs of `run` that start `stride` rows apart.
///
/// One run where the role's rows lie together; a run a head where a tensor holds q, k and v of every head in turn.
public struct RowMap: Sendable, Equatable {
  /// The tensor's row of the role's row 0.
  public let first: Int
  /// Rows that lie together.
  public let run: Int
  /// Rows of the tensor from the start of one run to the start of the next.
  public let stride: Int
  /// Rows of the role.
  public let count: Int

  /// Runs of rows; `count` is a multiple of `run`, which is at most `stride`.
  public init(first: Int, run: Int, stride: Int, count: Int) {
    precondition(
      run > 0 && run <= stride && count % run == 0, "runs of \(run) every \(stride), \(count) rows")
    self.first = first
    self.run = run
    self.stride = count == run ? run : stride
    self.count = count
  }

  /// Rows that lie together.
  public init(_ range: Range<Int>) {
    self.init(
      first: range.lowerBound, run: max(1, range.count), stride: max(1, range.count), count: range.count)
  }

  /// All rows in one piece, nil where they lie apart.
  public var range: Range<Int>? { run == stride || count <= run ? first..<(first + count) : nil }

  /// The tensor's row of a row of the role.
  public subscript(_ row: Int) -> Int { first + row / run * stride + row % run }

  /// The role's row that a row of the tensor is, nil where it is another role's.
  public func row(of stored: Int) -> Int? {
    guard stored >= first else { return nil }
    let (index, place) = (stored - first).quotientAndRemainder(dividingBy: stride)
    let row = index * run + place
    return place < run && row < count ? row : nil
  }

  /// Whether a row of the tensor is the role's.
  public func contains(_ stored: Int) -> Bool { row(of: stored) != nil }

  /// The tensor's rows in the order of the role's.
  public var indices: [Int] { (0..<count).map { self[$0] } }
}

extension RowMap: CustomStringConvertible {
  /// `0…35`, or `0…5 and so on every 18` where the rows lie apart.
  public var description: String {
    if let range { return "\(range.lowerBound)…\(range.upperBound - 1)" }
    return "\(first)…\(first + run - 1) and so on every \(stride)"
  }
}
