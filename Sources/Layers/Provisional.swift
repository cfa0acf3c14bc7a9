import Glibc
import Tensors

extension Tensor {
  public func toFloats() -> [Float] { (0..<count).map { element($0) } }
  func element(_ i: Int) -> Float {
    switch dtype {
    case .f32: return pointer.load(fromByteOffset: 4 * i, as: Float.self)
    case .bf16: return Float(bitPattern: UInt32(pointer.load(fromByteOffset: 2 * i, as: UInt16.self)) << 16)
    default: return Float(pointer.load(fromByteOffset: 2 * i, as: Float16.self))
    }
  }
}
public enum Parallel {
  public static var threads: Int { 1 }
  public static func setThreads(_ count: Int) {}
  public static func forEach(_ count: Int, grain: Int, _ body: @Sendable (Range<Int>) -> Void) { if count > 0 { body(0..<count) } }
}
public struct LinearWeight: Sendable {
  let weight: Tensor, transposed: Bool, range: Range<Int>
  public let bias: Tensor?
  public init(_ weight: Tensor, transposed: Bool = false, bias: Tensor? = nil) {
    self.weight = weight; self.transposed = transposed; self.bias = bias
    range = 0..<(transposed ? weight.shape[1] : weight.shape[0])
  }
  private init(_ o: LinearWeight, _ r: Range<Int>) {
    weight = o.weight; transposed = o.transposed; range = r
    bias = o.bias.map { b in Tensor(Array(b.toFloats()[(r.lowerBound - o.range.lowerBound)..<(r.upperBound - o.range.lowerBound)])) }
  }
  public var outputs: Int { range.count }
  public var inputs: Int { transposed ? weight.shape[0] : weight.shape[1] }
  public func rows(_ r: Range<Int>) -> LinearWeight { LinearWeight(self, (range.lowerBound + r.lowerBound)..<(range.lowerBound + r.upperBound)) }
  public func widen(rows r: Range<Int>, to out: UnsafeMutablePointer<Float>) {
    let K = inputs
    for (i, n) in r.enumerated() { for k in 0..<K {
      out[i * K + k] = transposed ? weight.element(k * weight.shape[1] + n + range.lowerBound) : weight.element((n + range.lowerBound) * K + k) } }
  }
}
public enum Linear {
  public static func forward(_ y: UnsafeMutablePointer<Float>, yStride: Int, _ x: UnsafePointer<Float>, xStride: Int, rows: Int, _ w: LinearWeight) {
    let K = w.inputs
    let row = UnsafeMutablePointer<Float>.allocate(capacity: K); defer { row.deallocate() }
    for n in 0..<w.outputs {
      w.widen(rows: n..<(n + 1), to: row)
      let b = w.bias.map { $0.f32[n] } ?? 0
      for m in 0..<rows {
        let xr = x + m * xStride
        var acc = SIMD16<Float>.zero
        var k = 0
        while k + 16 <= K {
          acc += UnsafeRawPointer(xr + k).loadUnaligned(as: SIMD16<Float>.self) * UnsafeRawPointer(row + k).loadUnaligned(as: SIMD16<Float>.self)
          k += 16
        }
        while k < K { acc[k % 16] += xr[k] * row[k]; k += 1 }
        y[m * yStride + n] = acc.sum() + b
      }
    }
  }
}
public enum Norm {
  public static func rms(_ y: UnsafeMutablePointer<Float>, _ x: UnsafePointer<Float>, gain: UnsafePointer<Float>, rows: Int, width: Int, eps: Float, gainOffset: Float) {
    for r in 0..<rows { let a = x + r * width, o = y + r * width
      var s: Float = 0; for k in 0..<width { s += a[k] * a[k] }
      let f = 1 / (s / Float(width) + eps).squareRoot()
      for k in 0..<width { o[k] = a[k] * f * (gain[k] + gainOffset) } }
  }
  public static func layer(_ y: UnsafeMutablePointer<Float>, _ x: UnsafePointer<Float>, gain: UnsafePointer<Float>, bias: UnsafePointer<Float>?, rows: Int, width: Int, eps: Float) {
    for r in 0..<rows { let a = x + r * width, o = y + r * width
      var m: Float = 0; for k in 0..<width { m += a[k] }; m /= Float(width)
      var s: Float = 0; for k in 0..<width { s += (a[k] - m) * (a[k] - m) }
      let f = 1 / (s / Float(width) + eps).squareRoot()
      for k in 0..<width { o[k] = (a[k] - m) * f * gain[k] + (bias?[k] ?? 0) } }
  }
}
public struct RotaryTable: Sendable { let inverse: [Float]; let factor: Float
  public init(inverseFrequencies: [Float], attentionFactor: Float) { inverse = inverseFrequencies; factor = attentionFactor } }
public enum Rotary {
  public static func apply(_ x: UnsafeMutablePointer<Float>, rows: Int, rowStride: Int, heads: Int, headSize: Int, rotaryWidth: Int, positions: UnsafePointer<Int32>, table: RotaryTable, interleaved: Bool) {
    let half = rotaryWidth / 2
    for r in 0..<rows { for j in 0..<half {
      let a = Float(positions[r]) * table.inverse[j]
      let c = cosf(a) * table.factor, s = sinf(a) * table.factor
      for h in 0..<heads { let p = x + r * rowStride + h * headSize
        let (u, v) = interleaved ? (p + 2 * j, p + 2 * j + 1) : (p + j, p + j + half)
        let (a0, b0) = (u.pointee, v.pointee)
        u.pointee = a0 * c - b0 * s; v.pointee = b0 * c + a0 * s } } }
  }
}
public enum Attention {
  public static func forward(_ out: UnsafeMutablePointer<Float>, _ q: UnsafePointer<Float>, queryStride: Int, keys: UnsafePointer<Float>, values: UnsafePointer<Float>, keyStride: Int, queryCount: Int, keyCount: Int, heads: Int, keyValueHeads: Int, headSize: Int, scale: Float, window: Int?, softcap: Float?, causal: Bool) {
    var s = [Float](repeating: 0, count: keyCount)
    for t in 0..<queryCount { let pos = keyCount - queryCount + t
      let first = window.map { max(0, pos - $0 + 1) } ?? 0
      for h in 0..<heads { let g = h / (heads / keyValueHeads)
        let qr = q + t * queryStride + h * headSize
        var mx = -Float.infinity
        for j in first...pos { let kr = keys + j * keyStride + g * headSize
          var d: Float = 0; for i in 0..<headSize { d += qr[i] * kr[i] }
          s[j] = d * scale; mx = max(mx, s[j]) }
        var sum: Float = 0
        for j in first...pos { s[j] = expf(s[j] - mx); sum += s[j] }
        let o = out + t * queryStride + h * headSize
        for i in 0..<headSize { var a: Float = 0; for j in first...pos { a += s[j] * values[j * keyStride + g * headSize + i] }; o[i] = a / sum } } }
  }
}
public enum Activation: Sendable { case silu, gelu, geluTanh, relu, quickGelu
  func f(_ x: Float) -> Float {
    switch self {
    case .silu: x / (1 + expf(-x)); case .gelu: 0.5 * x * (1 + erff(x / Float(2).squareRoot()))
    case .geluTanh: 0.5 * x * (1 + tanhf(0.7978845608 * (x + 0.044715 * x * x * x)))
    case .relu: max(0, x); case .quickGelu: x / (1 + expf(-1.702 * x)) } }
  public func apply(_ x: UnsafeMutablePointer<Float>, count: Int) { for i in 0..<count { x[i] = f(x[i]) } }
  public func gated(_ o: UnsafeMutablePointer<Float>, gate: UnsafePointer<Float>, up: UnsafePointer<Float>, count: Int) { for i in 0..<count { o[i] = f(gate[i]) * up[i] } }
}
public enum Elementwise { public static func add(_ y: UnsafeMutablePointer<Float>, _ x: UnsafePointer<Float>, count: Int) { for i in 0..<count { y[i] += x[i] } } }
extension Tensor {
  public func copyRow(_ r: Int, to o: UnsafeMutablePointer<Float>) { for k in 0..<rowCount { o[k] = element(r * rowCount + k) } }
  public func addRow(_ r: Int, to o: UnsafeMutablePointer<Float>) { for k in 0..<rowCount { o[k] += element(r * rowCount + k) } }
}
