import Tensors

/// The averaged weights of a training, beside the network's own; see ``TrainingPlan/Averaging``.
final class WeightAverage {
  private let averaging: TrainingPlan.Averaging
  private let parameters: [Parameter]
  /// The averages, by name, for a state.
  let memory: [(name: String, tensor: Tensor)]

  init(_ averaging: TrainingPlan.Averaging, _ parameters: [Parameter]) {
    self.averaging = averaging
    self.parameters = parameters
    memory = parameters.map { ("average.\($0.name)", Tensor(zeros: $0.value.shape)) }
    for (parameter, average) in zip(parameters, memory) {
      average.tensor.f32.update(from: parameter.value.f32, count: parameter.count)
    }
  }

  /// After an optimiser's step, counted from 0.
  func finished(step: Int) {
    guard case .exponential(let decay) = averaging else { return }
    move(by: Float(1 - min(decay, Double(1 + step) / Double(10 + step))))
  }

  /// After an epoch, counted from 0.
  func finished(epoch: Int, of epochs: Int) {
    guard case .last(let count) = averaging, epoch >= epochs - count else { return }
    move(by: 1 / Float(epoch - (epochs - count) + 1))
  }

  /// Whether there is an average after so many epochs.
  func hasBegun(epochs done: Int, of epochs: Int) -> Bool {
    switch averaging {
    case .exponential: done > 0
    case .last(let count): done > epochs - count
    }
  }

  /// w̄ ← w̄ + share · (w − w̄)
  private func move(by share: Float) {
    for (parameter, average) in zip(parameters, memory) {
      let w = parameter.value.f32, mean = average.tensor.f32
      for i in 0..<parameter.count { mean[i] += share * (w[i] - mean[i]) }
    }
  }

  /// Exchanges the network's weights and the averages.
  func exchange() {
    for (parameter, average) in zip(parameters, memory) {
      let w = parameter.value.f32, mean = average.tensor.f32
      for i in 0..<parameter.count { (w[i], mean[i]) = (mean[i], w[i]) }
    }
  }
}
