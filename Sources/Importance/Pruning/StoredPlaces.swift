import Architectures
import CKernels
import Checkpoints
import Tensors

/// Where the weights of a role's logical W `[N, K]` lie in the tensor that stores them: whole or fused with other roles,
/// `[K, N]` where it is transposed, one matrix of a stack where experts share a tensor.
struct StoredPlaces {
  private let rows: RowMap
  private let inputs: Int
  /// Elements from one input to the next, and from one output to the next.
  private let inputStep, outputStep: Int
  /// Element of output 0 of the tensor, input 0, of the role's matrix, and that output's number.
  private let origin, firstOutput: Int
  let dtype: DType

  init(_ bound: BoundTensor, entry: TensorEntry) {
    rows = bound.rows
    inputs = bound.shape.last ?? 1
    dtype = entry.dtype
    guard bound.transposed else {
      (inputStep, outputStep, origin, firstOutput) = (1, inputs, 0, 0)
      return
    }
    let outputs = entry.width
    let matrix = entry.shape.count == 3 ? bound.rows.first / outputs : 0
    (inputStep, outputStep) = (outputs, 1)
    (origin, firstOutput) = (matrix * inputs * outputs, matrix * outputs)
  }

  /// A matrix that has its tensor for itself.
  init(outputs: Int, inputs: Int, transposed: Bool, dtype: DType) {
    rows = RowMap(0..<outputs)
    self.inputs = inputs
    self.dtype = dtype
    (inputStep, outputStep) = transposed ? (outputs, 1) : (1, inputs)
    (origin, firstOutput) = (0, 0)
  }

  /// The element of a weight, counted from the tensor's first.
  subscript(row: Int, column: Int) -> Int {
    origin + (rows[row] - firstOutput) * outputStep + column * inputStep
  }

  /// Makes the weights of a row zero whose bit is 0, and counts the zeros that the row then has; `bits` are those of
  /// ``Mask``, `[⌈K / 64⌉]`.
  func clear(_ row: Int, _ bits: UnsafePointer<UInt64>, in tensor: UnsafeMutableRawPointer) -> Int {
    let first = self[row, 0]
    if dtype.size == 4 {
      let line = tensor.assumingMemoryBound(to: UInt32.self) + first
      return inputStep == 1 ? ck_clear_32(line, bits, inputs) : clear(line, bits)
    }
    let line = tensor.assumingMemoryBound(to: UInt16.self) + first
    return inputStep == 1 ? ck_clear_16(line, bits, inputs) : clear(line, bits)
  }

  /// The same for a line whose elements lie apart.
  private func clear<Word: FixedWidthInteger & UnsignedInteger>(
    _ line: UnsafeMutablePointer<Word>, _ bits: UnsafePointer<UInt64>
  ) -> Int {
    let unsigned = Word.max >> 1
    var zeros = 0
    for start in stride(from: 0, to: inputs, by: 64) {
      var word = bits[start >> 6]
      for column in start..<min(inputs, start + 64) {
        let value = line[column * inputStep] & (0 &- Word(truncatingIfNeeded: word & 1))
        line[column * inputStep] = value
        zeros += value & unsigned == 0 ? 1 : 0
        word >>= 1
      }
    }
    return zeros
  }

  /// Writes a row's weights, each rounded once to the stored type; `scratch` holds 4·K bytes.
  func store(
    _ row: Int, _ values: UnsafePointer<Float>, in tensor: UnsafeMutableRawPointer,
    scratch: UnsafeMutableRawPointer
  ) {
    let first = self[row, 0]
    guard inputStep != 1 else {
      return dtype.round(values, count: inputs, to: tensor + first * dtype.size)
    }
    dtype.round(values, count: inputs, to: scratch)
    if dtype.size == 4 {
      let (from, to) = (
        scratch.assumingMemoryBound(to: UInt32.self), tensor.assumingMemoryBound(to: UInt32.self) + first
      )
      for column in 0..<inputs { to[column * inputStep] = from[column] }
    } else {
      let (from, to) = (
        scratch.assumingMemoryBound(to: UInt16.self), tensor.assumingMemoryBound(to: UInt16.self) + first
      )
      for column in 0..<inputs { to[column * inputStep] = from[column] }
    }
  }

  /// Reads a row's weights as f32; `scratch` holds 4·K bytes.
  func load(
    _ row: Int, to out: UnsafeMutablePointer<Float>, from tensor: UnsafeRawPointer,
    scratch: UnsafeMutableRawPointer
  ) {
    let first = self[row, 0]
    var line = tensor + first * dtype.size
    if inputStep != 1 {
      for column in 0..<inputs {
        (scratch + column * dtype.size).copyMemory(
          from: line + column * inputStep * dtype.size, byteCount: dtype.size)
      }
      line = UnsafeRawPointer(scratch)
    }
    switch dtype {
    case .bf16: ck_convert_f32_bf16(out, line.assumingMemoryBound(to: UInt16.self), inputs)
    case .f16: ck_convert_f32_f16(out, line.assumingMemoryBound(to: UInt16.self), inputs)
    default: UnsafeMutableRawPointer(out).copyMemory(from: line, byteCount: 4 * inputs)
    }
  }
}
