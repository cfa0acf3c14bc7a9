import Training

/// Measures pairs of siblings.
struct SiblingComparison {
  private let plan: MeasurementPlan
  private let train: LabelledData
  private let similar: LabelledData

  init(_ plan: MeasurementPlan, train: LabelledData) {
    self.plan = plan
    self.train = train
    similar = train.items(0..<min(plan.similarityItems, train.count))
  }

  /// Measures two of some networks, which keep their weights.
  /// - Throws: ``TrainingError``, ``Interrupted``.
  func measure(_ a: Int, _ b: Int, of networks: [TrainableNetwork]) throws -> SiblingPair {
    let first = networks[a], second = networks[b]
    let answers = [NetworkAnswers(first, similar), NetworkAnswers(second, similar)]
    let ends = [NetworkValues(first), NetworkValues(second)]
    // The first network is walked along the path and gets its own values back.
    defer { ends[0].restore(first) }
    let places = Connectivity.places(plan.points)
    let line = try Connectivity.measure(
      LinearPath(ends[0].weights, ends[1].weights), at: places, network: first, data: train,
      statistics: (ends[0].statistics, ends[1].statistics))
    let curve = try plan.curve.map { plan in
      let path = try BezierPath.train(
        ends[0].weights, ends[1].weights, network: first, data: train, plan: plan)
      return try Connectivity.measure(path, at: places, network: first, data: train)
    }
    let n = similar.count
    return SiblingPair(
      first: a, second: b, line: line, curve: curve,
      logits: CenteredKernelAlignment(answers[0].scores, answers[1].scores, count: n),
      softmax: CenteredKernelAlignment(answers[0].probabilities, answers[1].probabilities, count: n),
      distance: WeightDistance(ends[0].weights, ends[1].weights))
  }
}
