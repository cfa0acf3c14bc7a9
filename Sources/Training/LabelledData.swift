import Tensors

/// Items with a class each, as a network reads them.
public struct LabelledData: Sendable {
  /// f32 `[n, D]`.
  public let inputs: Tensor
  /// Sizes of an item, whose product is `D`: `[40]`, or `[channels, height, width]`.
  public let shape: [Int]
  /// True classes, `[n]`.
  public let labels: [Int]
  /// Classes, `K`.
  public let classes: Int
  /// Where the items are from.
  public let source: String

  /// Items, `n`.
  public var count: Int { labels.count }
  /// Numbers of an item, `D`.
  public var width: Int { shape.reduce(1, *) }

  /// Items with their classes.
  /// - Throws: ``TrainingError`` for sizes, labels and numbers that do not fit.
  public init(
    _ inputs: Tensor, shape: [Int], labels: [Int], classes: Int? = nil, source: String
  ) throws(TrainingError) {
    let width = shape.reduce(1, *)
    guard inputs.dtype == .f32, !labels.isEmpty, inputs.count == labels.count * width else {
      throw .badData(
        file: source, problem: "\(inputs.count) numbers for \(labels.count) items of shape \(shape)",
        expected: "\(width) numbers an item, at least one item")
    }
    let known = classes ?? (labels.max() ?? 0) + 1
    for (item, label) in labels.enumerated() where !(0..<known).contains(label) {
      throw .labelOutOfRange(file: source, item: item, label: label, classes: known)
    }
    for i in 0..<inputs.count where !inputs.f32[i].isFinite {
      throw .badData(
        file: source, problem: "a number that is not finite in item \(i / width)", expected: "finite numbers")
    }
    self.inputs = Tensor(
      storage: inputs.storage, byteOffset: inputs.byteOffset, shape: [labels.count, width], dtype: .f32)
    self.shape = shape
    self.labels = labels
    self.classes = known
    self.source = source
  }

  /// Some of the items, without a copy.
  public func items(_ range: Range<Int>) -> LabelledData {
    LabelledData(
      unchecked: inputs.rows(range), shape: shape, labels: Array(labels[range]), classes: classes,
      source: source)
  }

  /// The items of some numbers, in that order, copied.
  public func items(_ order: [Int]) -> LabelledData {
    let copy = Tensor(zeros: [order.count, width])
    for (row, item) in order.enumerated() {
      (copy.f32 + row * width).update(from: inputs.f32 + item * width, count: width)
    }
    return LabelledData(
      unchecked: copy, shape: shape, labels: order.map { labels[$0] }, classes: classes, source: source)
  }

  /// The same items with other numbers `[n, D]`.
  func with(_ inputs: Tensor) -> LabelledData {
    LabelledData(unchecked: inputs, shape: shape, labels: labels, classes: classes, source: source)
  }

  private init(unchecked inputs: Tensor, shape: [Int], labels: [Int], classes: Int, source: String) {
    (self.inputs, self.shape, self.labels, self.classes, self.source) = (
      inputs, shape, labels, classes, source
    )
  }

  /// The standard split of MNIST-1D: 4,000 items of which the last `validation` choose, and 1,000 that test.
  public static func mnist1D(
    validation: Int = 500
  ) throws(TrainingError) -> (train: LabelledData, validation: LabelledData, test: LabelledData) {
    precondition((1..<4000).contains(validation), "a validation part of the 4,000 training items")
    let (signals, labels) = MNIST1D.make()
    let all = try LabelledData(
      signals, shape: [MNIST1D.width], labels: labels, classes: 10, source: "MNIST-1D")
    return (all.items(0..<4000 - validation), all.items(4000 - validation..<4000), all.items(4000..<5000))
  }
}
