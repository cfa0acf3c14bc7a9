import CKernels
import Tensors

/// The weight of a linear layer: logical W `[N, K]` (N outputs, K inputs) with an optional bias `[N]`, read in place
/// as f32, f16 or bf16.
public struct LinearWeight: Sendable {
  /// Outputs, N.
  public let outputs: Int
  /// Inputs, K.
  public let inputs: Int
  /// Whether W is stored `[K, N]`, as in GPT-2's Conv1D.
  public let isTransposed: Bool
  /// Type of the stored numbers.
  public var dtype: DType { weight.dtype }
  /// The bias as f32 `[N]`, where there is one.
  public let bias: Tensor?

  /// The stored matrix, whole or the rows that count; of a transposed one always whole.
  let weight: Tensor
  /// First output: a column of a transposed matrix.
  let firstColumn: Int
  /// Which stored outputs count, in order, where they do not lie together.
  let selection: [Int64]?
  /// The bias of the stored outputs, `[stored outputs]`.
  private let storedBias: Tensor?

  /// A weight as stored: `[N, K]`, or `[K, N]` when `transposed`. The bias is converted to f32 once.
  public init(_ weight: Tensor, transposed: Bool = false, bias: Tensor? = nil) {
    precondition(weight.shape.count == 2, "a linear weight of shape \(weight.shape)")
    precondition(weight.dtype.isComputable, "a linear weight of type \(weight.dtype.rawValue)")
    let outputs = weight.shape[transposed ? 1 : 0]
    precondition(bias.map { $0.count == outputs } ?? true, "a bias that is not one number an output")
    self.init(
      weight: weight, firstColumn: 0, outputs: outputs, inputs: weight.shape[transposed ? 0 : 1],
      isTransposed: transposed, bias: bias?.asFloat32())
  }

  private init(
    weight: Tensor, firstColumn: Int, outputs: Int, inputs: Int, isTransposed: Bool, bias: Tensor?,
    selection: [Int64]? = nil
  ) {
    self.weight = weight
    self.firstColumn = firstColumn
    self.outputs = selection?.count ?? outputs
    self.inputs = inputs
    self.isTransposed = isTransposed
    self.selection = selection
    storedBias = bias
    if let bias, let selection {
      self.bias = Tensor(selection.map { bias.f32[Int($0)] })
    } else {
      self.bias = bias
    }
  }

  /// Some of the outputs that lie together (a part of a fused qkv or gate_up), without a copy.
  public func rows(_ range: Range<Int>) -> LinearWeight {
    precondition(range.lowerBound >= 0 && range.upperBound <= outputs, "outputs \(range) of \(outputs)")
    if selection != nil { return rows(Array(range)) }
    return LinearWeight(
      weight: isTransposed ? weight : weight.rows(range),
      firstColumn: isTransposed ? firstColumn + range.lowerBound : 0, outputs: range.count, inputs: inputs,
      isTransposed: isTransposed, bias: bias?.reshaped([outputs]).rows(range))
  }

  /// Some of the outputs in any order (the queries of a qkv that is stored a head at a time), without a copy.
  public func rows(_ indices: [Int]) -> LinearWeight {
    precondition(indices.allSatisfy { $0 >= 0 && $0 < outputs }, "an output that the layer does not have")
    return LinearWeight(
      weight: weight, firstColumn: firstColumn, outputs: storedOutputs, inputs: inputs,
      isTransposed: isTransposed, bias: storedBias,
      selection: selection.map { chosen in indices.map { chosen[$0] } } ?? indices.map(Int64.init))
  }

  /// Outputs of the stored matrix, those of others counted.
  var storedOutputs: Int { isTransposed ? weight.shape[1] - firstColumn : weight.shape[0] }

  /// Places of outputs in the stored matrix; nil where they are the first ones in order.
  func stored(_ indices: [Int]?) -> [Int64]? {
    guard let indices else { return selection }
    return selection.map { chosen in indices.map { chosen[$0] } } ?? indices.map(Int64.init)
  }

  /// The logical W `[N, K]` as f32, row-major (a copy; for tests and small matrices).
  public func toFloats() -> [Float] {
    if !isTransposed {
      guard let selection else { return weight.toFloats() }
      return selection.flatMap { weight.rows(Int($0)..<(Int($0) + 1)).toFloats() }
    }
    // One stored row at a time: some outputs of a large matrix must not widen all of it.
    let stride = weight.shape[1]
    let width = selection == nil ? outputs : storedOutputs
    var result = [Float](repeating: 0, count: outputs * inputs)
    for k in 0..<inputs {
      let stored = Tensor(
        storage: weight.storage, byteOffset: weight.byteOffset + (k * stride + firstColumn) * dtype.size,
        shape: [width], dtype: dtype
      ).toFloats()
      for n in 0..<outputs { result[n * inputs + k] = stored[selection.map { Int($0[n]) } ?? n] }
    }
    return result
  }

  /// W as the kernels take it; valid while this value is alive.
  var matrix: ck_matrix {
    ck_matrix(
      data: weight.pointer + firstColumn * weight.dtype.size, stride: weight.shape[1], type: dtype.kernelType,
      transposed: isTransposed ? 1 : 0)
  }

  /// The number of bytes the stored numbers of these outputs take.
  public var byteCount: Int { outputs * inputs * dtype.size }

  /// Calls `body` with the kernel's view, all stored outputs and their bias, while the memory is held.
  func withMatrix<R>(_ body: (ck_matrix, UnsafePointer<Float>?) -> R) -> R {
    withExtendedLifetime((weight.storage, storedBias?.storage)) {
      body(matrix, storedBias.map { UnsafePointer($0.f32) })
    }
  }
}

extension DType {
  /// The type as the kernels number it.
  var kernelType: Int32 {
    switch self {
    case .f32: Int32(CK_F32)
    case .f16: Int32(CK_F16)
    case .bf16: Int32(CK_BF16)
    default: preconditionFailure("no kernel reads \(rawValue)")
    }
  }
}
