import CKernels

/// Softmax in f32, and statistics of logits in f64 (nats).
public enum Softmax {
  /// row`[n]` := softmax(row), in place, in f32.
  public static func apply(_ row: UnsafeMutablePointer<Float>, count: Int) { ck_softmax(row, row, count) }

  /// log Σ exp(row) in f64, in nats.
  public static func logSumExp(_ row: UnsafeBufferPointer<Float>) -> Double {
    ck_logsumexp(row.baseAddress, row.count)
  }

  /// log Σ exp(row) in f64, in nats.
  public static func logSumExp(_ row: [Float]) -> Double { ck_logsumexp(row, row.count) }

  /// The log-probability of `token` under logits `[V]`, in f64, in nats.
  public static func logProbability(of token: Int, _ logits: UnsafeBufferPointer<Float>) -> Double {
    precondition(logits.indices.contains(token), "token \(token) of \(logits.count)")
    return Double(logits[token]) - logSumExp(logits)
  }

  /// The log-probabilities of one token a row: logits`[rows, V]`, rows `stride` floats apart; in f64, in nats.
  /// - Complexity: O(rows · V), on the pool.
  public static func logProbabilities(
    of tokens: [Int32], _ logits: UnsafePointer<Float>, stride: Int, vocabulary: Int
  ) -> [Double] {
    precondition(tokens.allSatisfy { $0 >= 0 && $0 < vocabulary }, "a token outside the vocabulary")
    var result = [Double](repeating: 0, count: tokens.count)
    ck_token_log_probabilities(&result, logits, stride, tokens, tokens.count, vocabulary)
    return result
  }

  /// KL(p ‖ q) of the distributions with logits `p` and `q` `[V]`, over the full vocabulary, in f64, in nats.
  public static func divergence(_ p: UnsafeBufferPointer<Float>, _ q: UnsafeBufferPointer<Float>) -> Double {
    precondition(p.count == q.count, "logits of \(p.count) and \(q.count) tokens")
    return ck_divergence(nil, nil, p.baseAddress, q.baseAddress, p.count)
  }

  /// -Σ p log p of the distribution with logits `[V]`, in f64, in nats.
  public static func entropy(_ logits: UnsafeBufferPointer<Float>) -> Double {
    ck_entropy(logits.baseAddress, logits.count)
  }

  /// Index of the largest logit, the first of equals.
  public static func argmax(_ logits: UnsafeBufferPointer<Float>) -> Int {
    Int(ck_argmax(logits.baseAddress, logits.count))
  }
}
