import Architectures
import Layers
import OrderedCollections
import Tensors

/// The loss of a causal language model on texts, and its gradients by the model's weights.
///
/// The forward pass is ``ForwardPass``, the only description of any family's arithmetic, with a tape; gradients follow
/// from the tape. Activations of a batch are kept: about (10 D + 4 F) · M · L numbers, M tokens in all.
public final class Backpropagation {
  /// The model, whose weights are f32 tensors that somebody else moves between passes.
  public let model: Model
  private let gradients: [ObjectIdentifier: Tensor]
  private let tape = Tape()
  private let slopes = Slopes()
  private var workspace: Workspace?
  private var logits = Tensor(zeros: [0])
  /// Bytes of logits that are held at once.
  private static let logitBytes = 64 << 20

  /// Gradients of given weights, each of its tensor's shape; other weights stay as they are.
  /// - Throws: ``ArchitectureError/unsupportedFeature(name:)`` for networks that gradients are not written for.
  public init(_ model: Model, _ weights: [(value: Tensor, gradient: Tensor)]) throws {
    try Self.requireTrainable(model)
    self.model = model
    gradients = Dictionary(
      weights.map { (ObjectIdentifier($0.value.storage), $0.gradient) },
      uniquingKeysWith: { first, _ in first })
    for (value, gradient) in weights {
      precondition(
        value.shape == gradient.shape && value.byteOffset == 0 && gradient.byteOffset == 0,
        "a gradient of another shape")
    }
  }

  /// Adds the gradients of `scale` · Σ losses and gives Σ losses in nats.
  /// - Parameters:
  ///   - batch: texts, without a past.
  ///   - targets: the token that each row should predict, `[M]`; negative where the row does not count.
  ///   - scale: 1 / n for a mean over n rows.
  /// - Throws: ``TransformerError``.
  public func run(_ batch: Batch, targets: [Int32], scale: Float) throws -> Double {
    let rows = batch.tokens.count
    precondition(targets.count == rows, "a target a row")
    if (workspace?.rows ?? 0) < rows { workspace = Workspace(model.network, rows: rows) }
    guard let workspace else { return 0 }
    tape.clear()
    slopes.clear()
    let pass = ForwardPass(
      model: model, batch: batch, workspace: workspace, overlay: nil, observed: [], observer: nil,
      caches: nil,
      tape: tape)
    try pass.run(through: model.network.blocks - 1, finalNorm: true)
    let backward = BackwardPass(model: model, batch: batch, gradients: gradients, slopes: slopes)
    let loss = head(workspace.final, targets, scale, backward)
    backward.run(tape)
    return loss
  }

  /// Logits, losses and the gradient by what the head reads, some rows at a time.
  private func head(_ states: Tensor, _ targets: [Int32], _ scale: Float, _ backward: BackwardPass) -> Double
  {
    guard let head = model.head else { preconditionFailure("a network without a head, which checks refuse") }
    let (rows, vocabulary, width) = (targets.count, head.outputs, head.inputs)
    let most = min(rows, max(16, Self.logitBytes / (4 * vocabulary)))
    if logits.count < most * vocabulary { logits = Tensor(zeros: [most, vocabulary]) }
    let slope = slopes.place(states).slope
    let factor = model.network.logitScale / model.network.logitDivisor
    var losses = [Double](repeating: 0, count: rows)
    for first in stride(from: 0, to: rows, by: most) {
      let count = min(most, rows - first)
      let (x, z) = (states.f32 + first * width, logits.f32)
      Linear.trainingForward(z, x, rows: count, head)
      if factor != 1 { Vector.scale(z, by: factor, count: count * vocabulary) }
      losses.withUnsafeMutableBufferPointer { losses in
        targets.withUnsafeBufferPointer { targets in
          guard let to = losses.baseAddress, let from = targets.baseAddress else { return }
          CrossEntropy.tokens(
            z, from + first, scale: scale, rows: count, vocabulary: vocabulary, losses: to + first)
        }
      }
      if factor != 1 { Vector.scale(z, by: factor, count: count * vocabulary) }
      backward.product(slope.f32 + first * width, accumulating: false, z, x, rows: count, head)
    }
    return losses.reduce(0, +)
  }

  /// Σ losses in nats, by inference's own products; no gradients.
  /// - Throws: ``TransformerError``.
  public func loss(_ batch: Batch, targets: [Int32]) throws -> Double {
    let rows = batch.tokens.count
    precondition(targets.count == rows, "a target a row")
    let workspace = Workspace(model.network, rows: rows)
    try ForwardPass(
      model: model, batch: batch, workspace: workspace, overlay: nil, observed: [], observer: nil, caches: nil
    ).run(through: model.network.blocks - 1, finalNorm: true)
    let vocabulary = model.network.vocabulary
    let most = min(rows, max(16, Self.logitBytes / (4 * vocabulary)))
    if logits.count < most * vocabulary { logits = Tensor(zeros: [most, vocabulary]) }
    var sum = 0.0
    for first in stride(from: 0, to: rows, by: most) {
      let count = min(most, rows - first)
      model.logits(
        logits.f32, workspace.final.f32 + first * model.network.headWidth, rows: count, overlay: nil)
      let own = targets[first..<first + count]
      let logs = Softmax.logProbabilities(
        of: own.map { max(0, $0) }, logits.f32, stride: vocabulary, vocabulary: vocabulary)
      for (target, log) in zip(own, logs) where target >= 0 { sum -= log }
    }
    return sum
  }

  /// - Throws: ``ArchitectureError/unsupportedFeature(name:)``.
  public static func requireTrainable(_ model: Model) throws {
    let network = model.network
    func refuse(_ what: String, _ holds: Bool) throws {
      if holds {
        throw ArchitectureError.unsupportedFeature(name: "training of \(network.family) with \(what)")
      }
    }
    try refuse("no head", !network.hasHead)
    try refuse("attention in both directions", !network.isCausal)
    try refuse("experts", network.experts != nil)
    try refuse("projected embeddings", network.embeddingWidth != nil)
    try refuse("token types", network.tokenTypes != nil)
    try refuse("ALiBi", network.alibi != nil)
    try refuse("capped attention scores", network.attentionSoftcap != nil)
    try refuse("capped logits", network.logitSoftcap != nil)
    try refuse("cut queries, keys and values", network.queryKeyValueLimit != nil)
    try refuse("a gain a head", network.queryKeyNorm?.scope == .eachHead)
    try refuse("gains in several tensors", model.binding.tensors.values.contains { !$0.parts.isEmpty })
    try refuse(
      "queries, keys and values stored a head at a time",
      model.binding.tensors.values.contains { $0.shape.count == 2 && $0.rows.range == nil })
  }
}
