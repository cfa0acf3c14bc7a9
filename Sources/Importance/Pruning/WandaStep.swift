import Architectures
import Layers
import Tensors

/// Wanda on one matrix from inputs to stored zeros: what it costs beside the forward pass (arXiv 2306.11695).
public struct WandaStep {
  /// The matrix, whole in its tensor.
  public let matrix: PrunableMatrix
  private let places: StoredPlaces
  private let target: TensorStorage

  /// Room for the result is made once.
  public init(_ matrix: PrunableMatrix) {
    self.matrix = matrix
    places = StoredPlaces(
      outputs: matrix.outputs, inputs: matrix.inputs, transposed: matrix.bound.transposed,
      dtype: matrix.weight.dtype)
    target = TensorStorage(byteCount: matrix.count * matrix.weight.dtype.size)
  }

  /// Σx² of each input over the rows of `inputs` `[tokens, K]`, in f64.
  public func squares(of inputs: Tensor) -> [Double] {
    var squares = [Double](repeating: 0, count: matrix.inputs)
    InputStatistics.addSquares(of: inputs.f32, rows: 0..<inputs.shape[0], to: &squares)
    return squares
  }

  /// Norms, scores, the lowest share of every row, zeros written; gives how many weights went.
  /// - Throws: ``ImportanceError``.
  public func run(inputs: Tensor, sparsity: Double) throws -> Int {
    try run(squares: squares(of: inputs), sparsity: sparsity)
  }

  /// The same from Σx².
  /// - Throws: ``ImportanceError``.
  public func run(squares: [Double], sparsity: Double) throws -> Int {
    let selection = try Selection(
      [matrix], score: Score(.wanda), group: .row,
      counts: Budget.uniform(sparsity).counts(for: [matrix], group: .row)
    ) { _ in ScoreEvidence(inputEnergy: squares) }
    let mask = try selection.mask(0)
    let dtype = matrix.weight.dtype
    var place = target.base
    matrix.weight.forEachStoredRun(lines: 0..<matrix.weight.storedLines) { bytes, count in
      place.copyMemory(from: bytes, byteCount: count * dtype.size)
      place += count * dtype.size
    }
    _ = Pruning.clear(matrix, mask, places, in: target.base)
    return mask.prunedCount
  }
}
