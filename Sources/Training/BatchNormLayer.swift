import Layers
import Tensors

/// Batch norm of images whose items are `[H, W, C]`, and ReLU behind it where wanted.
///
/// Training passes normalise by the batch's mean and biased variance; others by the running ones, which move with a
/// momentum of 0.1 and take the unbiased variance (PyTorch's convention). A batch of one number a channel moves none.
public final class BatchNormLayer: TrainableLayer {
  /// What training passes do to the running mean and variance.
  public enum Statistics: Sendable, Equatable {
    /// They move a tenth of the way to the batch's.
    case moving
    /// They stay.
    case kept
    /// They become the plain mean over batches, of which this is the next after so many.
    case gathered(after: Int)
  }

  /// γ and β, `[C]`.
  public let gain, bias: Parameter
  /// What training passes do to the running statistics.
  public var statistics = Statistics.moving
  /// Running mean and variance, `[C]`.
  public let runningMean: Tensor, runningVariance: Tensor
  private let name: String
  private let norm: BatchNorm
  private let relu: Bool
  private var input: Tensor?, result: Tensor?
  private var output = Buffer()

  public var parameters: [Parameter] { [gain, bias] }
  public var buffers: [(name: String, tensor: Tensor)] {
    [(name + ".running_mean", runningMean), (name + ".running_var", runningVariance)]
  }
  public var outputs: Int { norm.pixels * norm.channels }

  /// γ 1, β 0, running mean 0, running variance 1.
  public init(_ name: String, channels: Int, pixels: Int, relu: Bool) {
    self.name = name
    self.relu = relu
    norm = BatchNorm(channels: channels, pixels: pixels)
    gain = Parameter(
      name + ".weight", Tensor([Float](repeating: 1, count: channels)), decayed: false)
    bias = Parameter(name + ".bias", Tensor(zeros: [channels]), decayed: false)
    runningMean = Tensor(zeros: [channels])
    runningVariance = Tensor([Float](repeating: 1, count: channels))
  }

  public func forward(_ x: Tensor, rows: Int, training: Bool) -> Tensor {
    forward(x, beside: nil, rows: rows, training: training)
  }

  /// norm(x) + `beside`, cut at 0 with ReLU.
  func forward(_ x: Tensor, beside: Tensor?, rows: Int, training: Bool) -> Tensor {
    input = x
    if training {
      norm.measure(x.f32, rows: rows)
      track(numbers: rows * norm.pixels)
    } else {
      norm.use(mean: runningMean, variance: runningVariance)
    }
    let y = output.rows(rows, outputs)
    norm.apply(
      y.f32, x.f32, beside: beside.map { UnsafePointer($0.f32) }, rows: rows, gain: gain.value,
      bias: bias.value,
      relu: relu)
    result = y
    return y
  }

  private func track(numbers: Int) {
    let share: Double
    switch statistics {
    case .moving: share = 0.1
    case .kept: return
    case .gathered(let batches): share = 1 / Double(batches + 1)
    }
    guard numbers > 1 else { return }
    let unbiased = Double(numbers) / Double(numbers - 1)
    for c in 0..<norm.channels {
      let mean = Double(runningMean.f32[c]), variance = Double(runningVariance.f32[c])
      runningMean.f32[c] = Float(mean + share * (norm.mean[c] - mean))
      runningVariance.f32[c] = Float(variance + share * (norm.variance[c] * unbiased - variance))
    }
  }

  public func backward(_ dy: Tensor, rows: Int, wantsInput: Bool) -> Tensor {
    backward(dy, rows: rows, into: dy)
    return dy
  }

  /// Writes dx, or adds it to what is there. `dy` becomes the gradient before the cut at 0; `dx` may be `dy`.
  func backward(_ dy: Tensor, rows: Int, into dx: Tensor, adds: Bool = false) {
    guard let input, let result else { preconditionFailure("a backward pass before a forward pass") }
    norm.backward(
      dx.f32, adds: adds, dy.f32, input.f32, cutAtZero: relu ? UnsafePointer(result.f32) : nil, rows: rows,
      gain: gain.value, dGain: gain.gradient, dBias: bias.gradient)
  }
}

extension TrainableNetwork {
  /// What training passes do to the running statistics of all batch norms.
  var statistics: BatchNormLayer.Statistics {
    get { batchNorms.first?.statistics ?? .moving }
    set { for norm in batchNorms { norm.statistics = newValue } }
  }

  /// The batch norms, in order.
  public var batchNorms: [BatchNormLayer] { allLayers.compactMap { $0 as? BatchNormLayer } }

  /// Makes the running statistics those of the data as it is: means over its batches in order, each batch counting the
  /// same (the last one may be smaller), as mode connectivity and averaged weights need them (arXiv 1803.05407, section
  /// 3.2). Weights stay.
  public func estimateStatistics(from data: LabelledData, batch: Int = 128) {
    let norms = batchNorms
    guard !norms.isEmpty else { return }
    for (index, start) in stride(from: 0, to: data.count, by: batch).enumerated() {
      for norm in norms { norm.statistics = .gathered(after: index) }
      let range = start..<min(data.count, start + batch)
      _ = forward(data.inputs.rows(range), rows: range.count, training: true)
    }
    for norm in norms { norm.statistics = .moving }
  }
}
