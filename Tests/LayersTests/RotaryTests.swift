import Glibc
import Layers
import TestSupport
import Testing

@Suite struct RotaryTests {
  @Test(arguments: [2, 6, 16, 32, 64, 96, 128], [false, true])
  func itTurnsPairs(_ width: Int, _ interleaved: Bool) {
    let (T, H, headSize, stride) = (5, 3, width + 4, 3 * (width + 4) + 7)
    let frequencies = (0..<width / 2).map { pow(10_000, -2 * Double($0) / Double(width)) }
    let table = RotaryTable(inverseFrequencies: frequencies, attentionFactor: 1.25, positions: 8).covering(
      4000)
    let positions: [Int32] = [0, 1, 7, 2000, 3]
    let x = [Float].random(T * stride, seed: 1)
    var first: [Float]?
    KernelSetting.each { setting in
      var y = x
      Rotary.apply(
        &y, rows: T, rowStride: stride, heads: H, headSize: headSize, rotaryWidth: width,
        positions: positions,
        table: table, interleaved: interleaved)
      var exact = x.map(Double.init)
      for t in 0..<T {
        let angles = frequencies.map { Double(Float(positions[t]) * Float($0)) }
        for h in 0..<H {
          let start = t * stride + h * headSize
          let turned = Reference.rotate(
            Array(x[start..<start + headSize]), cosine: angles.map { 1.25 * cos($0) },
            sine: angles.map { 1.25 * sin($0) }, interleaved: interleaved)
          exact.replaceSubrange(start..<start + headSize, with: turned)
        }
      }
      for (i, value) in y.enumerated() { #expect(abs(Double(value) - exact[i]) <= 5e-7, "\(setting)") }
      if let first { #expect(y.bits == first.bits, "\(setting)") } else { first = y }
    }
  }
}
