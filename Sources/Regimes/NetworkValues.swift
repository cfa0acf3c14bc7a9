import Tensors
import Training

/// A copy of all that decides a network's answers: trained numbers and what batch norm remembers.
struct NetworkValues {
  /// Trained numbers, `[P]`.
  let weights: [Float]
  /// Running means and variances, one after the other; empty without batch norm.
  let statistics: [Float]

  init(_ network: TrainableNetwork) {
    weights = network.weights
    statistics = network.buffers.flatMap { UnsafeBufferPointer(start: $0.tensor.f32, count: $0.tensor.count) }
  }

  /// Gives them back.
  func restore(_ network: TrainableNetwork) {
    network.setWeights(weights)
    network.setStatistics(statistics)
  }
}

extension TrainableNetwork {
  /// Gives batch norm its running statistics.
  func setStatistics(_ numbers: [Float]) {
    var start = 0
    for (_, tensor) in buffers {
      for i in 0..<tensor.count { tensor.f32[i] = numbers[start + i] }
      start += tensor.count
    }
    precondition(start == numbers.count, "statistics of another network")
  }
}
