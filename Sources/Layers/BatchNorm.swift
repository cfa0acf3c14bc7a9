import CKernels
import Tensors

/// Batch norm (arXiv 1502.03167) of images `[B, P, C]`, P pixels, channels last: y = (x − μ)/√(σ² + ε) · γ + β with a
/// mean and a variance for each channel, of the batch or given.
///
/// It keeps what the backward pass of the same batch needs, so one is needed for every place in a network.
public final class BatchNorm {
  /// Channels `C` and pixels of an image `P`.
  public let channels, pixels: Int
  /// Added to the variance.
  public let epsilon: Double
  /// The means and the (biased) variances that were used last, a number a channel.
  public private(set) var mean: [Double], variance: [Double]

  /// Whether they are the batch's own, which then depend on x.
  private var isMeasured = false
  private let row: Int
  private var sums: [Double] = []
  /// Rows of repeated numbers for the kernels: mean, scale, gain, and backward the two means.
  private let rows: [Tensor]
  private var values: [Double]

  /// A norm of images of `pixels` pixels.
  public init(channels: Int, pixels: Int, epsilon: Double = 1e-5) {
    precondition(channels > 0 && pixels > 0, "a batch norm of nothing")
    (self.channels, self.pixels, self.epsilon) = (channels, pixels, epsilon)
    row = ck_batch_norm_row(channels)
    mean = Array(repeating: 0, count: channels)
    variance = Array(repeating: 1, count: channels)
    values = mean
    let row = row
    rows = (0..<5).map { _ in Tensor(zeros: [row]) }
  }

  private var count: Int { pixels * channels }

  /// Takes mean and variance from a batch x`[B, P, C]`, in f64 over the images. One number has variance 0.
  public func measure(_ x: UnsafePointer<Float>, rows n: Int) {
    isMeasured = true
    sum(n) { ck_batch_norm_moments(&$0, x, n, count, channels) }
    // Means and squares of parts are joined as in Chan, Golub and LeVeque (1979); all parts have P numbers.
    for c in 0..<channels {
      var mean = 0.0
      for image in 0..<n { mean += sums[2 * image * channels + c] }
      mean /= Double(n)
      var square = 0.0
      for image in 0..<n {
        let offset = sums[2 * image * channels + c] - mean
        square += sums[(2 * image + 1) * channels + c] + Double(pixels) * offset * offset
      }
      self.mean[c] = mean
      variance[c] = square / Double(n * pixels)
    }
  }

  /// Takes given means and (biased) variances.
  public func use(mean: Tensor, variance: Tensor) {
    precondition(mean.count == channels && variance.count == channels, "statistics of other channels")
    isMeasured = false
    for c in 0..<channels {
      (self.mean[c], self.variance[c]) = (Double(mean.f32[c]), Double(variance.f32[c]))
    }
  }

  /// y`[B, P, C]` = norm(x) (+ `beside`), below 0 made 0 with `relu`; with the mean and variance at hand. `y` may be `x`.
  public func apply(
    _ y: UnsafeMutablePointer<Float>, _ x: UnsafePointer<Float>, beside: UnsafePointer<Float>? = nil,
    rows n: Int,
    gain: Tensor, bias: Tensor, relu: Bool
  ) {
    fill(1) { Double(gain.f32[$0]) * scale($0) }
    fill(0) { Double(bias.f32[$0]) - mean[$0] * Double(gain.f32[$0]) * scale($0) }
    ck_batch_norm_apply(y, x, beside, rows[1].f32, rows[0].f32, relu ? 1 : 0, n, count, channels)
  }

  /// Gradients through a norm by the statistics at hand: the batch's own (``measure(_:rows:)`` of the same x came last), or
  /// given ones, which are constants.
  /// - Parameters:
  ///   - dx: receives dx`[B, P, C]`; may be `dy`.
  ///   - adds: whether it is added to what is there.
  ///   - dy: the gradient of the result; where the result was cut at 0, its cut parts are set to 0 here.
  ///   - y: the result, where it was cut at 0, else nil.
  ///   - dGain, dBias: receive the gradients of γ and β.
  public func backward(
    _ dx: UnsafeMutablePointer<Float>, adds: Bool = false, _ dy: UnsafeMutablePointer<Float>,
    _ x: UnsafePointer<Float>, cutAtZero y: UnsafePointer<Float>?, rows n: Int, gain: Tensor, dGain: Tensor,
    dBias: Tensor
  ) {
    fill(0) { mean[$0] }
    fill(1) { scale($0) }
    fill(2) { Double(gain.f32[$0]) * scale($0) }
    sum(n) { ck_batch_norm_backward_sums(&$0, dy, x, y, rows[0].f32, rows[1].f32, n, count, channels) }
    for (part, gradient) in [dBias, dGain].enumerated() {
      for c in 0..<channels {
        var sum = 0.0
        for image in 0..<n { sum += sums[(2 * image + part) * channels + c] }
        gradient.f32[c] = Float(sum)
        values[c] = isMeasured ? sum / Double(n * pixels) : 0
      }
      ck_batch_norm_fill(rows[3 + part].f32, values, channels)
    }
    ck_batch_norm_backward(
      dx, dy, x, rows[0].f32, rows[1].f32, rows[2].f32, rows[3].f32, rows[4].f32, adds ? 1 : 0, n, count,
      channels)
  }

  private func scale(_ c: Int) -> Double { 1 / (variance[c] + epsilon).squareRoot() }

  private func sum(_ n: Int, _ body: (inout [Double]) -> Void) {
    if sums.count < 2 * n * channels { sums = Array(repeating: 0, count: 2 * n * channels) }
    body(&sums)
  }

  private func fill(_ index: Int, _ value: (Int) -> Double) {
    for c in 0..<channels { values[c] = value(c) }
    ck_batch_norm_fill(rows[index].f32, values, channels)
  }
}
