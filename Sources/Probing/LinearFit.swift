import JSON
import OrderedCollections
import Runtime
import Statistics

/// What every kind of probe ends in: a direction in the site's own coordinates and how a score becomes a logit.
///
/// logit(x) = scale · ⟨direction, x⟩ + bias; the probability of the behaviour is σ(logit). `D` is the site's width.
public struct LinearFit: Sendable, Equatable {
  /// The learned direction, `[D]`, unstandardised, of the length it was learned with; it points to the behaviour.
  public var direction: [Double]
  /// What a projection is multiplied by.
  public var scale: Double
  /// What is added then.
  public var bias: Double
  /// The mean that was taken off before fitting, `[D]`; nil where raw features were fitted.
  public var mean: [Double]?
  /// The deviation that was divided by before fitting, `[D]`; nil where raw features were fitted.
  public var deviation: [Double]?
  /// Both rows of a two-row classifier, `[2 · D]`, where the kind has them.
  public var rows: [Double]?
  /// What the fit found out or was told: settings, iterations, convergence.
  public var details: OrderedDictionary<String, JSONValue>

  /// A fit on raw features.
  public init(
    direction: [Double], scale: Double = 1, bias: Double, rows: [Double]? = nil,
    details: OrderedDictionary<String, JSONValue> = [:]
  ) {
    self.direction = direction
    self.scale = scale
    self.bias = bias
    self.rows = rows
    self.details = details
  }

  /// A fit on standardised features, mapped back: w/σ and b − ⟨w/σ, μ⟩.
  init(
    standardised weights: [Double], bias: Double, _ standardisation: Standardisation,
    details: OrderedDictionary<String, JSONValue> = [:]
  ) {
    let direction = zip(weights, standardisation.deviation).map { $0 / $1 }
    let shift = Descriptive.sum(zip(direction, standardisation.mean).map { $0 * $1 })
    self.init(direction: direction, bias: bias - shift, details: details)
    mean = standardisation.mean
    deviation = standardisation.deviation
  }

  /// Length of the direction.
  public var norm: Double { direction.reduce(0) { $0 + $1 * $1 }.squareRoot() }

  /// The projection at which the probability is one half; nil for a scale of zero.
  public var threshold: Double? { scale == 0 ? nil : -bias / scale }

  /// The logits of some rows of features (nil: of all), `[n]`.
  public func logits(_ features: Features, rows: [Int]? = nil) -> [Double] {
    features.project(direction, rows: rows).map { scale * $0 + bias }
  }

  /// The cosine between two directions of one site; nil where one is zero.
  public static func cosine(_ a: [Double], _ b: [Double]) -> Double? {
    precondition(a.count == b.count, "directions of one width")
    var ab = 0.0, aa = 0.0, bb = 0.0
    for (x, y) in zip(a, b) {
      ab += x * y
      aa += x * x
      bb += y * y
    }
    let cosine = ab / (aa.squareRoot() * bb.squareRoot())
    return cosine.isFinite ? min(1, max(-1, cosine)) : nil
  }
}
