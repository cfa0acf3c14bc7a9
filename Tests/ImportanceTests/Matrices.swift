import Importance
import Layers
import Runtime
import Tensors

@testable import Architectures

/// Matrices without a checkpoint.
enum Matrices {
  /// A matrix `[N, K]` of given logical weights, stored as told.
  static func make(
    _ weights: [Float], _ outputs: Int, _ inputs: Int, _ dtype: DType = .f32, transposed: Bool = false,
    role: Role = .block(0, .gate)
  ) -> PrunableMatrix {
    var stored = weights
    if transposed {
      for n in 0..<outputs { for k in 0..<inputs { stored[k * outputs + n] = weights[n * inputs + k] } }
    }
    let shape = transposed ? [inputs, outputs] : [outputs, inputs]
    return PrunableMatrix(
      role: role,
      bound: BoundTensor(
        tensor: "\(role).weight", bias: nil, rows: RowMap(0..<outputs), shape: [outputs, inputs],
        transposed: transposed, parts: []),
      weight: LinearWeight(Tensor(stored, shape: shape, dtype: dtype), transposed: transposed))
  }

  /// Normal numbers; `levels` rounds them to multiples of 1/levels, so that many are equal.
  static func normal(_ count: Int, seed: UInt64, levels: Float? = nil) -> [Float] {
    var random = CounterRandom(seed: seed, stream: "matrix")
    return (0..<count).map { _ in
      let value = Float(random.normal())
      return levels.map { (value * $0).rounded() / $0 } ?? value
    }
  }

  /// A network's worth of them: two blocks, gates and downs of different shapes and types.
  static func network(levels: Float? = nil) -> [PrunableMatrix] {
    let shapes: [(Role, Int, Int, DType, Bool)] = [
      (.block(0, .query), 12, 20, .bf16, false), (.block(0, .gate), 33, 20, .f32, true),
      (.block(0, .down), 20, 33, .f16, false), (.block(1, .query), 12, 20, .bf16, true),
      (.block(1, .gate), 70, 20, .f16, false), (.block(1, .down), 20, 70, .bf16, false),
    ]
    return shapes.enumerated().map { index, shape in
      make(
        normal(shape.1 * shape.2, seed: UInt64(index), levels: levels), shape.1, shape.2, shape.3,
        transposed: shape.4, role: shape.0)
    }
  }
}
