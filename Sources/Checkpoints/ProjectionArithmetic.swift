import CKernels
import Tensors

/// Takes a direction out of one tensor, block by block.
///
/// The arithmetic, with d the direction (f32), s the strength (f64), w a stored value as f32, k its place along its
/// vector:
/// - a_k = f32(s · d_k), the product in f64;
/// - p = f32(Σ_k d_k · w_k) of each vector: products and sums in f64, in the 16 lanes and the tree of `ck_dot_rows`;
/// - u = w − a_k · p: the product and the difference each rounded to f32, no fused multiply;
/// - where lines keep their length: u ← u · f, f = f32(√(Σ w² / Σ u²)) of the value's line, sums in f64 in stored order
///   (f = 1 where nothing is left of the line);
/// - new = u rounded to the stored type, nearest even.
///
/// Every value's result follows from its tensor alone: threads and blocks change nothing. In memory are one number a
/// vector, one a line that keeps its length, and the block.
struct ProjectionArithmetic: TensorArithmetic {
  let entry: TensorEntry
  let edit: ProjectionEdit
  /// a, `[D]`.
  private let scaled: [Float]
  /// p of every vector: by stored row, or by matrix and column.
  private var products: [Float]
  /// f of every line that keeps its length; empty where none does.
  private var factors: [Float] = []
  private(set) var effect: TensorEffect

  /// Reads the tensor once (twice where lines keep their length).
  init(_ edit: ProjectionEdit, direction: [Float], entry: TensorEntry, tensor: Tensor) {
    self.entry = entry
    self.edit = edit
    scaled = direction.map { Float(edit.strength * Double($0)) }
    effect = TensorEffect(tensor: entry.name)
    effect.rows = entry.rows
    products = Self.products(edit, direction: direction.map(Double.init), entry: entry, tensor: tensor)
    guard let norms = edit.norms else { return }
    withExtendedLifetime(tensor) {
      factors =
        switch entry.dtype {
        case .f32: factors(StoredF32.self, norms, tensor.bytes)
        case .f16: factors(StoredF16.self, norms, tensor.bytes)
        case .bf16: factors(StoredBF16.self, norms, tensor.bytes)
        default: preconditionFailure("a patch was made for \(entry.dtype.rawValue), which Patch refuses")
        }
    }
  }

  /// Stored rows of one matrix.
  private var matrixRows: Int { entry.shape.count >= 2 ? entry.shape[entry.shape.count - 2] : 1 }

  private static func products(
    _ edit: ProjectionEdit, direction: [Double], entry: TensorEntry, tensor: Tensor
  ) -> [Float] {
    let type = entry.dtype == .f32 ? CK_F32 : entry.dtype == .f16 ? CK_F16 : CK_BF16
    let (width, rows) = (entry.width, entry.shape.count >= 2 ? entry.shape[entry.shape.count - 2] : 1)
    guard entry.count > 0 else { return [] }
    return withExtendedLifetime(tensor) {
      func dots(at offset: Int, transposed: Bool, _ outputs: Int, _ inputs: Int) -> [Double] {
        var dots = [Double](repeating: 0, count: outputs)
        let matrix = ck_matrix(
          data: tensor.pointer + offset * entry.dtype.size, stride: width, type: Int32(type),
          transposed: transposed ? 1 : 0)
        ck_dot_rows(&dots, nil, matrix, direction, outputs, inputs)
        return dots
      }
      if edit.vectors == .rows {
        return dots(at: 0, transposed: false, entry.rows, width).map { Float($0) }
      }
      return (0..<(entry.rows / rows)).flatMap { matrix in
        dots(at: matrix * rows * width, transposed: true, width, rows).map { Float($0) }
      }
    }
  }

  /// Lengths before over lengths after, by line.
  private func factors<S: StoredFloat>(
    _: S.Type, _ norms: ProjectionEdit.Lines, _ bytes: UnsafeRawBufferPointer
  ) -> [Float] {
    let words = bytes.bindMemory(to: S.Word.self)
    let (width, rows) = (entry.width, matrixRows)
    let lines = norms == .rows ? entry.rows : entry.rows / max(1, rows) * width
    var before = [Double](repeating: 0, count: lines)
    var after = before
    for row in 0..<entry.rows {
      let first = norms == .rows ? row : row / rows * width
      let step = norms == .rows ? 0 : 1
      for column in 0..<width {
        let old = S.float(words[row * width + column])
        let new = projected(old, row: row, column: column)
        before[first + step * column] += Double(old) * Double(old)
        after[first + step * column] += Double(new) * Double(new)
      }
    }
    return zip(before, after).map { $1 > 0 ? Float(($0 / $1).squareRoot()) : 1 }
  }

  /// u before its line gets its length back.
  @inline(__always)
  private func projected(_ old: Float, row: Int, column: Int) -> Float {
    if edit.vectors == .rows { return old - scaled[column] * products[row] }
    let (matrix, place) = row.quotientAndRemainder(dividingBy: matrixRows)
    return old - scaled[place] * products[matrix * entry.width + column]
  }

  mutating func apply(to block: UnsafeMutableRawBufferPointer, storedRows: Range<Int>) throws {
    try dispatch(to: block, storedRows: storedRows)
  }

  mutating func apply<S: StoredFloat>(
    _: S.Type, _ block: UnsafeMutableRawBufferPointer, _ storedRows: Range<Int>
  ) throws {
    let words = block.bindMemory(to: S.Word.self)
    let (width, rows) = (entry.width, matrixRows)
    let (rowNorms, columnNorms, byRow) = (edit.norms == .rows, edit.norms == .columns, edit.vectors == .rows)
    var effect = self.effect
    for row in storedRows {
      let start = (row - storedRows.lowerBound) * width
      let matrix = row / rows
      // Along a row either the product stands still and a walks, or the other way round.
      let still = byRow ? products[row] : scaled[row - matrix * rows]
      let walk = byRow ? 0 : matrix * width
      let rowFactor = rowNorms ? factors[row] : 1
      var moved = false
      for column in 0..<width {
        let old = words[start + column]
        let value = S.float(old)
        let other = byRow ? scaled[column] : products[walk + column]
        var wanted = value - still * other
        if rowNorms {
          wanted *= rowFactor
        } else if columnNorms {
          wanted *= factors[matrix * width + column]
        }
        let new = S.word(wanted)
        let stored = S.float(new)
        guard stored.isFinite else {
          throw CheckpointError.notFinite(tensor: entry.name, row: row, column: column, value: "\(stored)")
        }
        guard wanted != value else { continue }
        words[start + column] = new
        let asked = Double(wanted) - Double(value)
        effect.edited += 1
        effect.asked += asked * asked
        if new != old {
          effect.changed += 1
          effect.projection += (Double(stored) - Double(value)) * asked
          moved = true
        }
      }
      if moved { effect.rowsChanged += 1 }
    }
    self.effect = effect
  }

  /// What a rank-one adapter adds to the tensor: p by vector and −a, without the lengths.
  var factorsOfChange: (products: [Float], scaled: [Float]) { (products, scaled) }
}
