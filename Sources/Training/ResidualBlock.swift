import Layers
import Runtime
import Tensors

/// Two 3-wide convolutions beside a shortcut. Where the size or the channels change, the shortcut is a convolution of
/// one tap.
public final class ResidualBlock: TrainableLayer {
  /// Where the norms are.
  public enum Order: String, Sendable, CaseIterable {
    /// Norm and ReLU before each convolution (arXiv 1603.05027): a = ReLU(norm(x)), y = conv(ReLU(norm(conv(a)))) +
    /// (x or shortcut(a)).
    case before
    /// Norm behind each convolution (arXiv 1512.03385): y = ReLU(norm(conv(ReLU(norm(conv(x))))) + (x or
    /// norm(shortcut(x)))).
    case behind
  }

  private let order: Order
  private let first: ConvolutionLayer, second: ConvolutionLayer
  private let firstNorm: BatchNormLayer, secondNorm: BatchNormLayer
  private let shortcut: ConvolutionLayer?, shortcutNorm: BatchNormLayer?
  private var inputGradient = Buffer(), innerGradient = Buffer()

  public var outputs: Int { second.outputs }
  public var parts: [any TrainableLayer] {
    var all: [any TrainableLayer] =
      order == .before ? [firstNorm, first, secondNorm, second] : [first, firstNorm, second, secondNorm]
    if let shortcut { all.append(shortcut) }
    if let shortcutNorm { all.append(shortcutNorm) }
    return all
  }

  /// A block of images of `channels` channels with `outputs` channels out, every `stride`-th pixel.
  public init(
    _ name: String, image: ConvolutionShape.Extent, channels: Int, outputs: Int, stride: Int, order: Order,
    random: CounterRandom
  ) {
    self.order = order
    let shape = Self.shape(image, channels, outputs, taps: 3, stride: stride)
    let inner = shape.outputImage
    let pixels = image.height * image.width, innerPixels = inner.height * inner.width
    first = ConvolutionLayer(name + ".conv1", shape, random: random.stream(1))
    second = ConvolutionLayer(
      name + ".conv2", Self.shape(inner, outputs, outputs, taps: 3, stride: 1), random: random.stream(2))
    firstNorm =
      order == .before
      ? BatchNormLayer(name + ".norm1", channels: channels, pixels: pixels, relu: true)
      : BatchNormLayer(name + ".norm1", channels: outputs, pixels: innerPixels, relu: true)
    secondNorm = BatchNormLayer(name + ".norm2", channels: outputs, pixels: innerPixels, relu: true)
    guard stride != 1 || channels != outputs else {
      (shortcut, shortcutNorm) = (nil, nil)
      return
    }
    shortcut = ConvolutionLayer(
      name + ".shortcut", Self.shape(image, channels, outputs, taps: 1, stride: stride),
      random: random.stream(3))
    shortcutNorm =
      order == .before
      ? nil : BatchNormLayer(name + ".shortcut_norm", channels: outputs, pixels: innerPixels, relu: false)
  }

  /// A square convolution that keeps the image's size but for the stride; of signals, along their length.
  static func shape(
    _ image: ConvolutionShape.Extent, _ channels: Int, _ outputs: Int, taps: Int, stride: Int
  ) -> ConvolutionShape {
    func extent(_ size: Int, _ signal: Int) -> ConvolutionShape.Extent {
      ConvolutionShape.Extent(height: image.height == 1 ? signal : size, width: size)
    }
    return ConvolutionShape(
      image: image, channels: channels, outputs: outputs, kernel: extent(taps, 1), stride: extent(stride, 1),
      padding: extent(taps / 2, 0))
  }

  public func forward(_ x: Tensor, rows: Int, training: Bool) -> Tensor {
    func run(_ layer: some TrainableLayer, _ x: Tensor) -> Tensor {
      layer.forward(x, rows: rows, training: training)
    }
    switch order {
    case .before:
      let a = run(firstNorm, x)
      let b = run(secondNorm, run(first, a))
      return second.forward(b, beside: shortcut.map { run($0, a) } ?? x, rows: rows)
    case .behind:
      let z = run(second, run(firstNorm, run(first, x)))
      var beside = x
      if let shortcut, let shortcutNorm { beside = run(shortcutNorm, run(shortcut, x)) }
      return secondNorm.forward(z, beside: beside, rows: rows, training: training)
    }
  }

  public func backward(_ dy: Tensor, rows: Int, wantsInput: Bool) -> Tensor {
    let dx = inputGradient.rows(rows, first.shape.inputCount)
    switch order {
    case .before:
      let dz = innerGradient.rows(rows, outputs)
      second.backward(dy, rows: rows, into: dz)
      secondNorm.backward(dz, rows: rows, into: dz)
      first.backward(dz, rows: rows, into: dx)
      shortcut?.backward(dy, rows: rows, into: dx, adds: true)
      guard shortcut == nil else {
        firstNorm.backward(dx, rows: rows, into: dx)
        return dx
      }
      firstNorm.backward(dx, rows: rows, into: dy, adds: true)
      return dy
    case .behind:
      let dz = innerGradient.rows(rows, outputs)
      secondNorm.backward(dy, rows: rows, into: dz)
      let db = second.backward(dz, rows: rows, wantsInput: true)
      firstNorm.backward(db, rows: rows, into: db)
      guard let shortcut, let shortcutNorm else {
        first.backward(db, rows: rows, into: dy, adds: true)
        return dy
      }
      first.backward(db, rows: rows, into: dx)
      shortcutNorm.backward(dy, rows: rows, into: dy)
      shortcut.backward(dy, rows: rows, into: dx, adds: true)
      return dx
    }
  }
}
