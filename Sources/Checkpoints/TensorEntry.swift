import Tensors

/// Where a stored tensor lies and what it holds.
public struct TensorEntry: Sendable, Equatable {
  /// The name as stored.
  public let name: String
  /// Type of the elements.
  public let dtype: DType
  /// Sizes, outermost first; empty for a scalar.
  public let shape: [Int]
  /// The file that holds it: a path inside the checkpoint folder, or the file's name.
  public let shard: String
  /// Its bytes, counted from the start of the file.
  public let byteRange: Range<Int>

  /// An entry.
  public init(name: String, dtype: DType, shape: [Int], shard: String, byteRange: Range<Int>) {
    self.name = name
    self.dtype = dtype
    self.shape = shape
    self.shard = shard
    self.byteRange = byteRange
  }

  /// Elements in all.
  public var count: Int { byteRange.count / dtype.size }

  /// Type and shape as a person writes them: `BF16 [4096, 1024]`.
  public var description: String { "\(dtype.rawValue) \(shape)" }

  /// Elements of the innermost dimension; 1 for a scalar.
  public var width: Int { shape.last ?? 1 }

  /// How many rows of ``width`` the tensor has.
  public var rows: Int { width == 0 ? 0 : count / width }
}
