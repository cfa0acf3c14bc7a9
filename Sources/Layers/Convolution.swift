import CKernels
import Tensors

/// A convolution of images `[B, H, W, C]`, channels last, with a cross-correlation's sign as everywhere in the field:
/// y[b, y, x, o] = bias[o] + Σ x[b, y·s + ky − p, x·s + kx − p, c] · w[o, c, ky, kx].
///
/// The number contract is in `ck_conv.h`: an output is one chain of fused multiply-adds; neither threads nor the
/// instruction set change a bit.
public final class Convolution: @unchecked Sendable {
  /// Its sizes.
  public let shape: ConvolutionShape
  private let tables: ConvolutionTables
  /// The kernels' view of the tables, which stay where they are.
  private var view = ck_conv()
  private let numbers: UnsafeMutablePointer<Int32>
  private let phases: UnsafeMutablePointer<ck_taps>

  /// Tables for a shape; to be made once and used for every batch.
  public init(_ shape: ConvolutionShape) {
    self.shape = shape
    tables = ConvolutionTables(shape)
    let all = [tables.forward] + tables.phases
    let count = all.reduce(tables.gradientAt.count) { $0 + 2 * $1.from.count + 2 * $1.offset.count }
    numbers = .allocate(capacity: max(1, count))
    phases = .allocate(capacity: max(1, tables.phases.count))
    var next = numbers
    func keep(_ values: [Int32]) -> UnsafePointer<Int32> {
      next.initialize(from: values, count: values.count)
      defer { next += values.count }
      return UnsafePointer(next)
    }
    let taps = all.map {
      ck_taps(
        pixels: $0.from.count, from: keep($0.from), to: keep($0.to), runs: $0.offset.count,
        offset: keep($0.offset), length: keep($0.length), inner: $0.inner, outputs: $0.outputs,
        weights: $0.weights)
    }
    let gradientAt = keep(tables.gradientAt)
    phases.initialize(from: Array(taps.dropFirst()), count: taps.count - 1)
    let out = shape.outputImage
    view = ck_conv(
      height: shape.image.height, width: shape.image.width, channels: shape.channels,
      out_height: out.height, out_width: out.width, outputs: shape.outputs, groups: shape.groups,
      stride_height: shape.stride.height, input: tables.input,
      gradient: tables.gradient, input_image: tables.input.rows * tables.input.columns * shape.channels,
      gradient_image: tables.gradient.rows * tables.gradient.columns * shape.outputs, gradient_at: gradientAt,
      forward: taps[0], forward_group: tables.forwardMap.count / shape.groups,
      phases: tables.phases.count, backward: UnsafePointer(phases),
      backward_group: tables.backwardMap.count / shape.groups)
  }

  deinit {
    numbers.deallocate()
    phases.deallocate()
  }

  /// Numbers of the weights packed for forward and for backward.
  public var packedCount: (forward: Int, backward: Int) {
    (tables.forwardMap.count, tables.backwardMap.count)
  }
  /// Numbers of the bias as the kernels read it.
  public var packedBiasCount: Int { shape.groups * tables.forward.panels * 16 }

  /// Chunks of a batch whose weight gradients are summed apart: at most 16, fewer for many weights.
  public func chunks(rows: Int) -> Int {
    max(1, min(rows, 16, max(2, (1 << 24) / max(1, tables.forwardMap.count))))
  }

  /// y`[B, H', W', O]` = x`[B, H, W, C]` ∗ w + bias, and then + `beside` `[B, H', W', O]`.
  /// - Parameters:
  ///   - weight: `[O, C / groups, kernel height, kernel width]`.
  ///   - bias: `[O]`.
  ///   - packed: scratch of ``packedCount`` forward numbers, then ``packedBiasCount`` where there is a bias.
  /// - Complexity: O(B · ``ConvolutionShape/work``), on the pool.
  public func forward(
    _ y: UnsafeMutablePointer<Float>, _ x: UnsafePointer<Float>, beside: UnsafePointer<Float>? = nil,
    rows: Int,
    weight: Tensor, bias: Tensor? = nil, packed: Tensor
  ) {
    check(weight, packed, packedCount.forward + (bias == nil ? 0 : packedBiasCount))
    ck_conv_pack(packed.f32, weight.f32, tables.forwardMap, tables.forwardMap.count)
    var start: UnsafeMutablePointer<Float>?
    if let bias {
      precondition(bias.count == shape.outputs, "a bias that is not one number an output")
      let to = packed.f32 + packedCount.forward
      let own = shape.outputs / shape.groups, padded = tables.forward.panels * 16
      for i in 0..<packedBiasCount {
        to[i] = i % padded < own ? bias.f32[i / padded * own + i % padded] : 0
      }
      start = to
    }
    withUnsafePointer(to: view) { ck_conv_forward(y, x, beside, packed.f32, start, $0, rows) }
  }

  /// Gradients of ``forward(_:_:beside:rows:weight:bias:packed:)`` from dy`[B, H', W', O]`.
  /// - Parameters:
  ///   - dx: receives dx`[B, H, W, C]`; nil where nobody asks.
  ///   - adds: whether dx is added to what is there.
  ///   - dw: receives the weights' gradient, of their shape.
  ///   - x: the input of the forward pass.
  ///   - packed: scratch of ``packedCount`` backward numbers.
  ///   - parts: scratch of ``chunks(rows:)`` × ``packedCount`` forward numbers.
  public func backward(
    _ dx: UnsafeMutablePointer<Float>?, adds: Bool = false, _ dw: Tensor, _ dy: UnsafePointer<Float>,
    _ x: UnsafePointer<Float>, rows: Int, weight: Tensor, packed: Tensor, parts: Tensor
  ) {
    let chunks = chunks(rows: rows)
    check(weight, packed, packedCount.backward)
    check(dw, parts, packedCount.forward * chunks)
    if dx != nil { ck_conv_pack(packed.f32, weight.f32, tables.backwardMap, tables.backwardMap.count) }
    withUnsafePointer(to: view) {
      ck_conv_backward(dx, parts.f32, dy, x, packed.f32, $0, rows, chunks, adds ? 1 : 0)
    }
    ck_conv_unpack(dw.f32, parts.f32, tables.forwardMap, tables.forwardMap.count, chunks)
  }

  private func check(_ weight: Tensor, _ scratch: Tensor, _ needed: Int) {
    precondition(weight.shape.reduce(1, *) == shape.outputs * shape.fanIn, "weights of another convolution")
    precondition(scratch.count >= needed, "scratch of \(scratch.count) numbers, not \(needed)")
  }
}
