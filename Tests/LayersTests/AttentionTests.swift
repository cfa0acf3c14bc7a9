import Layers
import Tensors
import TestSupport
import Testing

private typealias Shape = Reference.AttentionShape

@Suite struct AttentionTests {
  static let shapes: [Reference.AttentionShape] = [
    .init(1, 1, heads: 1, kvHeads: 1, headSize: 1),
    .init(5, 5, heads: 2, kvHeads: 2, headSize: 16),
    .init(7, 7, heads: 4, kvHeads: 2, headSize: 6),
    .init(95, 95, heads: 3, kvHeads: 3, headSize: 64),
    .init(97, 97, heads: 8, kvHeads: 2, headSize: 48),
    .init(1, 130, heads: 8, kvHeads: 1, headSize: 80),
    .init(3, 200, heads: 6, kvHeads: 2, headSize: 128),
    .init(96, 200, heads: 2, kvHeads: 2, headSize: 72),
    .init(130, 130, heads: 4, kvHeads: 2, headSize: 32, window: 17),
    .init(70, 150, heads: 4, kvHeads: 4, headSize: 33, window: 64, softcap: 3),
    .init(66, 66, heads: 4, kvHeads: 4, headSize: 16, slopes: [0.5, 0.25, 0.125, 0.0625]),
    .init(65, 65, heads: 2, kvHeads: 1, headSize: 64, softcap: 0.5, causal: false),
    .init(33, 100, heads: 2, kvHeads: 2, headSize: 20, slopes: [0.1, 0.7], causal: false),
    .init(69, 90, heads: 4, kvHeads: 1, headSize: 18, keyBias: true),
    .init(1, 97, heads: 2, kvHeads: 2, headSize: 16, window: 21, softcap: 2, keyBias: true),
    .init(40, 40, heads: 3, kvHeads: 3, headSize: 8, slopes: [0.3, 0.2, 0.9], keyBias: true, causal: false),
  ]

  private static func run(
    _ s: Reference.AttentionShape, q: [Float], k: [Float], v: [Float], gap: Int = 0
  ) -> [Float] {
    let qWidth = s.heads * s.headSize, kvWidth = s.kvHeads * s.headSize
    func spread(_ x: [Float], _ width: Int) -> [Float] {
      guard gap > 0 else { return x }
      return (0..<x.count / width).flatMap {
        x[$0 * width..<($0 + 1) * width] + [Float](repeating: .nan, count: gap)
      }
    }
    var out = [Float](repeating: 7, count: s.queries * (qWidth + gap))
    let bias = Tensor(s.keyBias, shape: [s.heads, s.keyBiasStride])
    defer { withExtendedLifetime(bias) {} }
    Attention.forward(
      &out, outStride: qWidth + gap, q: spread(q, qWidth), qStride: qWidth + gap, k: spread(k, kvWidth),
      kStride: kvWidth + gap, v: spread(v, kvWidth), vStride: kvWidth + gap, queries: s.queries, keys: s.keys,
      heads: s.heads, kvHeads: s.kvHeads, headSize: s.headSize, scale: s.scale, window: s.window,
      softcap: s.softcap, alibiSlopes: s.slopes,
      keyBias: s.hasKeyBias ? UnsafePointer(bias.f32) : nil,
      keyBiasStride: s.keyBiasStride, causal: s.causal)
    return (0..<s.queries).flatMap { out[$0 * (qWidth + gap)..<$0 * (qWidth + gap) + qWidth] }
  }

  private static func inputs(_ s: Reference.AttentionShape) -> (q: [Float], k: [Float], v: [Float]) {
    (
      .random(s.queries * s.heads * s.headSize, seed: 1), .random(s.keys * s.kvHeads * s.headSize, seed: 2),
      .random(s.keys * s.kvHeads * s.headSize, seed: 3)
    )
  }

  /// Values lie within ±2; 4e-6 is 16 units in the last place of 2.
  @Test(arguments: shapes) func itIsAttention(_ s: Reference.AttentionShape) {
    let (q, k, v) = Self.inputs(s)
    let exact = Reference.attention(q: q, k: k, v: v, s)
    var first: [Float]?
    KernelSetting.each { setting in
      let out = Self.run(s, q: q, k: k, v: v)
      for (value, exact) in zip(out, exact) {
        #expect(abs(Double(value) - exact) <= 4e-6, "\(s), \(setting)")
      }
      if let first { #expect(out.bits == first.bits, "\(s), \(setting)") } else { first = out }
      #expect(Self.run(s, q: q, k: k, v: v, gap: 5).bits == out.bits, "\(s), rows apart, \(setting)")
    }
  }

  /// With cached keys, any number of queries at a time: the bits of the full pass, whatever comes later.
  @Test(arguments: shapes.filter(\.causal), [1, 2, 5]) func cachedStepsRepeatTheFullPass(
    _ s: Reference.AttentionShape, _ step: Int
  ) {
    let (q, k, v) = Self.inputs(s)
    let full = Self.run(s, q: q, k: k, v: v)
    let qWidth = s.heads * s.headSize, kvWidth = s.kvHeads * s.headSize
    for start in stride(from: 0, to: s.queries, by: step) {
      let end = min(s.queries, start + step)
      var part = s
      part.queries = end - start
      part.keys = s.keys - s.queries + end
      let out = Self.run(
        part, q: Array(q[start * qWidth..<end * qWidth]), k: Array(k[..<(part.keys * kvWidth)]),
        v: Array(v[..<(part.keys * kvWidth)]))
      #expect(out.bits == Array(full[start * qWidth..<end * qWidth]).bits, "\(s), queries \(start)..<\(end)")
    }
  }

  @Test func keysThatAQueryDoesNotSeeDoNotTouchIt() {
    for window in [nil, 9] as [Int?] {
      let s = Reference.AttentionShape(70, 70, heads: 2, kvHeads: 1, headSize: 16, window: window)
      var (q, k, v) = Self.inputs(s)
      let clean = Self.run(s, q: q, k: k, v: v)
      let poisoned = 40
      for d in 0..<16 {
        k[poisoned * 16 + d] = .nan
        v[poisoned * 16 + d] = .infinity
      }
      let out = Self.run(s, q: q, k: k, v: v)
      for t in 0..<70 {
        let row = t * 32..<(t + 1) * 32
        if t < poisoned || t >= poisoned + (window ?? 70) {
          #expect(Array(out[row]).bits == Array(clean[row]).bits, "query \(t)")
        } else {
          #expect(out[row].allSatisfy({ $0.isNaN }), "query \(t)")
        }
      }
      q[0] = .nan
      let third = Self.run(s, q: q, k: k, v: v)
      #expect(third[..<16].allSatisfy({ $0.isNaN }) && third[16..<32].allSatisfy({ $0.isFinite }))
    }
  }
}
