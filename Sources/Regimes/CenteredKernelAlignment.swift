/// How alike two networks answer: linear CKA of their outputs for the same items (arXiv 1905.00414, equation 4; 1 where
/// one is the other turned, moved and scaled).
///
/// Both estimates are taken in feature space, O(n K²), from sums in f64 in one order.
public struct CenteredKernelAlignment: Sendable, Equatable {
  /// With the biased estimate of HSIC, as published: ‖XᵀY‖² / (‖XᵀX‖ ‖YᵀY‖) of centred columns; 0 … 1, and far above 0 for
  /// unrelated outputs of few items.
  public let biased: Double
  /// With the unbiased estimate of HSIC (Song et al., JMLR 13 (2012) 1393, equation 5); about 0 for unrelated outputs, it can
  /// be negative. Nil for fewer than four items.
  public let unbiased: Double?
  /// Items that it was measured on.
  public let count: Int

  init(biased: Double, unbiased: Double?, count: Int) {
    (self.biased, self.unbiased, self.count) = (biased, unbiased, count)
  }

  /// The similarity of x`[n, K₁]` and y`[n, K₂]`, row by row; nil where one of them says the same of every item.
  public init?(_ x: [Double], _ y: [Double], count n: Int) {
    precondition(n > 0 && x.count % n == 0 && y.count % n == 0, "outputs of \(n) items")
    let a = Self.centred(x, n), b = Self.centred(y, n)
    let xy = Self.square(a, b, n), xx = Self.square(a, a, n), yy = Self.square(b, b, n)
    guard xx > 0, yy > 0 else { return nil }
    biased = xy / (xx.squareRoot() * yy.squareRoot())
    count = n
    // Kernels do not change HSIC when their features move, and centred ones lose fewer digits.
    guard n > 3 else {
      unbiased = nil
      return
    }
    let hxx = Self.unbiased(a, a, n, square: xx), hyy = Self.unbiased(b, b, n, square: yy)
    let product = hxx > 0 && hyy > 0 ? (hxx * hyy).squareRoot() : 0
    unbiased = product > 0 ? Self.unbiased(a, b, n, square: xy) / product : nil
  }

  private static func centred(_ x: [Double], _ n: Int) -> [Double] {
    let width = x.count / n
    var means = [Double](repeating: 0, count: width)
    for i in x.indices { means[i % width] += x[i] }
    for k in means.indices { means[k] /= Double(n) }
    return x.indices.map { x[$0] - means[$0 % width] }
  }

  /// ‖aᵀb‖² (Frobenius).
  private static func square(_ a: [Double], _ b: [Double], _ n: Int) -> Double {
    let p = a.count / n, q = b.count / n
    var product = [Double](repeating: 0, count: p * q)
    for i in 0..<n {
      for j in 0..<p {
        let left = a[i * p + j]
        for k in 0..<q { product[j * q + k] += left * b[i * q + k] }
      }
    }
    return product.reduce(0) { $0 + $1 * $1 }
  }

  /// tr(K̃L̃) + 1ᵀK̃1 · 1ᵀL̃1 / ((n−1)(n−2)) − 2/(n−2) · 1ᵀK̃L̃1, over n(n−3); K̃, L̃ are aaᵀ, bbᵀ with a zero diagonal.
  private static func unbiased(_ a: [Double], _ b: [Double], _ n: Int, square: Double) -> Double {
    let p = a.count / n, q = b.count / n
    func squares(_ x: [Double], _ width: Int) -> [Double] {
      (0..<n).map { i in (0..<width).reduce(0) { $0 + x[i * width + $1] * x[i * width + $1] } }
    }
    // Columns are centred: a row of aaᵀ sums to 0, one of K̃ to minus its diagonal.
    let left = squares(a, p), right = squares(b, q)
    let diagonal = zip(left, right).reduce(0) { $0 + $1.0 * $1.1 }
    let sums = left.reduce(0, +) * right.reduce(0, +)
    let m = Double(n)
    return (square - diagonal + sums / ((m - 1) * (m - 2)) - 2 / (m - 2) * diagonal) / (m * (m - 3))
  }
}
