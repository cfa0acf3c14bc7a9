import Layers
import Runtime
import Tensors

/// A residual network of images or signals: a convolution, stages of blocks, the mean over pixels, a dense layer. Every
/// stage but the first begins with a stride of 2.
public struct ResidualNetwork: Sendable, Equatable {
  /// Sizes of an item: `[C, H, W]` of images; `[C, L]` or `[L]` of signals.
  public var item: [Int]
  /// Classes, `K`.
  public var classes: Int
  /// Blocks of each stage.
  public var blocks: [Int]
  /// Channels of each stage; the first convolution has those of the first.
  public var widths: [Int]
  /// Where the norms of a block are.
  public var order = ResidualBlock.Order.before
  /// Whether norm and ReLU follow the first convolution.
  public var normalisesStem = false
  /// Whether norm and ReLU follow the last block.
  public var normalisesEnd = true

  /// A network of given stages.
  public init(item: [Int], classes: Int, blocks: [Int], widths: [Int]) {
    (self.item, self.classes, self.blocks, self.widths) = (item, classes, blocks, widths)
  }

  /// Three stages of `(depth − 2) / 6` blocks with w, 2w and 4w channels, norms before the convolutions and one at the
  /// end (arXiv 1603.05027, for CIFAR).
  /// - Throws: ``TrainingError/badSetting(name:value:expected:)`` for a depth that is not 6n + 2.
  public static func thin(item: [Int], classes: Int, depth: Int, width: Int) throws(TrainingError)
    -> ResidualNetwork
  {
    guard depth >= 8, depth % 6 == 2 else {
      throw .badSetting(name: "depth", value: "\(depth)", expected: "8, 14, 20, … (6n + 2)")
    }
    let n = (depth - 2) / 6
    return ResidualNetwork(
      item: item, classes: classes, blocks: [n, n, n], widths: [width, 2 * width, 4 * width])
  }

  /// The PreAct ResNet-18 of the self-distillation paper's tables (arXiv 2006.12000): four stages of two blocks with 64 …
  /// 512 channels, norm and ReLU behind the first convolution and none at the end, as its authors ran it.
  public static func preAct18(item: [Int], classes: Int) -> ResidualNetwork {
    var network = ResidualNetwork(
      item: item, classes: classes, blocks: [2, 2, 2, 2], widths: [64, 128, 256, 512])
    (network.normalisesStem, network.normalisesEnd) = (true, false)
    return network
  }

  /// - Throws: ``TrainingError/badSetting(name:value:expected:)``.
  public func check() throws(TrainingError) {
    guard (1...3).contains(item.count), item.allSatisfy({ $0 > 0 }) else {
      throw .badSetting(
        name: "item", value: "\(item)", expected: "[L], [channels, L] or [channels, height, width]")
    }
    guard !blocks.isEmpty, blocks.count == widths.count, (blocks + widths).allSatisfy({ $0 > 0 }) else {
      throw .badSetting(
        name: "blocks and widths", value: "\(blocks) and \(widths)",
        expected: "as many of one as of the other, above 0")
    }
    guard classes > 1 else { throw .badSetting(name: "classes", value: "\(classes)", expected: "2 or more") }
  }

  /// The network with weights drawn from a seed.
  /// - Throws: ``TrainingError/badSetting(name:value:expected:)``.
  public func network(seed: UInt64) throws(TrainingError) -> TrainableNetwork {
    try check()
    let random = CounterRandom(seed: seed, stream: "initial-weights")
    var image = ConvolutionShape.Extent(height: item.count == 3 ? item[1] : 1, width: item[item.count - 1])
    var channels = widths[0]
    var layers: [any TrainableLayer] = [
      ConvolutionLayer(
        "stem", ResidualBlock.shape(image, item.count == 1 ? 1 : item[0], channels, taps: 3, stride: 1),
        readsChannelsFirst: true, random: random.stream(0))
    ]
    func norm(_ name: String) -> BatchNormLayer {
      BatchNormLayer(name, channels: channels, pixels: image.height * image.width, relu: true)
    }
    if normalisesStem { layers.append(norm("stem_norm")) }
    var index: UInt64 = 0
    for (stage, (blocks, width)) in zip(blocks, widths).enumerated() {
      for block in 0..<blocks {
        index += 1
        let stride = stage > 0 && block == 0 ? 2 : 1
        layers.append(
          ResidualBlock(
            "stages.\(stage).\(block)", image: image, channels: channels, outputs: width, stride: stride,
            order: order, random: random.stream(index)))
        image = ResidualBlock.shape(image, channels, width, taps: 3, stride: stride).outputImage
        channels = width
      }
    }
    if normalisesEnd { layers.append(norm("end_norm")) }
    layers.append(PoolingLayer(.global(.average, image: image, channels: channels)))
    layers.append(DenseLayer("head", inputs: channels, outputs: classes, random: random.stream(index + 1)))
    return TrainableNetwork(layers, inputs: item.reduce(1, *))
  }
}
