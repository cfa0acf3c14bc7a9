import Glibc
import Layers
import Runtime
import Tensors

/// A convolution of images whose items are `[H, W, C]`, channels last; without a bias where a batch norm follows.
public final class ConvolutionLayer: TrainableLayer {
  /// w `[O, C / groups, kernel height, kernel width]`.
  public let weight: Parameter
  /// b `[O]`.
  public let bias: Parameter?
  private let convolution: Convolution
  private let readsChannelsFirst: Bool
  private let packed: Tensor, packedBackward: Tensor
  private var input: Tensor?
  private var turned = Buffer(), output = Buffer(), inputGradient = Buffer(), partial = Buffer()

  public var parameters: [Parameter] { [weight] + (bias.map { [$0] } ?? []) }
  public var outputs: Int { convolution.shape.outputCount }
  /// The sizes.
  public var shape: ConvolutionShape { convolution.shape }

  /// Weights uniform in ±√(6 / inputs of an output) (arXiv 1502.01852, for ReLU), biases 0.
  /// - Parameter readsChannelsFirst: items are `[C, H, W]`, as data files have them; only for a network's first layer.
  public init(
    _ name: String, _ shape: ConvolutionShape, hasBias: Bool = false, readsChannelsFirst: Bool = false,
    random: CounterRandom
  ) {
    var random = random
    let bound = (6 / Double(shape.fanIn)).squareRoot()
    weight = Parameter(
      name + ".weight",
      Tensor(
        (0..<shape.outputs * shape.fanIn).map { _ in Float((2 * random.uniform() - 1) * bound) },
        shape: shape.weightShape), decayed: true)
    bias = hasBias ? Parameter(name + ".bias", Tensor(zeros: [shape.outputs]), decayed: false) : nil
    convolution = Convolution(shape)
    self.readsChannelsFirst = readsChannelsFirst && shape.channels > 1
    let count = convolution.packedCount
    packed = Tensor(zeros: [count.forward + convolution.packedBiasCount])
    packedBackward = Tensor(zeros: [count.backward])
  }

  public func forward(_ x: Tensor, rows: Int, training: Bool) -> Tensor {
    forward(x, beside: nil, rows: rows)
  }

  /// The convolution + `beside`.
  func forward(_ x: Tensor, beside: Tensor?, rows: Int) -> Tensor {
    let x = readsChannelsFirst ? channelsLast(x, rows: rows) : x
    input = x
    let y = output.rows(rows, outputs)
    convolution.forward(
      y.f32, x.f32, beside: beside.map { UnsafePointer($0.f32) }, rows: rows, weight: weight.value,
      bias: bias?.value, packed: packed)
    return y
  }

  public func backward(_ dy: Tensor, rows: Int, wantsInput: Bool) -> Tensor {
    precondition(!(wantsInput && readsChannelsFirst), "a gradient by a network's input")
    let dx = inputGradient.rows(wantsInput ? rows : 0, shape.inputCount)
    backward(dy, rows: rows, into: wantsInput ? dx : nil)
    return dx
  }

  /// Writes dx, or adds it to what is there.
  func backward(_ dy: Tensor, rows: Int, into dx: Tensor?, adds: Bool = false) {
    guard let input else { preconditionFailure("a backward pass before a forward pass") }
    convolution.backward(
      dx?.f32, adds: adds, weight.gradient, dy.f32, input.f32, rows: rows, weight: weight.value,
      packed: packedBackward,
      parts: partial.rows(convolution.chunks(rows: rows), convolution.packedCount.forward))
    if let bias {
      Linear.backwardBias(
        bias.gradient.f32, dy.f32, rows: rows * outputs / shape.outputs, outputs: shape.outputs)
    }
  }

  private func channelsLast(_ x: Tensor, rows: Int) -> Tensor {
    let to = turned.rows(rows, shape.inputCount)
    let pixels = shape.image.height * shape.image.width, channels = shape.channels
    Parallel.forEach(rows, grain: max(1, 16384 / shape.inputCount)) { range in
      for row in range {
        let from = x.f32 + row * shape.inputCount, to = to.f32 + row * shape.inputCount
        for c in 0..<channels {
          for pixel in 0..<pixels { to[pixel * channels + c] = from[c * pixels + pixel] }
        }
      }
    }
    return to
  }
}

/// Mean or maximum over windows of images.
public final class PoolingLayer: TrainableLayer {
  private let pooling: Pooling
  private var input: Tensor?
  private var output = Buffer(), inputGradient = Buffer()

  public var outputs: Int { pooling.outputCount }

  /// Pooling of items `[H, W, C]`.
  public init(_ pooling: Pooling) { self.pooling = pooling }

  public func forward(_ x: Tensor, rows: Int, training: Bool) -> Tensor {
    input = x
    let y = output.rows(rows, outputs)
    pooling.forward(y.f32, x.f32, rows: rows)
    return y
  }

  public func backward(_ dy: Tensor, rows: Int, wantsInput: Bool) -> Tensor {
    guard let input else { preconditionFailure("a backward pass before a forward pass") }
    let dx = inputGradient.rows(rows, pooling.inputCount)
    pooling.backward(dx.f32, dy.f32, input.f32, rows: rows)
    return dx
  }
}
