import Glibc
import Runtime

/// How a token is chosen from logits.
public struct SamplingOptions: Sendable, Equatable {
  /// 0 takes the most likely token (the lowest id on a tie); 1 samples the model as it is.
  public var temperature: Double
  /// Only the k most likely tokens; nil keeps all.
  public var topK: Int?
  /// Only the smallest set of tokens that holds this probability; nil keeps all.
  public var topP: Double?

  /// Options of sampling.
  public init(temperature: Double = 0, topK: Int? = nil, topP: Double? = nil) {
    self.temperature = temperature
    self.topK = topK
    self.topP = topP
  }
}

enum Sampler {
  /// One token out of `count` logits. Sums are f64 in the order of the ids, so a draw depends on nothing but the
  /// logits and the generator.
  static func pick(
    _ logits: UnsafePointer<Float>, count: Int, _ options: SamplingOptions, _ random: inout CounterRandom
  ) -> Int32 {
    var best = 0
    for id in 1..<max(count, 1) where logits[id] > logits[best] { best = id }
    guard options.temperature > 0 else { return Int32(best) }
    let target = random.uniform()
    if options.topK == nil && options.topP == nil {
      return draw(logits, count: count, most: logits[best], temperature: options.temperature, target: target)
    }
    var ids = (0..<count).sorted { logits[$0] == logits[$1] ? $0 < $1 : logits[$0] > logits[$1] }
    if let k = options.topK { ids = Array(ids.prefix(max(1, k))) }
    var weights = ids.map { exp(Double(logits[$0] - logits[best]) / options.temperature) }
    if let p = options.topP {
      let total = weights.reduce(0, +)
      var sum = 0.0
      let kept = weights.prefix { weight in
        defer { sum += weight }
        return sum < p * total
      }.count
      ids = Array(ids.prefix(max(1, kept)))
      weights = Array(weights.prefix(ids.count))
    }
    var rest = target * weights.reduce(0, +)
    for (id, weight) in zip(ids, weights) {
      rest -= weight
      if rest < 0 { return Int32(id) }
    }
    return Int32(ids[ids.count - 1])
  }

  private static func draw(
    _ logits: UnsafePointer<Float>, count: Int, most: Float, temperature: Double, target: Double
  ) -> Int32 {
    let inverse = Float(1 / temperature)
    return withUnsafeTemporaryAllocation(of: Float.self, capacity: count) { weights in
      var total = 0.0
      for id in 0..<count {
        let weight = expf((logits[id] - most) * inverse)
        weights[id] = weight
        total += Double(weight)
      }
      var rest = target * total
      for id in 0..<count {
        rest -= Double(weights[id])
        if rest < 0 { return Int32(id) }
      }
      return Int32(count - 1)
    }
  }
}
