import Tensors

extension LinearWeight {
  /// This weight with zeros where a bit is 0, written into `room`: logical order `[N, K]`, or `[K, N]` where the matrix
  /// is stored transposed; the type of the stored numbers and the bias stay.
  ///
  /// A product with it has the bits of a product with the matrix as it would be stored with those zeros: order and type
  /// of what is summed are the same.
  /// - Parameters:
  ///   - bits: of shape `[N, K]`.
  ///   - room: at least ``byteCount`` bytes, which nobody else uses while the result is in use.
  /// - Complexity: O(N · K), on the pool.
  public func masked(_ bits: WeightBits, in room: TensorStorage) -> LinearWeight {
    precondition(bits.rows == outputs && bits.columns == inputs, "a mask of another shape")
    precondition(room.byteCount >= byteCount, "room for \(room.byteCount) bytes of \(byteCount)")
    if dtype.size == 4 {
      copy(bits, to: room, as: UInt32.self)
    } else {
      copy(bits, to: room, as: UInt16.self)
    }
    let shape = isTransposed ? [inputs, outputs] : [outputs, inputs]
    return LinearWeight(
      Tensor(storage: room, shape: shape, dtype: dtype), transposed: isTransposed, bias: bias)
  }

  private func copy<Word: FixedWidthInteger & Sendable>(
    _ bits: WeightBits, to room: TensorStorage, as: Word.Type
  ) {
    withExtendedLifetime((weight.storage, room)) {
      let from = weight.pointer.assumingMemoryBound(to: Word.self)
      let to = room.base.assumingMemoryBound(to: Word.self)
      bits.words.withUnsafeBufferPointer { words in
        guard let words = words.baseAddress else { return }
        if isTransposed { copyTransposed(from, to, words) } else { copyRows(from, to, words) }
      }
    }
  }

  private func copyRows<Word: FixedWidthInteger>(
    _ from: UnsafePointer<Word>, _ to: UnsafeMutablePointer<Word>, _ words: UnsafePointer<UInt64>
  ) {
    let (inputs, selection) = (self.inputs, self.selection)
    let perRow = (inputs + 63) / 64
    Parallel.forEach(outputs, grain: max(1, 65536 / max(1, inputs))) { range in
      for row in range {
        let source = from + (selection.map { Int($0[row]) } ?? row) * inputs
        let target = to + row * inputs
        for word in 0..<perRow {
          var kept = words[row * perRow + word]
          let columns = (word * 64)..<min(inputs, word * 64 + 64)
          for k in columns {
            target[k] = source[k] & (0 &- Word(truncatingIfNeeded: kept & 1))
            kept >>= 1
          }
        }
      }
    }
  }

  /// A stored row holds one input of all outputs.
  private func copyTransposed<Word: FixedWidthInteger>(
    _ from: UnsafePointer<Word>, _ to: UnsafeMutablePointer<Word>, _ words: UnsafePointer<UInt64>
  ) {
    let (inputs, outputs, selection) = (self.inputs, self.outputs, self.selection)
    let (stride, first) = (weight.shape[1], firstColumn)
    let perRow = (inputs + 63) / 64
    Parallel.forEach(inputs, grain: max(1, 65536 / max(1, outputs))) { range in
      for input in range {
        let source = from + input * stride + first
        let target = to + input * outputs
        for output in 0..<outputs {
          let bit = Word(truncatingIfNeeded: words[output * perRow + input >> 6] >> UInt64(input & 63) & 1)
          target[output] = source[selection.map { Int($0[output]) } ?? output] & (0 &- bit)
        }
      }
    }
  }
}
