import Architectures
import Runtime

extension ScoreKind {
  /// A uniform random number a weight: a pure function of seed, role and place.
  public static let random = ScoreKind(
    name: "random", summary: "a random number a weight, a control",
    reference: "control of every pruning paper"
  ) { matrix, _, score in
    try MatrixCheck.requireFinite(matrix)
    let random = CounterRandom(seed: score.seed, stream: "score/\(matrix.role)")
    return MatrixScore(matrix) { rows, out in
      let first = rows.lowerBound * matrix.inputs
      for i in 0..<rows.count * matrix.inputs {
        out[i] = Float(random.bits(at: UInt64(first + i)) >> 40) * 0x1p-24
      }
    }
  }
}
