import Layers
import Tensors

extension ScoreKind {
  /// w² / Σ_{v ≥ |w|} v² over the weights of the matrix that are not smaller (arXiv 2010.07611, equation 4). Equal
  /// weights have equal scores: each counts itself and the others. Within a matrix the order is that of magnitude;
  /// across matrices (group global) the best kept weight of each always scores 1.
  public static let lamp = ScoreKind(
    name: "lamp", summary: "w² over the sum of the squares not smaller in its matrix",
    reference: "arXiv 2010.07611"
  ) { matrix, _, score in
    if let magnitudes = matrix.weight.dtype.magnitudes {
      let table = LAMP.scores(magnitudes, counts: Histogram64.magnitudes(of: matrix))
      return MatrixScore(matrix, byMagnitude: table) { rows, out in
        matrix.weight.copyFloats(rows: rows, to: out)
        LAMP.look(up: out, rows.count * matrix.inputs, table, matrix.weight.dtype)
      }
    }
    let table = try LAMP.SortedMagnitudes(matrix)
    return MatrixScore(matrix) { rows, out in
      matrix.weight.copyFloats(rows: rows, to: out)
      for i in 0..<rows.count * matrix.inputs { out[i] = table.score(out[i]) }
    }
  }
}

/// Sums over the weights of a matrix that are not smaller.
enum LAMP {
  /// The score of each magnitude that occurs, NaN for magnitudes that are not finite; sums in f64 from the largest
  /// down.
  static func scores(_ magnitudes: [Float], counts: [Int]) -> [Float] {
    var scores = [Float](repeating: 0, count: magnitudes.count)
    var sum = 0.0
    for index in magnitudes.indices.reversed() {
      guard magnitudes[index].isFinite else {
        scores[index] = .nan
        continue
      }
      let square = Double(magnitudes[index]) * Double(magnitudes[index])
      sum += Double(counts[index]) * square
      scores[index] = counts[index] == 0 || sum == 0 ? 0 : Float(square / sum)
    }
    return scores
  }

  /// Replaces weights by the scores of their magnitudes.
  static func look(up values: UnsafeMutablePointer<Float>, _ count: Int, _ table: [Float], _ dtype: DType) {
    table.withUnsafeBufferPointer { table in
      if dtype == .bf16 {
        for i in 0..<count { values[i] = table[Int(values[i].bitPattern >> 16 & 0x7fff)] }
      } else {
        for i in 0..<count { values[i] = table[Int(Float16(values[i]).bitPattern & 0x7fff)] }
      }
    }
  }

  /// The magnitudes of a matrix of f32 in order, with their scores. Holds 8 bytes a weight, 12 while it sorts.
  final class SortedMagnitudes: Sendable {
    private let bits: [UInt32]
    private let scores: [Float]
    /// First place of each upper half.
    private let starts: [Int]

    /// - Throws: ``ImportanceError/weightNotFinite(tensor:role:row:column:)``.
    init(_ matrix: PrunableMatrix) throws(ImportanceError) {
      try MatrixCheck.requireFinite(matrix)
      var bits = [UInt32](unsafeUninitializedCapacity: matrix.count) { buffer, used in
        if let base = buffer.baseAddress {
          let floats = UnsafeMutableRawPointer(base).assumingMemoryBound(to: Float.self)
          let weights = MatrixScore(matrix) { rows, out in matrix.weight.copyFloats(rows: rows, to: out) }
          weights.forEachPiece { rows, values in
            (floats + rows.lowerBound * matrix.inputs).update(from: values, count: rows.count * matrix.inputs)
          }
          for i in 0..<matrix.count { base[i] &= 0x7fff_ffff }
        }
        used = matrix.count
      }
      RadixSort.sort(&bits)
      var scores = [Float](repeating: 0, count: bits.count)
      var starts = [Int](repeating: bits.count, count: 32_769)
      var sum = 0.0
      var end = bits.count
      while end > 0 {
        var start = end - 1
        while start > 0 && bits[start - 1] == bits[end - 1] { start -= 1 }
        let value = Double(Float(bitPattern: bits[start]))
        sum += Double(end - start) * value * value
        let score = sum == 0 ? 0 : Float(value * value / sum)
        for place in start..<end { scores[place] = score }
        starts[Int(bits[start] >> 16)] = start
        end = start
      }
      for upper in (0..<32_768).reversed() { starts[upper] = min(starts[upper], starts[upper + 1]) }
      self.bits = bits
      self.scores = scores
      self.starts = starts
    }

    /// The score of a weight of the matrix.
    func score(_ weight: Float) -> Float {
      let wanted = weight.bitPattern & 0x7fff_ffff
      var low = starts[Int(wanted >> 16)], high = starts[Int(wanted >> 16) + 1]
      while low < high {
        let middle = (low + high) / 2
        if bits[middle] < wanted { low = middle + 1 } else { high = middle }
      }
      return scores[low]
    }
  }
}
