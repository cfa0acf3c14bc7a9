import Tensors

extension DataSplit {
  /// The parts with means and deviations of the training part taken off; numbers that never change become 0.
  func standardised(_ kind: DataDescription.Standardisation) -> DataSplit {
    let width = train.width
    // The group that each number of an item shares its mean with.
    let groups: [Int]
    switch kind {
    case .none: return self
    case .all: groups = Array(repeating: 0, count: width)
    case .features: groups = Array(0..<width)
    case .channels:
      let plane = train.shape.dropFirst().reduce(1, *)
      groups = (0..<width).map { train.shape.count > 1 ? $0 / plane : 0 }
    }
    let count = (groups.max() ?? 0) + 1
    var sums = [Double](repeating: 0, count: count), squares = sums, counts = sums
    for item in 0..<train.count {
      let x = train.inputs.f32 + item * width
      for i in 0..<width {
        sums[groups[i]] += Double(x[i])
        counts[groups[i]] += 1
      }
    }
    let means = zip(sums, counts).map { $0 / $1 }
    for item in 0..<train.count {
      let x = train.inputs.f32 + item * width
      for i in 0..<width {
        let distance = Double(x[i]) - means[groups[i]]
        squares[groups[i]] += distance * distance
      }
    }
    let deviations = zip(squares, counts).map { ($0 / $1).squareRoot() }
    func apply(_ data: LabelledData) -> LabelledData {
      let tensor = Tensor(zeros: [data.count, width])
      for item in 0..<data.count {
        let from = data.inputs.f32 + item * width, to = tensor.f32 + item * width
        for i in 0..<width where deviations[groups[i]] > 0 {
          to[i] = Float((Double(from[i]) - means[groups[i]]) / deviations[groups[i]])
        }
      }
      return data.with(tensor)
    }
    return DataSplit(train: apply(train), validation: validation.map(apply), test: test.map(apply))
  }
}
