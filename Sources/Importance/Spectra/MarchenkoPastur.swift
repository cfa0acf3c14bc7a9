import Glibc

/// The Marchenko–Pastur law: where the eigenvalues of a random matrix lie.
///
/// For W `[n, m]` (n ≥ m) of independent entries with variance s², λ/(n·s²) has in the limit the density
/// √((b − x)(x − a)) / (2π β x) on a = (1 − √β)² … b = (1 + √β)², β = m/n.
///
/// Here s² is fitted to the bulk so that the law's median is the median of the eigenvalues (Gavish and Donoho, arXiv
/// 1305.5870, equation 9): up to half of the eigenvalues may be spikes or zeros before that estimate gives way. The edge
/// that spikes must pass is not b but the 99 % quantile of the largest eigenvalue of such a random matrix (Tracy and
/// Widom; centre and scale by Johnstone, Annals of Statistics 29, 2001): one matrix in a hundred has a spike by chance.
public struct MarchenkoPastur: Sendable, Equatable {
  /// The 99 % quantile of the Tracy–Widom law of order 1.
  static let quantile = 2.0234

  /// The larger size of the matrix, `n`.
  public let larger: Int
  /// The smaller size, `m`.
  public let smaller: Int
  /// The standard deviation of an entry, s, as the bulk has it.
  public let deviation: Double
  /// Where the bulk begins: the law's lower end, a λ.
  public let lower: Double
  /// Where the bulk ends: the law's upper end, a λ.
  public let upper: Double
  /// The λ that a random matrix's largest eigenvalue stays below in 99 of 100 cases.
  public let edge: Double

  /// The law fitted to a spectrum; nil where half of the eigenvalues or more are zero.
  public init?(_ spectrum: Spectrum) {
    let (larger, smaller) = (
      max(spectrum.outputs, spectrum.inputs), min(spectrum.outputs, spectrum.inputs)
    )
    guard smaller > 1 else { return nil }
    let values = spectrum.eigenvalues
    let middle = (values[(values.count - 1) / 2] + values[values.count / 2]) / 2
    let floor = spectrum.rankTolerance * spectrum.rankTolerance
    guard middle > floor, middle > 0 else { return nil }
    let beta = Double(smaller) / Double(larger)
    let variance = middle / (Double(larger) * Self.median(beta))
    self.init(larger: larger, smaller: smaller, deviation: variance.squareRoot())
  }

  /// The law of a random matrix with entries of a standard deviation.
  public init(larger: Int, smaller: Int, deviation: Double) {
    self.larger = larger
    self.smaller = smaller
    self.deviation = deviation
    let (n, m) = (Double(larger).squareRoot(), Double(smaller).squareRoot())
    let variance = deviation * deviation
    lower = variance * (n - m) * (n - m)
    upper = variance * (n + m) * (n + m)
    let nearly = Double(max(larger - 1, 1)).squareRoot()
    let centre = (nearly + m) * (nearly + m)
    let scale = (nearly + m) * pow(1 / nearly + 1 / m, 1.0 / 3)
    edge = variance * (centre + Self.quantile * scale)
  }

  /// Eigenvalues above ``edge``.
  public func spikes(_ spectrum: Spectrum) -> Int {
    spectrum.eigenvalues.reversed().prefix { $0 > edge }.count
  }

  /// The bulk's end over the largest eigenvalue, 0…1 and a little more: 1 for a matrix like a random one.
  public func softRank(_ spectrum: Spectrum) -> Double? {
    spectrum.largest > 0 ? upper / spectrum.largest : nil
  }

  /// The law's density at a λ, for one eigenvalue.
  public func density(_ value: Double) -> Double {
    guard value > lower, value < upper, value > 0 else { return 0 }
    let unit = Double(larger) * deviation * deviation
    let beta = Double(smaller) / Double(larger)
    let root = ((upper - value) * (value - lower)).squareRoot() / unit
    return root / (2 * .pi * beta * value / unit) / unit
  }

  /// The median of the law with s = 1 and λ divided by n, for β = m/n in 0…1.
  ///
  /// x = c − r·cos θ makes the density smooth in θ: midpoints of 4,096 steps are exact to 10⁻⁷.
  static func median(_ beta: Double) -> Double {
    let centre = 1 + beta, radius = 2 * beta.squareRoot()
    let steps = 4096
    let width = Double.pi / Double(steps)
    var sum = 0.0
    for step in 0..<steps {
      let angle = (Double(step) + 0.5) * width
      let value = centre - radius * cos(angle)
      let mass = radius * radius * sin(angle) * sin(angle) / (2 * .pi * beta * value) * width
      if sum + mass >= 0.5 {
        let place = (Double(step) + (0.5 - sum) / mass) * width
        return centre - radius * cos(place)
      }
      sum += mass
    }
    return centre
  }
}
