import JSON
import Runtime
import Tensors

/// One delta added to some rows of one tensor.
public struct RowEdit: Sendable, Equatable {
  /// The tensor's name as stored.
  public var tensor: String
  /// Type of its elements: f32, f16 or bf16.
  public var dtype: DType
  /// Its stored sizes.
  public var shape: [Int]
  /// The edited rows, ascending. A row is one output's weights: a row of a stored `[N, K]` matrix, or a column of a
  /// transposed `[K, N]` one. Rows of stacked matrices `[E, N, K]` (or `[E, K, N]`) count on: `e·N + n`.
  public var rows: [Int]
  /// Whether the matrix is stored `[K, N]`.
  public var transposed: Bool
  /// Which of the patch's deltas is added.
  public var delta: Int
  /// SHA-256 of the tensor's bytes before the patch.
  public var beforeSHA256: String
  /// SHA-256 of the tensor's bytes after the whole patch.
  public var afterSHA256: String

  /// An edit.
  public init(
    tensor: String, dtype: DType, shape: [Int], rows: [Int], transposed: Bool = false, delta: Int,
    beforeSHA256: String, afterSHA256: String
  ) {
    self.tensor = tensor
    self.dtype = dtype
    self.shape = shape
    self.rows = rows
    self.transposed = transposed
    self.delta = delta
    self.beforeSHA256 = beforeSHA256
    self.afterSHA256 = afterSHA256
  }

  /// How many rows the tensor has.
  public var rowCount: Int {
    let width = shape.last ?? 1
    let all = shape.reduce(1, *)
    guard transposed, shape.count >= 2 else { return width == 0 ? 0 : all / width }
    return shape[shape.count - 2] == 0 ? 0 : all / shape[shape.count - 2]
  }

  /// How many values a row has: the delta's length.
  public var rowWidth: Int { transposed && shape.count >= 2 ? shape[shape.count - 2] : shape.last ?? 1 }
}

/// An edit as a file: which rows of which tensors get which delta, which tensors lose which direction, which places get
/// which values, and the hashes that say where it fits.
///
/// An edited row's values become round(f32(w) + δ), nearest even, in the type they are stored in; ``ProjectionArithmetic``
/// says what becomes of a tensor that loses a direction, and ``SparseEdit`` puts values in place as they are. No row is
/// edited twice and no tensor in two ways, so each value is rounded once.
public struct Patch: Sendable, Equatable {
  /// The newest version of the file format that this program writes and reads. Version 1 has row edits only; a patch
  /// with projections is version 2 and one with sparse edits version 3, so that a program which does not know them refuses it.
  public static let formatVersion = 3

  /// δ = strength · direction, rounded once to f32; each as long as the rows it is added to.
  public let deltas: [[Float]]
  /// The edits, those of one tensor side by side or not.
  public let edits: [RowEdit]
  /// The directions that are taken out of whole tensors.
  public let directions: [[Float]]
  /// What loses them, a tensor once at most.
  public let projections: [ProjectionEdit]
  /// The tensors that get new values at single places, each once at most.
  public let sparse: [SparseEdit]
  /// Where the patch comes from: probe, strength, model, program. Free in form, part of the file.
  public let provenance: JSONValue

  /// A patch out of its parts.
  /// - Throws: ``CheckpointError/inconsistentPatch(tensor:reason:)``.
  public init(
    deltas: [[Float]], edits: [RowEdit], directions: [[Float]] = [], projections: [ProjectionEdit] = [],
    sparse: [SparseEdit] = [], provenance: JSONValue = [:]
  ) throws {
    self.deltas = deltas
    self.edits = edits
    self.directions = directions
    self.projections = projections
    self.sparse = sparse
    self.provenance = provenance
    try check()
  }

  /// The tensors that the patch edits, in the order in which they first stand in ``edits``, then in ``projections`` and
  /// ``sparse``.
  public var tensors: [String] {
    var seen: Set<String> = []
    return (edits.map(\.tensor) + projections.map(\.tensor) + sparse.map(\.tensor)).filter {
      seen.insert($0).inserted
    }
  }

  /// The same with shapes, row counts and hashes.
  public var touched: [TouchedTensor] {
    var rows: [String: Int] = [:]
    for edit in edits { rows[edit.tensor, default: 0] += edit.rows.count }
    var seen: Set<String> = []
    return edits.filter { seen.insert($0.tensor).inserted }.map { edit in
      TouchedTensor(
        tensor: edit.tensor, dtype: edit.dtype, shape: edit.shape, rows: rows[edit.tensor] ?? 0,
        isWhole: false,
        beforeSHA256: edit.beforeSHA256, afterSHA256: edit.afterSHA256)
    }
      + projections.map {
        TouchedTensor(
          tensor: $0.tensor, dtype: $0.dtype, shape: $0.shape, rows: $0.rowCount, isWhole: true,
          beforeSHA256: $0.beforeSHA256, afterSHA256: $0.afterSHA256)
      }
      + sparse.map {
        TouchedTensor(
          tensor: $0.tensor, dtype: $0.dtype, shape: $0.shape, rows: $0.rowCount, isWhole: false,
          beforeSHA256: $0.beforeSHA256, afterSHA256: $0.afterSHA256)
      }
  }

  /// The edits of one tensor.
  public func edits(of tensor: String) -> [RowEdit] { edits.filter { $0.tensor == tensor } }

  /// Rows that the patch edits, over all tensors; all stored rows of a tensor that loses a direction, and the stored rows
  /// that hold a place of a sparse edit.
  public var rowCount: Int {
    edits.reduce(0) { $0 + $1.rows.count } + projections.reduce(0) { $0 + $1.rowCount }
      + sparse.reduce(0) { $0 + $1.rowCount }
  }

  private func check() throws {
    guard !edits.isEmpty || !projections.isEmpty || !sparse.isEmpty else {
      throw CheckpointError.inconsistentPatch(tensor: "(none)", reason: "no edits")
    }
    for (index, delta) in deltas.enumerated() where !delta.allSatisfy(\.isFinite) {
      throw CheckpointError.inconsistentPatch(
        tensor: "(all)", reason: "delta \(index) holds a number that is not finite")
    }
    var first: [String: RowEdit] = [:]
    var taken: [String: [Int]] = [:]
    for edit in edits {
      func bad(_ reason: String) -> CheckpointError {
        .inconsistentPatch(tensor: edit.tensor, reason: reason)
      }
      guard edit.dtype.isComputable else { throw bad("dtype \(edit.dtype.rawValue) cannot be edited") }
      guard edit.shape.allSatisfy({ $0 >= 0 }), !edit.transposed || edit.shape.count >= 2 else {
        throw bad("shape \(edit.shape)\(edit.transposed ? ", transposed" : "")")
      }
      guard deltas.indices.contains(edit.delta) else { throw bad("delta \(edit.delta) of \(deltas.count)") }
      guard deltas[edit.delta].count == edit.rowWidth else {
        throw bad("a delta of \(deltas[edit.delta].count) values for rows of \(edit.rowWidth)")
      }
      guard !edit.rows.isEmpty, zip(edit.rows, edit.rows.dropFirst()).allSatisfy({ $0 < $1 }) else {
        throw bad("rows that are none or not ascending")
      }
      guard let low = edit.rows.first, let high = edit.rows.last, low >= 0, high < edit.rowCount else {
        throw bad("row \(edit.rows.last ?? 0) of \(edit.rowCount)")
      }
      if let other = first[edit.tensor] {
        guard other.transposed == edit.transposed, other.shape == edit.shape, other.dtype == edit.dtype,
          other.beforeSHA256 == edit.beforeSHA256, other.afterSHA256 == edit.afterSHA256
        else { throw bad("two edits of the tensor disagree about its shape or hashes") }
      } else {
        first[edit.tensor] = edit
      }
      taken[edit.tensor, default: []] += edit.rows
    }
    for (tensor, rows) in taken where Set(rows).count != rows.count {
      throw CheckpointError.inconsistentPatch(tensor: tensor, reason: "a row is edited twice")
    }
    try checkProjections(apartFrom: Set(taken.keys))
    try checkSparse(apartFrom: Set(taken.keys).union(projections.map(\.tensor)))
  }

  private func checkProjections(apartFrom rowsEdited: Set<String>) throws {
    for (index, direction) in directions.enumerated() where !direction.allSatisfy(\.isFinite) {
      throw CheckpointError.inconsistentPatch(
        tensor: "(all)", reason: "direction \(index) holds a number that is not finite")
    }
    var taken = rowsEdited
    for edit in projections {
      func bad(_ reason: String) -> CheckpointError {
        .inconsistentPatch(tensor: edit.tensor, reason: reason)
      }
      guard edit.dtype.isComputable else { throw bad("dtype \(edit.dtype.rawValue) cannot be edited") }
      guard edit.shape.count >= 1, edit.shape.allSatisfy({ $0 > 0 }),
        edit.shape.count >= 2 || (edit.vectors == .rows && edit.norms != .columns)
      else { throw bad("shape \(edit.shape) has no such lines") }
      guard edit.strength.isFinite else { throw bad("a strength that is not finite") }
      guard directions.indices.contains(edit.direction) else {
        throw bad("direction \(edit.direction) of \(directions.count)")
      }
      guard directions[edit.direction].count == edit.vectorWidth else {
        throw bad(
          "a direction of \(directions[edit.direction].count) values for vectors of \(edit.vectorWidth)")
      }
      guard taken.insert(edit.tensor).inserted else { throw bad("it is edited twice") }
    }
  }
}
