import Glibc

/// Naive versions of the network's operators: what the kernels are measured against.
///
/// Functions that return `[Float]` follow the number contract and must be met bit for bit; those that return
/// `[Double]` are the mathematics, to be met within a tolerance. All matrices are dense and row-major.
public enum Reference {
  // MARK: Linear

  /// One output of a linear layer: K padded with zeros to a multiple of 16, lane j takes k ≡ j mod 16, one fused
  /// multiply-add each, then the tree 8, 4, 2, 1.
  public static func dot(_ x: ArraySlice<Float>, _ w: ArraySlice<Float>) -> Float {
    var lanes = [Float](repeating: 0, count: 16)
    for k in 0..<(x.count + 15) / 16 * 16 {
      let a = k < x.count ? x[x.startIndex + k] : 0
      let b = k < w.count ? w[w.startIndex + k] : 0
      lanes[k % 16] = fmaf(a, b, lanes[k % 16])
    }
    for width in [8, 4, 2, 1] {
      for j in 0..<width { lanes[j] += lanes[j + width] }
    }
    return lanes[0]
  }

  /// y`[M, N]` = x`[M, K]` · w`[N, K]`ᵀ + bias.
  public static func linear(
    _ x: [Float], _ w: [Float], _ bias: [Float]?, rows: Int, outputs: Int, inputs: Int
  ) -> [Float] {
    var y: [Float] = []
    for m in 0..<rows {
      for n in 0..<outputs {
        let sum = dot(x[m * inputs..<(m + 1) * inputs], w[n * inputs..<(n + 1) * inputs])
        y.append(bias.map { sum + $0[n] } ?? sum + 0)
      }
    }
    return y
  }

  /// The same in f64, with the bound on an f32 result's error: (K/16 + 6) · 2⁻²⁴ · Σ|x w|.
  public static func linear64(
    _ x: [Float], _ w: [Float], _ bias: [Float]?, rows: Int, outputs: Int, inputs: Int
  ) -> [(value: Double, bound: Double)] {
    var y: [(Double, Double)] = []
    for m in 0..<rows {
      for n in 0..<outputs {
        var sum = Double(bias?[n] ?? 0)
        var size = abs(sum)
        for k in 0..<inputs {
          let product = Double(x[m * inputs + k]) * Double(w[n * inputs + k])
          sum += product
          size += abs(product)
        }
        y.append((sum, (Double(inputs) / 16 + 6) * 0x1p-24 * size))
      }
    }
    return y
  }

  /// The same with products of bf16: K padded to a multiple of 32, lane j takes the pairs 32i + 2j, of each the odd member
  /// and then the even one. Both x and w hold numbers that are rounded to bf16 already.
  public static func bf16Linear(
    _ x: [Float], _ w: [Float], _ bias: [Float]?, rows: Int, outputs: Int, inputs: Int
  ) -> [Float] {
    var y: [Float] = []
    for m in 0..<rows {
      for n in 0..<outputs {
        var lanes = [Float](repeating: 0, count: 16)
        for first in stride(from: 0, to: (inputs + 31) / 32 * 32, by: 2) {
          for k in [first + 1, first] {
            let a = k < inputs ? x[m * inputs + k] : 0
            let b = k < inputs ? w[n * inputs + k] : 0
            lanes[first / 2 % 16] = fmaf(a, b, lanes[first / 2 % 16])
          }
        }
        for width in [8, 4, 2, 1] {
          for j in 0..<width { lanes[j] += lanes[j + width] }
        }
        y.append(lanes[0] + (bias?[n] ?? 0))
      }
    }
    return y
  }

  // MARK: Norms

  /// x / √(mean(x²) + eps) · (gain + offset) of one row.
  public static func rms(_ x: [Float], gain: [Float], eps: Double, offset: Double) -> [Double] {
    let square = x.reduce(0) { $0 + Double($1) * Double($1) } / Double(x.count)
    return zip(x, gain).map { Double($0) / (square + eps).squareRoot() * (Double($1) + offset) }
  }

  /// (x - mean) / √(variance + eps) · gain + bias of one row.
  public static func layer(_ x: [Float], gain: [Float], bias: [Float]?, eps: Double) -> [Double] {
    let mean = x.reduce(0) { $0 + Double($1) } / Double(x.count)
    let variance = x.reduce(0) { $0 + (Double($1) - mean) * (Double($1) - mean) } / Double(x.count)
    return x.indices.map {
      (Double(x[$0]) - mean) / (variance + eps).squareRoot() * Double(gain[$0]) + Double(bias?[$0] ?? 0)
    }
  }

  // MARK: Element-wise

  /// x / (1 + e^(-c x)).
  public static func silu(_ x: Double, _ c: Double = 1) -> Double { x / (1 + exp(-c * x)) }
  /// x Φ(x).
  public static func gelu(_ x: Double) -> Double { 0.5 * x * erfc(-x / 2.0.squareRoot()) }
  /// The approximation of ``gelu(_:)`` by tanh, in the form that loses nothing for negative x.
  public static func geluTanh(_ x: Double) -> Double {
    silu(x, 2 * (2 / Double.pi).squareRoot() * (1 + 0.044715 * x * x))
  }

  // MARK: Rotary

  /// One head's numbers after rotation by angles `[width / 2]`.
  public static func rotate(
    _ x: [Float], cosine: [Double], sine: [Double], interleaved: Bool
  ) -> [Double] {
    var y = x.map(Double.init)
    for i in cosine.indices {
      let (a, b) = interleaved ? (2 * i, 2 * i + 1) : (i, i + cosine.count)
      y[a] = Double(x[a]) * cosine[i] - Double(x[b]) * sine[i]
      y[b] = Double(x[b]) * cosine[i] + Double(x[a]) * sine[i]
    }
    return y
  }

  // MARK: Attention

  /// The options of ``attention(q:k:v:_:)``.
  public struct AttentionShape: Sendable {
    public var queries, keys, heads, kvHeads, headSize: Int
    public var window: Int?
    public var softcap: Float?
    public var slopes: [Float]?
    public var causal: Bool
    /// Whether every key has a bias of its own, whatever the query.
    public var hasKeyBias: Bool
    /// Floats from one head's biases to the next: more than any of the tests has keys.
    public let keyBiasStride = 256
    /// The biases `[H, stride]`, the same for the same key of any shape.
    public var keyBias: [Float] { .random(heads * keyBiasStride, seed: 4) }
    public var scale: Float { 1 / Float(headSize).squareRoot() }

    public init(
      _ queries: Int, _ keys: Int, heads: Int, kvHeads: Int, headSize: Int, window: Int? = nil,
      softcap: Float? = nil, slopes: [Float]? = nil, keyBias: Bool = false, causal: Bool = true
    ) {
      self.queries = queries
      self.keys = keys
      self.heads = heads
      self.kvHeads = kvHeads
      self.headSize = headSize
      self.window = window
      self.softcap = softcap
      self.slopes = slopes
      self.causal = causal
      hasKeyBias = keyBias
    }
  }

  /// out`[Tq, H · hd]` from q`[Tq, H · hd]`, k and v`[Tk, KV · hd]`.
  public static func attention(q: [Float], k: [Float], v: [Float], _ s: AttentionShape) -> [Double] {
    let (hd, qWidth, kvWidth) = (s.headSize, s.heads * s.headSize, s.kvHeads * s.headSize)
    var out = [Double](repeating: 0, count: s.queries * qWidth)
    let bias = s.hasKeyBias ? s.keyBias : []
    for t in 0..<s.queries {
      let position = s.keys - s.queries + t
      let last = s.causal ? position : s.keys - 1
      let first = s.causal ? max(0, position + 1 - (s.window ?? s.keys + 1)) : 0
      for h in 0..<s.heads {
        let group = h / (s.heads / s.kvHeads)
        let scores = (first...last).map { key -> Double in
          var score = 0.0
          for d in 0..<hd {
            score += Double(q[t * qWidth + h * hd + d]) * Double(k[key * kvWidth + group * hd + d])
          }
          score *= Double(s.scale)
          if let cap = s.softcap { score = Double(cap) * tanh(score / Double(cap)) }
          if let slopes = s.slopes { score += Double(slopes[h]) * Double(key - position) }
          if s.hasKeyBias { score += Double(bias[h * s.keyBiasStride + key]) }
          return score
        }
        let most = scores.max() ?? 0
        let weights = scores.map { exp($0 - most) }
        let sum = weights.reduce(0, +)
        for d in 0..<hd {
          var value = 0.0
          for (i, weight) in weights.enumerated() {
            value += weight * Double(v[(first + i) * kvWidth + group * hd + d])
          }
          out[t * qWidth + h * hd + d] = value / sum
        }
      }
    }
    return out
  }
}
