import LinearAlgebra
import Tensors

/// How far a pruned product is from the original on the calibration texts, as a share of the original's energy:
/// ‖(W − Ŵ)Xᵀ‖² / ‖WXᵀ‖², through H = XᵀX.
public struct ReconstructionError: Sendable, Equatable {
  /// ‖WXᵀ‖², the sum over outputs and tokens of what the product gives (without bias), squared.
  public let energy: Double
  /// The error of the mask alone, other weights as they were.
  public let masked: Double
  /// The error of what was written; equals ``masked`` where nothing was compensated.
  public let compensated: Double

  /// Measures a pruned matrix.
  /// - Parameters:
  ///   - original: W `[N, K]`.
  ///   - pruned: which weights the mask takes `[N, K]`.
  ///   - compensated: Ŵ `[N, K]`, as its stored type rounds it; nil where Ŵ is W under the mask.
  ///   - rows: N.
  ///   - gram: H.
  /// - Throws: ``LinearAlgebraError/tooLarge(routine:size:limit:)``.
  /// - Complexity: two or three times N · K² operations.
  public init(original: [Float], pruned: [Bool], compensated: [Float]?, rows: Int, gram: GramMatrix) throws {
    let columns = gram.size
    let step = 384
    let scratch = UnsafeMutablePointer<Double>.allocate(capacity: max(1, min(step, rows) * columns))
    defer { scratch.deallocate() }
    var sums = [0.0, 0.0, 0.0]
    for start in stride(from: 0, to: rows, by: step) {
      let places = (start * columns)..<(min(rows, start + step) * columns)
      let count = min(rows, start + step) - start
      func add(_ index: Int, _ value: (Int) -> Double) throws {
        for place in places { scratch[place - places.lowerBound] = value(place) }
        sums[index] += try gram.energy(scratch, count: count)
      }
      try add(0) { Double(original[$0]) }
      try add(1) { pruned[$0] ? Double(original[$0]) : 0 }
      if let compensated { try add(2) { Double(original[$0]) - Double(compensated[$0]) } }
    }
    energy = sums[0]
    masked = sums[0] > 0 ? sums[1] / sums[0] : 0
    self.compensated = compensated == nil ? masked : sums[0] > 0 ? sums[2] / sums[0] : 0
  }

  /// Several products together: the sum of their errors over the sum of their energies.
  init(summing errors: [ReconstructionError]) {
    energy = errors.reduce(0) { $0 + $1.energy }
    let whole = energy > 0 ? energy : 1
    masked = errors.reduce(0) { $0 + $1.masked * $1.energy } / whole
    compensated = errors.reduce(0) { $0 + $1.compensated * $1.energy } / whole
  }
}
