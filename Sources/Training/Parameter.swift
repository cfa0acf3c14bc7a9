import Tensors

/// Numbers that are trained: a tensor, its gradient, and what the optimiser has to know.
///
/// Legend of shapes in this module: `B` items of a batch, `K` classes, `N` outputs, `D` numbers of an item.
public final class Parameter {
  /// Its name in states and reports, such as `layers.0.weight`.
  public let name: String
  /// The values, f32.
  public let value: Tensor
  /// The gradient of the loss, f32, of the value's shape; written by a backward pass.
  public let gradient: Tensor
  /// Whether weight decay acts on it; it does not on biases and gains.
  public let isDecayed: Bool

  /// A parameter with given values.
  public init(_ name: String, _ value: Tensor, decayed: Bool) {
    self.name = name
    self.value = value
    gradient = Tensor(zeros: value.shape)
    isDecayed = decayed
  }

  /// Numbers in it.
  public var count: Int { value.count }

  /// Places of numbers that stay zero, in order: pruned weights.
  public private(set) var pruned: [Int] = []

  /// Sets numbers to zero and keeps them there in any training, whatever momentum, decay or a second gradient (SAM) do.
  public func prune(_ places: [Int]) {
    precondition(places.allSatisfy { (0..<count).contains($0) }, "a place that \(name) does not have")
    pruned = places
    clearPruned(value)
  }

  /// No gradient reaches a pruned number.
  func clearPrunedGradient() { clearPruned(gradient) }
  /// No step moves a pruned number.
  func clearPrunedValue() { clearPruned(value) }

  private func clearPruned(_ tensor: Tensor) {
    let numbers = tensor.f32
    for place in pruned { numbers[place] = 0 }
  }
}
