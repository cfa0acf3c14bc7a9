import CKernels
import Glibc

/// The loss of a distribution over classes against targets that may be soft, and its gradient.
public enum CrossEntropy {
  /// Losses −Σ_k t_k log softmax(z)_k in nats, `[M]`, in f64, of logits z`[M, K]` and targets t`[M, K]` that sum to 1;
  /// `probabilities` `[M, K]` receives softmax(z), `gradient` `[M, K]` receives (softmax(z) − t) · scale (1/M for
  /// the mean over a batch).
  public static func run(
    logits: UnsafePointer<Float>, targets: UnsafePointer<Float>,
    probabilities: UnsafeMutablePointer<Float>, gradient: UnsafeMutablePointer<Float>, rows: Int,
    classes: Int,
    scale: Float, losses: UnsafeMutablePointer<Double>
  ) {
    for row in 0..<rows {
      let z = logits + row * classes, t = targets + row * classes
      let p = probabilities + row * classes, g = gradient + row * classes
      var top = z[0]
      for k in 1..<max(1, classes) where z[k] > top { top = z[k] }
      var sum = 0.0
      for k in 0..<classes {
        let e = exp(Double(z[k] - top))
        p[k] = Float(e)
        sum += e
      }
      let logSum = log(sum)
      var loss = 0.0
      for k in 0..<classes {
        p[k] = Float(Double(p[k]) / sum)
        if t[k] != 0 { loss += Double(t[k]) * (logSum - Double(z[k] - top)) }
        g[k] = (p[k] - t[k]) * scale
      }
      losses[row] = loss
    }
  }

  /// Losses log Σ exp(z) − z_token in nats, `[M]`, of logits z`[M, V]` against one token a row, and, in the logits' place, their
  /// gradient (softmax(z) − 1 at the token) · scale. A row whose token is negative does not count: loss 0 and zeros.
  /// Exponentials are f32, their sum f64. For vocabularies: on the pool, row by row.
  public static func tokens(
    _ logits: UnsafeMutablePointer<Float>, _ tokens: UnsafePointer<Int32>, scale: Float, rows: Int,
    vocabulary: Int, losses: UnsafeMutablePointer<Double>
  ) {
    ck_cross_entropy(losses, logits, tokens, scale, rows, vocabulary)
  }
}
