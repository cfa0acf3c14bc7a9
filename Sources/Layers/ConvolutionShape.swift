/// Sizes of a convolution of images `[H, W, C]`, channels last. A signal is an image of height 1.
public struct ConvolutionShape: Sendable, Equatable {
  /// A size or distance along both axes.
  public struct Extent: Sendable, Equatable {
    /// Along the rows and along the columns.
    public var height, width: Int

    /// Along both axes.
    public init(height: Int, width: Int) { (self.height, self.width) = (height, width) }
    /// The same along both.
    public init(_ size: Int) { self.init(height: size, width: size) }
  }

  /// An input image without its channels.
  public let image: Extent
  /// Channels that go in, `C`, and come out, `O`.
  public let channels, outputs: Int
  /// Taps, distances of outputs, and zeros on every side.
  public let kernel, stride, padding: Extent
  /// Groups: each has `C / groups` channels in and `O / groups` out and sees no other's.
  public let groups: Int

  /// A convolution of images, or of signals where `image.height` and `kernel.height` are 1.
  public init(
    image: Extent, channels: Int, outputs: Int, kernel: Extent, stride: Extent = Extent(1),
    padding: Extent = Extent(0), groups: Int = 1
  ) {
    precondition(channels > 0 && outputs > 0 && groups > 0, "a convolution without channels")
    precondition(channels % groups == 0 && outputs % groups == 0, "channels that are not whole groups")
    precondition(kernel.height > 0 && kernel.width > 0 && stride.height > 0 && stride.width > 0)
    precondition(padding.height >= 0 && padding.width >= 0, "negative padding")
    precondition(
      image.height + 2 * padding.height >= kernel.height && image.width + 2 * padding.width >= kernel.width,
      "an image smaller than the kernel")
    (self.image, self.channels, self.outputs) = (image, channels, outputs)
    (self.kernel, self.stride, self.padding, self.groups) = (kernel, stride, padding, groups)
  }

  /// An output image without its channels.
  public var outputImage: Extent {
    Extent(
      height: (image.height + 2 * padding.height - kernel.height) / stride.height + 1,
      width: (image.width + 2 * padding.width - kernel.width) / stride.width + 1)
  }
  /// Numbers of an input image.
  public var inputCount: Int { image.height * image.width * channels }
  /// Numbers of an output image.
  public var outputCount: Int { outputImage.height * outputImage.width * outputs }
  /// Shape of the weights, `[O, C / groups, kernel height, kernel width]`, as PyTorch stores them.
  public var weightShape: [Int] { [outputs, channels / groups, kernel.height, kernel.width] }
  /// Weights of one output.
  public var fanIn: Int { channels / groups * kernel.height * kernel.width }
  /// Multiply-adds of an image forward.
  public var work: Int { outputCount * fanIn }
}
