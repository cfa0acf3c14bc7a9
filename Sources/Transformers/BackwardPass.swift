import Architectures
import Layers
import Tensors

/// A tape taken backwards: every operator's gradients, those of weights added to where they are collected.
struct BackwardPass {
  let model: Model
  let batch: Batch
  /// Where gradients of weights go, by the weights' memory; weights that are not there stay as they are.
  let gradients: [ObjectIdentifier: Tensor]
  let slopes: Slopes

  private var network: Network { model.network }
  private var count: Int { batch.tokens.count }

  /// Takes the tape's steps in reverse; the gradient by the last activation lies in ``slopes``.
  func run(_ tape: Tape) {
    for step in tape.steps.reversed() {
      take(step)
      slopes.finishStep()
    }
  }

  /// The gradient of a gain, bias or table, where it is trained.
  func gradient(_ weights: Tensor?) -> UnsafeMutablePointer<Float>? {
    guard let weights, let gradient = gradients[ObjectIdentifier(weights.storage)] else { return nil }
    return gradient.f32 + weights.byteOffset / 4
  }

  /// dx and the weights' gradients of y = x Wᵀ + b.
  func product(
    _ dx: UnsafeMutablePointer<Float>, accumulating: Bool, _ dy: UnsafePointer<Float>,
    _ x: UnsafePointer<Float>, rows: Int, _ weight: LinearWeight
  ) {
    if let gradient = gradients[ObjectIdentifier(weight.storage)] {
      Linear.backwardWeight(
        of: weight, in: gradient.storage, bias: self.gradient(weight.bias), dy, x, rows: rows)
    }
    Linear.backwardInput(dx, dy, rows: rows, weight, accumulating: accumulating)
  }

  private func take(_ step: Tape.Step) {
    switch step {
    case .rotation(let x, let heads, let rotary, let tables):
      network.rotate(slopes.place(x).slope, heads: heads, batch, rotary, tables, inverse: true)
    case .scale(let x, let factor):
      Vector.scale(slopes.place(x).slope.f32, by: factor, count: count * x.rowCount)
    case .sum(let y, let a, let b): slopes.split(y, a, b)
    case .copy(let y, let x): slopes.split(y, x)
    case .embedding(let y, let positions): if let dy = slopes.take(y) { embedding(dy, positions) }
    case .norm(let y, let x, let weights, let kind, let rows, let width):
      if let dy = slopes.take(y) { normalise(dy, x, weights, kind, rows: rows, width: width) }
    case .product(let y, let x, let weight):
      guard let dy = slopes.take(y) else { return }
      let dx = slopes.place(x)
      product(dx.slope.f32, accumulating: !dx.isNew, dy.f32, x.f32, rows: count, weight)
    case .attention(let y, let q, let k, let v, let block):
      if let dy = slopes.take(y) { attention(dy, q, k, v, block) }
    case .activation(let y, let x, let function):
      guard let dy = slopes.take(y) else { return }
      function.backward(slopes.place(x).slope.f32, dy.f32, x.f32, count: count * x.rowCount)
    case .gated(let y, let gate, let up, let function):
      guard let dy = slopes.take(y) else { return }
      function.gatedBackward(
        gate: slopes.place(gate).slope.f32, up: slopes.place(up).slope.f32, dy.f32, gate: gate.f32,
        up: up.f32,
        count: count * up.rowCount)
    }
  }

  private func embedding(_ dy: Tensor, _ positions: (table: Tensor, rows: [Int])?) {
    if let positions, let gradient = gradient(positions.table) {
      Embedding.backward(gradient, dy.f32, tokens: positions.rows.map(Int32.init), width: network.width)
    }
    if let gradient = gradient(model.embedding) {
      Embedding.backward(
        gradient, dy.f32, tokens: batch.tokens, width: network.width, scale: network.embeddingScale)
    }
  }

  private func normalise(
    _ dy: Tensor, _ x: Tensor, _ weights: NormWeights, _ kind: Network.Norm, rows: Int, width: Int
  ) {
    let dx = slopes.place(x)
    // Gains that stay as they are still need a place for their sums.
    let spare = Tensor(zeros: [gradient(weights.gain) == nil ? width : 0])
    let gain = gradient(weights.gain) ?? spare.f32
    switch kind.kind {
    case .rms:
      Norm.rmsBackward(
        dx.slope.f32, gain: gain, dy.f32, x.f32, gain: weights.gain.f32, rows: rows, width: width,
        eps: kind.epsilon, gainOffset: kind.gainOffset, accumulating: !dx.isNew)
    case .layer:
      Norm.layerBackward(
        dx.slope.f32, gain: gain, bias: gradient(weights.bias), dy.f32, x.f32, gain: weights.gain.f32,
        rows: rows,
        width: width, eps: kind.epsilon, accumulating: !dx.isNew)
    }
  }

  private func attention(_ dy: Tensor, _ q: Tensor, _ k: Tensor, _ v: Tensor, _ block: Int) {
    let network = self.network
    let (wide, narrow) = (network.heads * network.headSize, network.keyValueHeads * network.headSize)
    // Each is read by nothing else, so there is nothing to add to.
    let (dq, dk, dv) = (slopes.place(q).slope, slopes.place(k).slope, slopes.place(v).slope)
    Parallel.forEach(batch.segments.count, grain: 1) { range in
      for index in range {
        let (first, tokens) = (batch.segments[index].rows.lowerBound, batch.segments[index].rows.count)
        Attention.backward(
          q: dq.f32 + first * wide, k: dk.f32 + first * narrow, v: dv.f32 + first * narrow,
          dy.f32 + first * wide, q: q.f32 + first * wide, k: k.f32 + first * narrow,
          v: v.f32 + first * narrow, tokens: tokens, heads: network.heads, kvHeads: network.keyValueHeads,
          headSize: network.headSize, scale: network.attentionScales[block], window: network.windows[block],
          causal: network.isCausal)
      }
    }
  }
}
