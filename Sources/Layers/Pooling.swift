import Tensors

/// Pooling of images `[B, H, W, C]`, channels last, without padding; windows that do not fit whole are left out.
public struct Pooling: Sendable, Equatable {
  /// What becomes of a window.
  public enum Kind: String, Sendable, CaseIterable {
    /// Its mean.
    case average
    /// Its largest number, the first of equals.
    case maximum
  }

  /// What becomes of a window.
  public let kind: Kind
  /// An input image.
  public let image: ConvolutionShape.Extent
  /// Channels.
  public let channels: Int
  /// Sizes of a window, and distances of windows.
  public let window, stride: ConvolutionShape.Extent

  /// Windows of an image; the stride is the window where none is given.
  public init(
    _ kind: Kind, image: ConvolutionShape.Extent, channels: Int, window: ConvolutionShape.Extent,
    stride: ConvolutionShape.Extent? = nil
  ) {
    let stride = stride ?? window
    precondition(window.height > 0 && window.width > 0 && stride.height > 0 && stride.width > 0)
    precondition(
      window.height <= image.height && window.width <= image.width && channels > 0,
      "a window larger than the image")
    (self.kind, self.image, self.channels, self.window, self.stride) = (kind, image, channels, window, stride)
  }

  /// The whole image is one window.
  public static func global(_ kind: Kind, image: ConvolutionShape.Extent, channels: Int) -> Pooling {
    Pooling(kind, image: image, channels: channels, window: image)
  }

  /// An output image.
  public var outputImage: ConvolutionShape.Extent {
    ConvolutionShape.Extent(
      height: (image.height - window.height) / stride.height + 1,
      width: (image.width - window.width) / stride.width + 1)
  }
  /// Numbers of an input image.
  public var inputCount: Int { image.height * image.width * channels }
  /// Numbers of an output image.
  public var outputCount: Int { outputImage.height * outputImage.width * channels }

  /// y`[B, H', W', C]` of x`[B, H, W, C]`. Means are sums over the window's numbers in order, times 1 / their number.
  public func forward(_ y: UnsafeMutablePointer<Float>, _ x: UnsafePointer<Float>, rows: Int) {
    each(rows) { row, output, window in
      let to = y + row * outputCount + output, from = x + row * inputCount
      if kind == .average {
        for c in 0..<channels { to[c] = 0 }
        for start in window { for c in 0..<channels { to[c] += from[start + c] } }
        let share = 1 / Float(self.window.height * self.window.width)
        for c in 0..<channels { to[c] *= share }
      } else {
        for c in 0..<channels { to[c] = from[window.first + c] }
        for start in window {
          for c in 0..<channels where from[start + c] > to[c] { to[c] = from[start + c] }
        }
      }
    }
  }

  /// dx`[B, H, W, C]` from dy`[B, H', W', C]`; x is the input of the forward pass.
  public func backward(
    _ dx: UnsafeMutablePointer<Float>, _ dy: UnsafePointer<Float>, _ x: UnsafePointer<Float>, rows: Int
  ) {
    for i in 0..<rows * inputCount { dx[i] = 0 }
    let share = 1 / Float(self.window.height * self.window.width)
    each(rows) { row, output, window in
      let from = dy + row * outputCount + output, to = dx + row * inputCount, x = x + row * inputCount
      if kind == .average {
        for start in window { for c in 0..<channels { to[start + c] += from[c] * share } }
      } else {
        for c in 0..<channels {
          var best = window.first
          for start in window where x[start + c] > x[best + c] { best = start }
          to[best + c] += from[c]
        }
      }
    }
  }

  /// Places of a window's pixels in an image.
  private struct Window: Sequence, IteratorProtocol {
    let first: Int, width: Int, height: Int, rowStride: Int, pixelStride: Int
    var index = 0

    mutating func next() -> Int? {
      guard index < width * height else { return nil }
      defer { index += 1 }
      return first + index / width * rowStride + index % width * pixelStride
    }
  }

  private func each(_ rows: Int, _ body: (_ row: Int, _ output: Int, _ window: Window) -> Void) {
    let out = outputImage
    Parallel.forEach(rows, grain: max(1, 16384 / inputCount)) { range in
      for row in range {
        for y in 0..<out.height {
          for x in 0..<out.width {
            body(
              row, (y * out.width + x) * channels,
              Window(
                first: (y * stride.height * image.width + x * stride.width) * channels, width: window.width,
                height: window.height, rowStride: image.width * channels, pixelStride: channels))
          }
        }
      }
    }
  }
}
