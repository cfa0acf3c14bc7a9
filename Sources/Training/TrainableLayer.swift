import Layers
import Runtime
import Tensors

/// One step of a trained network. A forward pass keeps what the backward pass of the same batch needs.
public protocol TrainableLayer: AnyObject {
  /// What is trained, in order; that of its parts where it has any.
  var parameters: [Parameter] { get }
  /// Layers it is made of.
  var parts: [any TrainableLayer] { get }
  /// What forward passes of training change beside their results, such as running statistics, by name; a state has it.
  var buffers: [(name: String, tensor: Tensor)] { get }
  /// Numbers of an item that come out.
  var outputs: Int { get }
  /// y`[B, outputs]` of x`[B, D]`; what comes out is overwritten by the next pass.
  func forward(_ x: Tensor, rows: Int, training: Bool) -> Tensor
  /// Writes the parameters' gradients from dy`[B, outputs]` and gives dx`[B, D]` where `wantsInput`. dy may be
  /// overwritten.
  func backward(_ dy: Tensor, rows: Int, wantsInput: Bool) -> Tensor
}

extension TrainableLayer {
  public var parts: [any TrainableLayer] { [] }
  public var parameters: [Parameter] { parts.flatMap(\.parameters) }
  public var buffers: [(name: String, tensor: Tensor)] { parts.flatMap(\.buffers) }
}

/// A buffer that grows to the largest batch and is never made anew in a loop.
struct Buffer {
  private var tensor = Tensor(zeros: [0])

  /// The first `rows` rows of `width` numbers.
  mutating func rows(_ rows: Int, _ width: Int) -> Tensor {
    if tensor.count < rows * width { tensor = Tensor(zeros: [rows * width]) }
    return Tensor(storage: tensor.storage, shape: [rows, width], dtype: .f32)
  }
}

/// y = x Wᵀ + b.
public final class DenseLayer: ItemGradients {
  /// W `[N, D]`.
  public let weight: Parameter
  /// b `[N]`.
  public let bias: Parameter
  var measuresItems = false
  private(set) var itemSquares = 0.0
  private var input: Tensor?
  private var output = Buffer(), inputGradient = Buffer()

  public var parameters: [Parameter] { [weight, bias] }
  public var outputs: Int { weight.value.shape[0] }

  /// Weights and biases uniform in ±1/√inputs, as PyTorch's Linear begins.
  public init(_ name: String, inputs: Int, outputs: Int, random: CounterRandom) {
    var random = random
    let bound = 1 / Double(inputs).squareRoot()
    func draw(_ shape: [Int]) -> Tensor {
      Tensor((0..<shape.reduce(1, *)).map { _ in Float((2 * random.uniform() - 1) * bound) }, shape: shape)
    }
    weight = Parameter(name + ".weight", draw([outputs, inputs]), decayed: true)
    bias = Parameter(name + ".bias", draw([outputs]), decayed: false)
  }

  public func forward(_ x: Tensor, rows: Int, training: Bool) -> Tensor {
    input = x
    let y = output.rows(rows, outputs)
    Linear.trainingForward(y.f32, x.f32, rows: rows, LinearWeight(weight.value, bias: bias.value))
    return y
  }

  public func backward(_ dy: Tensor, rows: Int, wantsInput: Bool) -> Tensor {
    guard let input else { preconditionFailure("a backward pass before a forward pass") }
    if measuresItems { itemSquares = squares(of: dy, input, rows: rows) }
    let stored = LinearWeight(weight.value)
    Linear.backwardWeight(
      of: stored, in: weight.gradient.storage, bias: bias.gradient.f32, dy.f32, input.f32, rows: rows,
      accumulating: false)
    let dx = inputGradient.rows(wantsInput ? rows : 0, weight.value.shape[1])
    if wantsInput { Linear.backwardInput(dx.f32, dy.f32, rows: rows, stored) }
    return dx
  }

  /// An item's gradient is the outer product dy xᵀ beside dy, so its squared length is ‖dy‖² (‖x‖² + 1).
  private func squares(of dy: Tensor, _ x: Tensor, rows: Int) -> Double {
    func square(_ row: UnsafePointer<Float>, _ count: Int) -> Double {
      var sum = 0.0
      for i in 0..<count { sum += Double(row[i]) * Double(row[i]) }
      return sum
    }
    let (n, d) = (outputs, weight.value.shape[1])
    return (0..<rows).reduce(0) { $0 + square(dy.f32 + $1 * n, n) * (square(x.f32 + $1 * d, d) + 1) }
  }
}

/// An element-wise function.
public final class ActivationLayer: TrainableLayer {
  private let function: Activation
  private var input: Tensor?
  private var output = Buffer(), inputGradient = Buffer()

  public var parameters: [Parameter] { [] }
  public let outputs: Int

  /// The function of `width` numbers an item.
  public init(_ function: Activation, width: Int) {
    self.function = function
    outputs = width
  }

  public func forward(_ x: Tensor, rows: Int, training: Bool) -> Tensor {
    input = x
    let y = output.rows(rows, outputs)
    function.apply(y.f32, x.f32, count: y.count)
    return y
  }

  public func backward(_ dy: Tensor, rows: Int, wantsInput: Bool) -> Tensor {
    guard let input else { preconditionFailure("a backward pass before a forward pass") }
    let dx = inputGradient.rows(rows, outputs)
    function.backward(dx.f32, dy.f32, input.f32, count: dx.count)
    return dx
  }
}

/// Sets numbers to zero with a probability while training and scales the others so that the mean stays.
public final class DropoutLayer: TrainableLayer {
  private let share: Double
  private let random: CounterRandom
  private var pass: UInt64 = 0
  private var factors = Buffer(), output = Buffer(), inputGradient = Buffer()
  private var isActive = false

  public var parameters: [Parameter] { [] }
  public let outputs: Int

  /// Dropout of a share in 0 ..< 1.
  public init(_ share: Double, width: Int, random: CounterRandom) {
    precondition((0..<1).contains(share), "a share of dropped numbers outside 0..<1")
    self.share = share
    self.random = random
    outputs = width
  }

  /// Which draw the next training pass takes, so that a resumed run goes on with the same ones.
  public func begin(pass: UInt64) { self.pass = pass }

  public func forward(_ x: Tensor, rows: Int, training: Bool) -> Tensor {
    isActive = training && share > 0
    guard isActive else { return x }
    let f = factors.rows(rows, outputs), y = output.rows(rows, outputs)
    let draws = random.stream(pass)
    pass += 1
    let kept = Float(1 / (1 - share))
    for i in 0..<f.count {
      f.f32[i] = Double(draws.bits(at: UInt64(i)) >> 11) * 0x1p-53 < share ? 0 : kept
      y.f32[i] = x.f32[i] * f.f32[i]
    }
    return y
  }

  public func backward(_ dy: Tensor, rows: Int, wantsInput: Bool) -> Tensor {
    guard isActive else { return dy }
    let f = factors.rows(rows, outputs), dx = inputGradient.rows(rows, outputs)
    for i in 0..<dx.count { dx.f32[i] = dy.f32[i] * f.f32[i] }
    return dx
  }
}
