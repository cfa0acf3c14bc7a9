import CKernels
import Runtime
import Testing

@testable import Checkpoints

/// The arithmetic of patches and the kernels' conversions must never part: overlays use the one, files the other.
@Suite struct StoredFloatTests {
  static let samples: [Float] = {
    var random = CounterRandom(seed: 0, stream: "bits")
    var samples = (0..<200_000).map { _ in Float(bitPattern: UInt32(truncatingIfNeeded: random.next())) }
    // Midpoints between neighbours of both types, and the edges of overflow and of the smallest numbers.
    for word in 0..<65536 as Range<UInt32> {
      samples.append(Float(bitPattern: word << 16 | 0x8000))
      samples.append(Float(bitPattern: word << 13 &+ 0x3800_0000 &+ 0x1000))
    }
    samples += [
      65519.996, 65520, 65504, 5.9604645e-08, 2.9802322e-08, 2.9802326e-08, .greatestFiniteMagnitude, -0,
    ]
    return samples.filter { !$0.isNaN }
  }()

  @Test func roundsAsTheKernelsDo() {
    var words = [UInt16](repeating: 0, count: Self.samples.count)
    ck_convert_bf16_f32(&words, Self.samples, words.count)
    #expect(zip(words, Self.samples).allSatisfy { $0 == StoredBF16.word($1) })
    ck_convert_f16_f32(&words, Self.samples, words.count)
    #expect(zip(words, Self.samples).allSatisfy { $0 == StoredF16.word($1) })
  }

  @Test func readsAsTheKernelsDo() {
    let words = (0..<65536).map { UInt16($0) }
    var values = [Float](repeating: 0, count: words.count)
    ck_convert_f32_bf16(&values, words, words.count)
    #expect(zip(values, words).allSatisfy { $0.bitPattern == StoredBF16.float($1).bitPattern })
    ck_convert_f32_f16(&values, words, words.count)
    #expect(
      zip(values, words).allSatisfy { value, word in
        let own = StoredF16.float(word)
        return own.isNaN ? value.isNaN : own.bitPattern == value.bitPattern
      })
  }

  @Test func keepsNaNAwayFromInfinity() {
    #expect(StoredBF16.float(StoredBF16.word(Float(bitPattern: 0x7F80_0001))).isNaN)
    #expect(StoredF16.float(StoredF16.word(.nan)).isNaN)
  }
}
