import CKernels
import Layers
import Tensors

extension ScoreKind {
  /// |w|.
  public static let magnitude = ScoreKind(
    name: "magnitude", summary: "|w|: the smallest weights go first",
    reference: "Han et al., arXiv 1506.02626"
  ) { matrix, _, _ in
    MatrixScore(matrix, byMagnitude: matrix.weight.dtype.magnitudes) { rows, out in
      matrix.weight.copyFloats(rows: rows, to: out)
      ck_absolute(out, out, rows.count * matrix.inputs)
    }
  }

  /// −|w|: what magnitude would keep goes first.
  public static let antiMagnitude = ScoreKind(
    name: "anti-magnitude", summary: "-|w|: the largest weights go first, a control",
    reference: "control of arXiv 2409.06633"
  ) { matrix, _, _ in
    MatrixScore(matrix, byMagnitude: matrix.weight.dtype.magnitudes?.map { -$0 }) { rows, out in
      matrix.weight.copyFloats(rows: rows, to: out)
      for i in 0..<rows.count * matrix.inputs { out[i] = -abs(out[i]) }
    }
  }
}

extension DType {
  /// The magnitude that each pattern of 15 bits stands for, `[32768]`; nil for types of another width.
  var magnitudes: [Float]? {
    guard self == .bf16 || self == .f16 else { return nil }
    let bits = (0..<32_768).map { UInt16($0) }
    return [Float](unsafeUninitializedCapacity: bits.count) { buffer, used in
      if self == .bf16 {
        ck_convert_f32_bf16(buffer.baseAddress, bits, bits.count)
      } else {
        ck_convert_f32_f16(buffer.baseAddress, bits, bits.count)
      }
      used = bits.count
    }
  }
}
