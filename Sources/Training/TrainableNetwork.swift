import Layers
import Runtime
import Tensors

/// A chain of layers that ends in logits.
public final class TrainableNetwork {
  /// The layers in order.
  public let layers: [any TrainableLayer]
  /// Numbers of an item that go in, `D`.
  public let inputs: Int
  /// Classes, `K`.
  public var classes: Int { layers.last?.outputs ?? inputs }
  /// What is trained, in order.
  public let parameters: [Parameter]

  /// A chain.
  public init(_ layers: [any TrainableLayer], inputs: Int) {
    self.layers = layers
    self.inputs = inputs
    parameters = layers.flatMap(\.parameters)
  }

  /// Dense layers of the given widths with a function between them: `inputs`, hidden widths, classes.
  public static func mlp(
    widths: [Int], activation: Activation = .relu, dropout: Double = 0, seed: UInt64
  ) -> TrainableNetwork {
    precondition(widths.count >= 2 && widths.allSatisfy { $0 > 0 }, "widths \(widths)")
    let random = CounterRandom(seed: seed, stream: "initial-weights")
    var layers: [any TrainableLayer] = []
    for index in 1..<widths.count {
      layers.append(
        DenseLayer(
          "layers.\(index - 1)", inputs: widths[index - 1], outputs: widths[index],
          random: random.stream(UInt64(index))))
      guard index < widths.count - 1 else { continue }
      layers.append(ActivationLayer(activation, width: widths[index]))
      if dropout > 0 {
        layers.append(
          DropoutLayer(
            dropout, width: widths[index],
            random: CounterRandom(seed: seed, stream: "dropout").stream(UInt64(index))))
      }
    }
    return TrainableNetwork(layers, inputs: widths[0])
  }

  /// All layers, parts of layers after their whole.
  public var allLayers: [any TrainableLayer] {
    func all(_ layers: [any TrainableLayer]) -> [any TrainableLayer] {
      layers.flatMap { [$0] + all($0.parts) }
    }
    return all(layers)
  }

  /// What training passes change beside parameters, by name.
  public var buffers: [(name: String, tensor: Tensor)] { layers.flatMap(\.buffers) }

  /// Parameters and buffers: all that decides the network's answers.
  public var values: [(name: String, tensor: Tensor)] { parameters.map { ($0.name, $0.value) } + buffers }

  /// Takes the values of a network of the same layers.
  public func copyValues(from other: TrainableNetwork) {
    let (own, theirs) = (values, other.values)
    precondition(own.count == theirs.count, "networks of other layers")
    for (to, from) in zip(own, theirs) {
      precondition(to.tensor.shape == from.tensor.shape, "networks of other shapes")
      to.tensor.f32.update(from: from.tensor.f32, count: to.tensor.count)
    }
  }

  /// Numbers that are trained.
  public var parameterCount: Int { parameters.reduce(0) { $0 + $1.count } }

  /// Logits `[B, K]` of x`[B, D]`, overwritten by the next pass.
  public func forward(_ x: Tensor, rows: Int, training: Bool) -> Tensor {
    layers.reduce(x) { $1.forward($0, rows: rows, training: training) }
  }

  /// Writes every gradient from dlogits`[B, K]` of the last training pass.
  public func backward(_ gradient: Tensor, rows: Int) {
    var gradient = gradient
    for (index, layer) in layers.enumerated().reversed() {
      gradient = layer.backward(gradient, rows: rows, wantsInput: index > 0)
    }
  }
}
