import Glibc
import Layers
import TestSupport
import Testing

@Suite struct SoftmaxTests {
  static let counts = [1, 2, 15, 16, 17, 95, 96, 97, 32_000]

  private static func exactLogSumExp(_ x: [Float]) -> Double {
    let most = Double(x.max() ?? 0)
    return most + log(x.reduce(0) { $0 + exp(Double($1) - most) })
  }

  @Test(arguments: counts) func statisticsOfLogits(_ n: Int) {
    let p = [Float].random(n, seed: 1).map { $0 * 8 }, q = [Float].random(n, seed: 2).map { $0 * 8 }
    let lp = Self.exactLogSumExp(p), lq = Self.exactLogSumExp(q)
    let kl = zip(p, q).reduce(0) { $0 + exp(Double($1.0) - lp) * ((Double($1.0) - lp) - (Double($1.1) - lq)) }
    let entropy = p.reduce(0) { $0 - exp(Double($1) - lp) * (Double($1) - lp) }
    var first: [Double]?
    KernelSetting.each { setting in
      p.withUnsafeBufferPointer { p in
        q.withUnsafeBufferPointer { q in
          let values = [
            Softmax.logSumExp(p), Softmax.divergence(p, q), Softmax.entropy(p), Softmax.divergence(p, p),
            Softmax.logProbability(of: n / 2, p),
          ]
          for (value, exact) in zip(values, [lp, kl, entropy, 0, Double(p[n / 2]) - lp]) {
            #expect(abs(value - exact) <= 1e-12 * max(1, abs(exact)), "\(setting)")
          }
          if let first { #expect(values == first, "\(setting)") } else { first = values }
        }
      }
      var y = p
      Softmax.apply(&y, count: n)
      for (value, x) in zip(y, p) { #expect(abs(Double(value) - exp(Double(x) - lp)) <= 3e-7) }
      #expect(
        Softmax.logProbabilities(of: [Int32(n / 2), 0], p + q, stride: n, vocabulary: n)[0] == first?[4])
    }
  }

  @Test func infinitiesAndNumbersThatAreNone() {
    var x = [Float].random(20, seed: 1)
    let whole = Softmax.logSumExp(Array(x[..<19]))
    x[19] = -.infinity
    KernelSetting.each { _ in
      #expect(abs(Softmax.logSumExp(x) - whole) < 1e-14)
      x.withUnsafeBufferPointer { #expect(Softmax.divergence($0, $0) == 0) }
      #expect(Softmax.logSumExp([]) == -.infinity)
      #expect(Softmax.logSumExp([-.infinity, -.infinity]) == -.infinity)
      #expect(Softmax.logSumExp([.nan, 1, 2]).isNaN && Softmax.logSumExp([1, 2, .nan]).isNaN)
      var y = x
      y[3] = .nan
      Softmax.apply(&y, count: 20)
      #expect(y.allSatisfy({ $0.isNaN }))
    }
    [Float]([1, .nan, 5, 5, -.infinity]).withUnsafeBufferPointer { #expect(Softmax.argmax($0) == 2) }
  }
}
