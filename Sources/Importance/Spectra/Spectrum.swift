import Glibc
import Layers
import LinearAlgebra
import Runtime
import Tensors

/// The eigenvalues λ = σ² of one matrix W `[N, K]`, with σ its singular values, and what follows from them alone.
///
/// They are those of the smaller of WᵀW and WWᵀ in f64, not divided by a size (the convention of the `weightwatcher`
/// package, arXiv 1810.01075). The product loses nothing that matters here: its error is about 10⁻¹³ of the largest λ,
/// while values of λ below 10⁻⁷ of it are rounding of the stored f32 and bf16 already.
public struct Spectrum: Sendable, Equatable {
  /// Outputs, `N`.
  public let outputs: Int
  /// Inputs, `K`.
  public let inputs: Int
  /// λ ascending, `[min(N, K)]`; rounding below zero is cut to zero.
  public let eigenvalues: [Double]

  /// The spectrum of a matrix `[N, K]`.
  /// - Throws: ``LinearAlgebraError`` (numbers that are not finite, sizes beyond LAPACK's), ``Interrupted``.
  /// - Complexity: N·K·min(N, K) + 4/3·min(N, K)³ operations; memory N·K f32 and min(N, K)² f64.
  public init(_ weight: LinearWeight) throws {
    try self.init(weight.toFloats(), outputs: weight.outputs, inputs: weight.inputs)
  }

  /// The spectrum of the row-major `values` `[N, K]`.
  /// - Throws: ``LinearAlgebraError``, ``Interrupted``.
  public init(_ values: [Float], outputs: Int, inputs: Int) throws {
    precondition(values.count == outputs * inputs, "\(values.count) values for [\(outputs), \(inputs)]")
    self.outputs = outputs
    self.inputs = inputs
    let gram = try Self.gram(values, outputs: outputs, inputs: inputs)
    eigenvalues = try SymmetricEigen(gram, vectors: false).values.map { max($0, 0) }
  }

  /// A spectrum of known eigenvalues, in any order.
  public init(eigenvalues: [Double], outputs: Int, inputs: Int) {
    self.outputs = outputs
    self.inputs = inputs
    self.eigenvalues = eigenvalues.sorted()
  }

  /// Values of a block that is widened to f64 at a time.
  private static let blockValues = 1 << 18

  /// The smaller Gram matrix, lower triangle; rows (or columns) of W stream through in blocks.
  private static func gram(_ values: [Float], outputs: Int, inputs: Int) throws -> Matrix<Double> {
    let size = min(outputs, inputs), depth = max(outputs, inputs)
    var gram = Matrix<Double>(zeros: size, size)
    guard size > 0 else { return gram }
    let step = max(1, min(depth, blockValues / size))
    var block = [Double](repeating: 0, count: step * size)
    for start in stride(from: 0, to: depth, by: step) {
      try Cancellation.check()
      let count = min(step, depth - start)
      if inputs <= outputs {
        for index in 0..<count * size { block[index] = Double(values[start * inputs + index]) }
      } else {  // a column of W is a row of the block
        for row in 0..<outputs {
          for place in 0..<count { block[place * size + row] = Double(values[row * inputs + start + place]) }
        }
      }
      try gram.values.withUnsafeMutableBufferPointer { gram in
        try block.withUnsafeBufferPointer { block in
          guard let to = gram.baseAddress, let from = block.baseAddress else { return }
          try Product.gram(to, from, rows: count, columns: size, beta: start == 0 ? 0 : 1)
        }
      }
    }
    return gram
  }

  /// Σλ: the squared Frobenius norm.
  public var sum: Double { eigenvalues.reduce(0, +) }

  /// The largest λ: the squared spectral norm.
  public var largest: Double { eigenvalues.last ?? 0 }

  /// σ at and below which a direction counts as absent: σmax · max(N, K) · 2⁻²³, the convention of numerical ranks
  /// in f32.
  public var rankTolerance: Double { largest.squareRoot() * Double(max(outputs, inputs)) * 0x1p-23 }

  /// How many singular values rise above ``rankTolerance``.
  public var rank: Int { nonZero.count }

  /// The eigenvalues whose singular values rise above ``rankTolerance``, ascending: what fits are made to.
  public var nonZero: ArraySlice<Double> {
    let floor = rankTolerance * rankTolerance
    var (low, high) = (0, eigenvalues.count)
    while low < high {
      let middle = (low + high) / 2
      if eigenvalues[middle] > floor { high = middle } else { low = middle + 1 }
    }
    return eigenvalues[low...]
  }

  /// Σλ / λmax: a rank that needs no threshold; nil for a matrix of zeros.
  public var stableRank: Double? { largest > 0 ? sum / largest : nil }

  /// −Σ p ln p / ln rank with p = λ/Σλ, 0…1: 1 where all directions weigh the same; nil for rank 0 and 1.
  public var entropy: Double? {
    let sum = self.sum, rank = self.rank
    guard rank > 1 else { return nil }
    var entropy = 0.0
    for value in eigenvalues where value > 0 { entropy -= value / sum * log(value / sum) }
    return entropy / log(Double(rank))
  }

  /// log₁₀ Σλ; nil for a matrix of zeros.
  public var logNorm: Double? { largest > 0 ? log10(sum) : nil }

  /// log₁₀ λmax; nil for a matrix of zeros.
  public var logSpectralNorm: Double? { largest > 0 ? log10(largest) : nil }
}
