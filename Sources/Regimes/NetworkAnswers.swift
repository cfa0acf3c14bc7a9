import Glibc
import Layers
import Tensors
import Training

/// What a network says of some items, nothing random switched on.
///
/// Legend of shapes in this module: `n` items, `K` classes, `P` trained numbers of a network.
public struct NetworkAnswers: Sendable {
  /// Logits, f32 `[n, K]`.
  public let logits: Tensor
  /// Whether each item's answer is wrong, `[n]`.
  public let isWrong: [Bool]
  /// Mean cross-entropy with the true class, nats.
  public let loss: Double

  /// Share of wrong answers, a fraction.
  public var error: Double { Double(isWrong.count { $0 }) / Double(max(1, isWrong.count)) }

  /// Runs the network over the data.
  /// - Complexity: one forward pass over the data.
  public init(_ network: TrainableNetwork, _ data: LabelledData) {
    logits = Training.logits(network, data)
    let classes = network.classes
    var wrong: [Bool] = []
    var sum = 0.0
    for (item, label) in data.labels.enumerated() {
      let row = UnsafeBufferPointer(start: logits.f32 + item * classes, count: classes)
      wrong.append(Softmax.argmax(row) != label)
      let top = Double(row.max() ?? 0)
      sum += log(row.reduce(0.0) { $0 + exp(Double($1) - top) }) + top - Double(row[label])
    }
    isWrong = wrong
    loss = sum / Double(max(1, data.count))
  }

  /// Softmax of the logits, f64 `[n · K]`, row by row.
  public var probabilities: [Double] {
    let classes = logits.shape[1]
    return (0..<logits.shape[0]).flatMap { item -> [Double] in
      let row = UnsafeBufferPointer(start: logits.f32 + item * classes, count: classes)
      let top = Double(row.max() ?? 0)
      let powers = row.map { exp(Double($0) - top) }
      let sum = powers.reduce(0, +)
      return powers.map { $0 / sum }
    }
  }

  /// Logits as f64 `[n · K]`, row by row.
  public var scores: [Double] { (0..<logits.count).map { Double(logits.f32[$0]) } }
}
