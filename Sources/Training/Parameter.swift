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
}
