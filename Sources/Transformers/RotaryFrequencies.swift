import Architectures
import Glibc
import Layers
import Synchronization

/// Inverse wavelengths of rotary embeddings under the published scalings.
///
/// Computed as the reference implementations do (powers in f32 where they use f32), since a last bit here turns into
/// 1e-4 at position 1,000.
struct RotaryFrequencies {
  /// Radians a position, `[width / 2]`.
  let inverse: [Float]
  /// Multiplies cosine and sine (YaRN).
  let attentionFactor: Float

  /// - Parameters:
  ///   - rotary: the network's choice.
  ///   - length: tokens of the text so far; only the dynamic scaling and LongRoPE look at it.
  init(_ rotary: Network.Rotary, length: Int) {
    let width = rotary.width
    func plain(theta: Double) -> [Float] {
      stride(from: 0, to: width, by: 2).map { 1 / powf(Float(theta), Float($0) / Float(width)) }
    }
    var factor: Float = 1
    switch rotary.scaling {
    case .none: inverse = plain(theta: rotary.theta)
    case .linear(let scale): inverse = plain(theta: rotary.theta).map { $0 / Float(scale) }
    case .dynamic(let scale, let trained):
      let stretch = scale * Double(max(length, trained)) / Double(trained) - (scale - 1)
      inverse = plain(theta: rotary.theta * pow(stretch, Double(width) / Double(width - 2)))
    case .llama3(let scale, let low, let high, let trained):
      inverse = plain(theta: rotary.theta).map { frequency in
        let wavelength = 2 * Float.pi / frequency
        if wavelength > Float(Double(trained) / low) { return frequency / Float(scale) }
        if wavelength < Float(Double(trained) / high) { return frequency }
        let smooth = (Float(trained) / wavelength - Float(low)) / Float(high - low)
        return (1 - smooth) * frequency / Float(scale) + smooth * frequency
      }
    case .yarn(let scale, let trained, let betaFast, let betaSlow, let attention, let truncate):
      func dimension(rotations: Double) -> Double {
        Double(width) * log(Double(trained) / (rotations * 2 * .pi)) / (2 * log(rotary.theta))
      }
      var low = dimension(rotations: betaFast)
      var high = dimension(rotations: betaSlow)
      if truncate { (low, high) = (low.rounded(.down), high.rounded(.up)) }
      low = max(low, 0)
      high = min(high, Double(width - 1))
      if low == high { high += 0.001 }
      inverse = plain(theta: rotary.theta).enumerated().map { index, frequency in
        let ramp = min(1, max(0, (Float(index) - Float(low)) / Float(high - low)))
        return frequency / Float(scale) * ramp + frequency * (1 - ramp)
      }
      factor = Float(attention)
    case .long(let short, let long, let trained, let attention):
      let factors = length > trained ? long : short
      inverse = factors.enumerated().map { index, factor in
        1 / (Float(factor) * powf(Float(rotary.theta), Float(2 * index) / Float(width)))
      }
      factor = Float(attention)
    }
    attentionFactor = factor
  }
}

/// The cosines and sines of one rotary embedding, kept and grown as longer texts come.
final class RotaryTables: Sendable {
  let rotary: Network.Rotary
  private let kept: Mutex<RotaryTable?> = Mutex(nil)

  init(_ rotary: Network.Rotary) { self.rotary = rotary }

  /// A table for each text, given their lengths in tokens: the same for all, except where the wavelengths depend on
  /// the length.
  func tables(lengths: [Int]) -> [RotaryTable] {
    if rotary.scaling.dependsOnLength {
      return lengths.map { Self.make(rotary, length: $0, positions: $0) }
    }
    let positions = lengths.max() ?? 0
    let table = kept.withLock { kept in
      let table = (kept ?? Self.make(rotary, length: 0, positions: max(256, positions))).covering(positions)
      kept = table
      return table
    }
    return Array(repeating: table, count: lengths.count)
  }

  private static func make(_ rotary: Network.Rotary, length: Int, positions: Int) -> RotaryTable {
    let frequencies = RotaryFrequencies(rotary, length: length)
    return RotaryTable(
      inverseFrequencies: frequencies.inverse.map(Double.init),
      attentionFactor: Double(frequencies.attentionFactor), positions: positions)
  }
}
