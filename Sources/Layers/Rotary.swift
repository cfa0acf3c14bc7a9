import CKernels
import Tensors

/// Cosines and sines of rotary positions: tables `[positions, width / 2]`.
///
/// The angle of position p and pair i is the f32 product of p and the f32 inverse frequency, as the reference
/// implementations have it; its cosine and sine are computed in f64, multiplied by the attention factor and rounded.
public struct RotaryTable: Sendable {
  /// Radians a position of every pair, fastest first.
  public let inverseFrequencies: [Double]
  /// Multiplies both cosine and sine (YaRN's scaling); usually 1.
  public let attentionFactor: Double
  /// Positions 0 ..< this many are in the tables.
  public let positions: Int
  let cosine: Tensor
  let sine: Tensor

  /// Tables for positions `0 ..< positions`.
  public init(inverseFrequencies: [Double], attentionFactor: Double = 1, positions: Int) {
    self.inverseFrequencies = inverseFrequencies
    self.attentionFactor = attentionFactor
    self.positions = positions
    let half = inverseFrequencies.count
    let cosine = Tensor(zeros: [positions, half])
    let sine = Tensor(zeros: [positions, half])
    ck_rotary_table(cosine.f32, sine.f32, inverseFrequencies, attentionFactor, positions, half)
    self.cosine = cosine
    self.sine = sine
  }

  /// Whether these are the same numbers in the same place.
  public func isSame(as other: RotaryTable) -> Bool { cosine.storage === other.cosine.storage }

  /// This table, or a longer one of the same frequencies, that holds at least `count` positions.
  public func covering(_ count: Int) -> RotaryTable {
    guard count > positions else { return self }
    return RotaryTable(
      inverseFrequencies: inverseFrequencies, attentionFactor: attentionFactor,
      positions: max(count, 2 * positions))
  }
}

/// Rotary position embedding (arXiv 2104.09864).
public enum Rotary {
  /// Rotates, in place, the first `rotaryWidth` numbers of every head of x`[rows, heads · headSize]`.
  /// - Parameters:
  ///   - x: queries or keys.
  ///   - rows: T.
  ///   - rowStride: floats from one row to the next.
  ///   - heads: H.
  ///   - headSize: numbers of one head.
  ///   - rotaryWidth: how many of them turn; even, twice the table's frequencies.
  ///   - positions: `[rows]`, each below `table.positions`.
  ///   - table: cosines and sines.
  ///   - interleaved: pairs are (2i, 2i+1) instead of (i, i + rotaryWidth/2).
  ///   - inverse: turns the other way: a gradient by what came out becomes one by what went in.
  public static func apply(
    _ x: UnsafeMutablePointer<Float>, rows: Int, rowStride: Int, heads: Int, headSize: Int, rotaryWidth: Int,
    positions: UnsafePointer<Int32>, table: RotaryTable, interleaved: Bool,
    inverse: Bool = false
  ) {
    precondition(
      rotaryWidth == 2 * table.inverseFrequencies.count && rotaryWidth <= headSize,
      "a rotary width of \(rotaryWidth) for \(table.inverseFrequencies.count) frequencies")
    for row in 0..<rows {
      precondition(
        positions[row] >= 0 && Int(positions[row]) < table.positions,
        "position \(positions[row]) in a table of \(table.positions)")
    }
    withExtendedLifetime(table) {
      ck_rotate(
        x, rowStride, positions, table.cosine.f32, table.sine.f32, interleaved ? 1 : 0, inverse ? 1 : 0, rows,
        heads, headSize, rotaryWidth)
    }
  }
}
