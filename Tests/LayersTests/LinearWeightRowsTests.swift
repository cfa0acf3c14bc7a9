import Layers
import Tensors
import TestSupport
import Testing

@Suite struct LinearWeightRowsTests {
  /// Every storage: `[6, 5]` stored plainly or turned, all of it, a part, and rows in another order.
  private static func weights(_ dtype: DType) -> [LinearWeight] {
    let values = [Float].random(30, seed: 9)
    return [false, true].flatMap { transposed in
      let whole = LinearWeight(
        Tensor(values, shape: transposed ? [5, 6] : [6, 5], dtype: dtype), transposed: transposed)
      return [whole, whole.rows(1..<4), whole.rows([4, 0, 5, 1]), whole.rows(1..<6).rows([3, 1])]
    }
  }

  @Test(arguments: [DType.f32, .f16, .bf16]) func rowsAreThoseOfTheLogicalMatrix(_ dtype: DType) {
    for (index, weight) in Self.weights(dtype).enumerated() {
      let all = weight.toFloats()
      for first in 0...weight.outputs {
        for last in first...weight.outputs {
          var rows = [Float](repeating: 9, count: (last - first) * 5 + 1)
          weight.copyFloats(rows: first..<last, to: &rows)
          #expect(rows == all[first * 5..<last * 5] + [9], "\(dtype), \(index), \(first)..<\(last)")
        }
      }
    }
  }

  @Test(arguments: [DType.f32, .f16, .bf16]) func runsHoldEveryNumberOnce(_ dtype: DType) {
    for (index, weight) in Self.weights(dtype).enumerated() {
      var numbers: [Float] = []
      for line in 0..<weight.storedLines {
        weight.forEachStoredRun(lines: line..<line + 1) { bytes, count in
          let run = UnsafeRawBufferPointer(start: bytes, count: count * dtype.size)
          let copy = Tensor(zeros: [count], dtype: dtype)
          copy.storage.base.copyMemory(from: bytes, byteCount: run.count)
          numbers += copy.toFloats()
        }
      }
      #expect(numbers.sorted() == weight.toFloats().sorted(), "\(dtype), \(index)")
    }
  }
}
