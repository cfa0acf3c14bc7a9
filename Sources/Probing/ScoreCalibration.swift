import Glibc
import Statistics

/// Turns one score a text into a logit: scale · score + bias.
public enum ScoreCalibration {
  /// Platt's logistic fit on one dimension (1999), with his softened targets (n₊ + 1)/(n₊ + 2) and 1/(n₋ + 2), so that
  /// separable scores get a finite scale.
  ///
  /// Newton's method on standardised scores with step halving; a constant score gets scale 0 and the prior.
  /// Scores and labels are `[n]`.
  public static func platt(scores: [Double], labels: [Bool]) -> (scale: Double, bias: Double) {
    precondition(scores.count == labels.count, "one label a score")
    let up = Double(labels.count { $0 }), down = Double(labels.count) - up
    let high = (up + 1) / (up + 2), low = 1 / (down + 2)
    let prior = log((up + 1) / (down + 1))
    guard let mean = Descriptive.mean(scores), let variance = Descriptive.variance(scores), variance > 0
    else {
      return (0, prior)
    }
    let deviation = variance.squareRoot()
    let x = scores.map { ($0 - mean) / deviation }
    let targets = labels.map { $0 ? high : low }
    func loss(_ a: Double, _ b: Double) -> Double {
      var sum = 0.0
      for i in x.indices {
        let z = a * x[i] + b
        sum += ProperScores.softplus(z) - targets[i] * z
      }
      return sum
    }
    var a = 0.0, b = prior
    var value = loss(a, b)
    for _ in 0..<100 {
      var ga = 0.0, gb = 0.0, haa = 1e-10, hab = 0.0, hbb = 1e-10
      for i in x.indices {
        let p = ProperScores.sigmoid(a * x[i] + b)
        let h = p * (1 - p), r = p - targets[i]
        ga += r * x[i]
        gb += r
        haa += h * x[i] * x[i]
        hab += h * x[i]
        hbb += h
      }
      let determinant = haa * hbb - hab * hab
      let da = (hbb * ga - hab * gb) / determinant, db = (haa * gb - hab * ga) / determinant
      // What is still to be won, in nats a text: below rounding there is nothing more to do.
      if ga * da + gb * db < 1e-15 * Double(x.count) { break }
      var step = 1.0
      while step > 1e-10 {
        let next = loss(a - step * da, b - step * db)
        if next <= value - 1e-4 * step * (ga * da + gb * db) {
          (a, b, value) = (a - step * da, b - step * db, next)
          break
        }
        step /= 2
      }
      if step <= 1e-10 { break }
    }
    return (a / deviation, b - a * mean / deviation)
  }
}
