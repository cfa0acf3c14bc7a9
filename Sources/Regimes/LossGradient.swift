import Layers
import Tensors
import Training

/// The mean cross-entropy of some items and its gradient, outside of a training loop.
final class LossGradient {
  private let network: TrainableNetwork
  private let data: LabelledData
  private var inputs = Tensor(zeros: [0]), probabilities = Tensor(zeros: [0]), gradient = Tensor(zeros: [0])
  private var losses: [Double] = []

  init(_ network: TrainableNetwork, data: LabelledData) {
    self.network = network
    self.data = data
  }

  /// Writes the gradients of the mean loss of some items into the network's parameters; the mean loss, nats.
  /// - Parameter training: whether layers behave as in training (batch statistics, dropout).
  @discardableResult
  func run(_ items: ArraySlice<Int>, training: Bool) -> Double {
    let rows = items.count, classes = network.classes
    if inputs.shape != [rows, data.width] {
      inputs = Tensor(zeros: [rows, data.width])
      probabilities = Tensor(zeros: [rows, classes])
      gradient = Tensor(zeros: [rows, classes])
      losses = Array(repeating: 0, count: rows)
    }
    for (row, item) in items.enumerated() {
      (inputs.f32 + row * data.width).update(from: data.inputs.f32 + item * data.width, count: data.width)
    }
    let logits = network.forward(inputs, rows: rows, training: training)
    // The gradient's place holds the targets until they are used.
    gradient.f32.update(repeating: 0, count: gradient.count)
    for (row, item) in items.enumerated() { gradient.f32[row * classes + data.labels[item]] = 1 }
    losses.withUnsafeMutableBufferPointer {
      guard let losses = $0.baseAddress else { return }
      CrossEntropy.run(
        logits: logits.f32, targets: gradient.f32, probabilities: probabilities.f32, gradient: gradient.f32,
        rows: rows, classes: classes, scale: 1 / Float(rows), losses: losses)
    }
    network.backward(gradient, rows: rows)
    return losses.reduce(0, +) / Double(rows)
  }
}

extension TrainableNetwork {
  /// The gradients as they stand, as one vector `[P]`; zero where a number is pruned.
  var weightGradient: [Float] {
    parameters.flatMap { parameter -> [Float] in
      var gradient = Array(UnsafeBufferPointer(start: parameter.gradient.f32, count: parameter.count))
      for place in parameter.pruned { gradient[place] = 0 }
      return gradient
    }
  }
}
