import Architectures
import Layers
import Tensors

/// What a training pass computed from what, in order, and the activations themselves.
///
/// ``ForwardPass`` writes it while it walks the network's description, so that nothing describes a family's arithmetic a
/// second time: a backward pass takes the operators in reverse. Every buffer that an operator writes is another one than
/// those before (``room(_:_:)``), so what an operator read is still there; only rotation and scaling change theirs in
/// place, whose gradients need no old numbers.
final class Tape {
  /// One operator: its result first.
  enum Step {
    /// Token embeddings, scaled, plus learned positions: the table and each token's row of it.
    case embedding(Tensor, positions: (table: Tensor, rows: [Int])?)
    case norm(Tensor, Tensor, NormWeights, Network.Norm, rows: Int, width: Int)
    case copy(Tensor, Tensor)
    case product(Tensor, Tensor, LinearWeight)
    /// Queries or keys, in place.
    case rotation(Tensor, heads: Int, Network.Rotary, [RotaryTable])
    /// What comes out, then queries, keys, values, and the block.
    case attention(Tensor, Tensor, Tensor, Tensor, Int)
    case activation(Tensor, Tensor, Activation)
    /// f(gate) · up: what comes out, gate, up.
    case gated(Tensor, Tensor, Tensor, Activation)
    /// In place.
    case scale(Tensor, Float)
    case sum(Tensor, Tensor, Tensor)
  }

  private(set) var steps: [Step] = []
  private var rooms: [TensorStorage] = []
  private var taken = 0

  func add(_ step: Step) { steps.append(step) }

  /// Forgets the steps; rooms are used again in their order.
  func clear() {
    steps.removeAll(keepingCapacity: true)
    taken = 0
  }

  /// Room for `[rows, width]` that nothing of this tape lies in.
  func room(_ rows: Int, _ width: Int) -> Tensor {
    if taken == rooms.count { rooms.append(TensorStorage(byteCount: 0)) }
    if rooms[taken].byteCount < 4 * rows * width { rooms[taken] = TensorStorage(byteCount: 4 * rows * width) }
    defer { taken += 1 }
    return Tensor(storage: rooms[taken], shape: [rows, width], dtype: .f32)
  }
}
