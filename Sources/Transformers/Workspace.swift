import Architectures
import Layers
import Tensors

/// The activations of one pass over at most `rows` tokens, allocated once and reused by every block; a pass with a
/// ``Tape`` puts others in their place as it goes.
final class Workspace {
  let rows: Int
  /// Residual stream, normed stream, and what a sub-layer adds, each `[M, D]`.
  var residual, normed, addition: Tensor
  /// `[M, H·head]`, `[M, KV·head]` twice, `[M, H·head]`.
  var queries, keys, values, attended: Tensor
  /// What the head reads, `[M, headWidth]`: the normed stream itself unless it is projected.
  var final: Tensor { projected ?? normed }
  /// The narrow embeddings and what the head reads of them, `[M, headWidth]`, where there is a projection.
  let projected: Tensor?
  /// `[M, F]` each; the gate's is empty for a plain MLP.
  var gate, up: Tensor
  /// With experts: the rows that visit one and what it makes of them `[M, D]`, its gate and up `[M, widest F]`.
  let visitors, expertOutput, expertGate, expertUp: Tensor
  /// Room for the one masked matrix that is in use; as large as the largest so far.
  private var room: TensorStorage?

  init(_ network: Network, rows: Int) {
    self.rows = rows
    let queryWidth = network.heads * network.headSize
    let keyWidth = network.keyValueHeads * network.headSize
    residual = Tensor(zeros: [rows, network.width])
    normed = Tensor(zeros: [rows, network.width])
    projected = network.embeddingWidth.map { Tensor(zeros: [rows, $0]) }
    addition = Tensor(zeros: [rows, network.width])
    queries = Tensor(zeros: [rows, queryWidth])
    keys = Tensor(zeros: [rows, keyWidth])
    values = Tensor(zeros: [rows, keyWidth])
    attended = Tensor(zeros: [rows, queryWidth])
    gate = Tensor(zeros: [network.gatedMLP ? rows : 0, network.mlpWidth])
    up = Tensor(zeros: [rows, network.mlpWidth])
    let experts = network.experts
    let visited = experts == nil ? 0 : rows
    let widest = max(experts?.width ?? 0, experts?.sharedWidth ?? 0)
    visitors = Tensor(zeros: [visited, network.width])
    expertOutput = Tensor(zeros: [visited, network.width])
    expertGate = Tensor(zeros: [network.gatedMLP ? visited : 0, widest])
    expertUp = Tensor(zeros: [visited, widest])
  }
  /// A weight with zeros where a bit is 0, valid until the next one is asked for.
  func masked(_ weight: LinearWeight, _ bits: WeightBits) -> LinearWeight {
    let needed = weight.byteCount
    let room = self.room.flatMap { $0.byteCount >= needed ? $0 : nil } ?? TensorStorage(byteCount: needed)
    self.room = room
    return weight.masked(bits, in: room)
  }
}
