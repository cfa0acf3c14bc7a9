import Glibc
import Layers
import Tensors

/// How well a network answers: what choosing among epochs needs. The full set of scores is `ClassScores`.
public struct NetworkScore: Sendable, Equatable {
  /// Mean −log p(true class), nats.
  public let loss: Double
  /// Share of wrong answers.
  public let error: Double

  /// A score that was measured before.
  init(loss: Double, error: Double) { (self.loss, self.error) = (loss, error) }

  /// A network's score on items as they are, without training.
  public init(_ network: TrainableNetwork, _ data: LabelledData) {
    self.init(logits: Training.logits(network, data), labels: data.labels)
  }

  /// The score of logits `[n, K]`; sums in f64, in the items' order.
  public init(logits: Tensor, labels: [Int]) {
    let classes = logits.shape[1]
    var loss = 0.0, wrong = 0
    for (item, label) in labels.enumerated() {
      let z = UnsafeBufferPointer(start: logits.f32 + item * classes, count: classes)
      let first = Softmax.argmax(z)
      let top = Double(z[first])
      loss += log(z.reduce(0) { $0 + exp(Double($1) - top) }) + top - Double(z[label])
      if first != label { wrong += 1 }
    }
    self.loss = loss / Double(labels.count)
    error = Double(wrong) / Double(labels.count)
  }
}
