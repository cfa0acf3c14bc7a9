import Tensors

/// A direction taken out of one whole tensor: the second kind of edit (arXiv 2406.11717, section 2.4).
///
/// The tensor's vectors v (its stored rows or columns, of the direction's length `D`) become v − s·d(d·v), with d the
/// direction as it stands and s the strength; where ``norms`` names lines, those are then brought back to their length.
public struct ProjectionEdit: Sendable, Equatable {
  /// The lines of a stored matrix `[…, R, C]`; a vector `[C]` is one row.
  public enum Lines: String, Sendable, CaseIterable {
    /// R rows of C values.
    case rows
    /// C columns of R values, those of each matrix of a stack by themselves.
    case columns
  }

  /// The tensor's name as stored.
  public var tensor: String
  /// Type of its elements: f32, f16 or bf16.
  public var dtype: DType
  /// Its stored sizes.
  public var shape: [Int]
  /// Which lines lie along the direction: rows of embeddings, of a bias, and of a matrix stored `[K, D]`; columns of
  /// one stored `[D, K]`.
  public var vectors: Lines
  /// Which lines get their length back; nil for none.
  public var norms: Lines?
  /// Which of the patch's directions is taken out.
  public var direction: Int
  /// s: 1 takes out all of it, 0 nothing.
  public var strength: Double
  /// SHA-256 of the tensor's bytes before the patch.
  public var beforeSHA256: String
  /// SHA-256 of the tensor's bytes after the patch.
  public var afterSHA256: String

  /// An edit.
  public init(
    tensor: String, dtype: DType, shape: [Int], vectors: Lines, norms: Lines? = nil, direction: Int,
    strength: Double, beforeSHA256: String, afterSHA256: String
  ) {
    self.tensor = tensor
    self.dtype = dtype
    self.shape = shape
    self.vectors = vectors
    self.norms = norms
    self.direction = direction
    self.strength = strength
    self.beforeSHA256 = beforeSHA256
    self.afterSHA256 = afterSHA256
  }

  /// How many values a vector has: the direction's length.
  public var vectorWidth: Int {
    vectors == .rows ? shape.last ?? 1 : shape.count >= 2 ? shape[shape.count - 2] : 0
  }

  /// How many stored rows the tensor has.
  public var rowCount: Int { (shape.last ?? 1) == 0 ? 0 : shape.reduce(1, *) / (shape.last ?? 1) }
}

/// A direction to be taken out of one tensor, before hashes are known.
public struct ProjectionChange: Sendable {
  /// The tensor's name as stored.
  public var tensor: String
  /// As ``ProjectionEdit/vectors``.
  public var vectors: ProjectionEdit.Lines
  /// As ``ProjectionEdit/norms``.
  public var norms: ProjectionEdit.Lines?
  /// Of length 1 as a rule, `[D]`.
  public var direction: [Float]
  /// As ``ProjectionEdit/strength``.
  public var strength: Double

  /// A change.
  public init(
    tensor: String, vectors: ProjectionEdit.Lines, norms: ProjectionEdit.Lines? = nil, direction: [Float],
    strength: Double
  ) {
    self.tensor = tensor
    self.vectors = vectors
    self.norms = norms
    self.direction = direction
    self.strength = strength
  }
}

/// What a patch says of one tensor it touches, whatever the kind of edit.
public struct TouchedTensor: Sendable, Equatable {
  /// The tensor's name as stored.
  public let tensor: String
  /// Type of its elements.
  public let dtype: DType
  /// Its stored sizes.
  public let shape: [Int]
  /// Rows that the patch names: all stored ones of a tensor that is edited whole.
  public let rows: Int
  /// Whether the whole tensor is edited.
  public let isWhole: Bool
  /// SHA-256 before the patch.
  public let beforeSHA256: String
  /// SHA-256 after it.
  public let afterSHA256: String
}
