import Runtime
import Training

extension Connectivity {
  /// Measures a path on training items. `network` is a scratch network of the ends' shape; its values are overwritten.
  ///
  /// At every place, the ends included, batch norm's running statistics are estimated anew from one pass over the items as
  /// they are: unshuffled, not augmented. `statistics` of both ends, where given, are also interpolated like weights, for
  /// ``Point/rawError``.
  /// - Complexity: one forward pass over the data a place; three with batch norm, two without given statistics.
  /// - Throws: ``Interrupted``.
  public static func measure(
    _ path: some WeightPath, at places: [Double], network: TrainableNetwork, data: LabelledData,
    statistics: (first: [Float], second: [Float])? = nil
  ) throws -> Connectivity {
    let hasNorms = !network.buffers.isEmpty
    return Connectivity(
      try places.map { place in
        try Cancellation.check()
        network.setWeights(path.weights(at: place))
        var raw: Double?
        if hasNorms {
          if let statistics {
            network.setStatistics(LinearPath(statistics.first, statistics.second).weights(at: place))
            raw = NetworkAnswers(network, data).error
          }
          network.estimateStatistics(from: data)
        }
        let answers = NetworkAnswers(network, data)
        return Point(place: place, error: answers.error, loss: answers.loss, rawError: raw)
      })
  }
}
