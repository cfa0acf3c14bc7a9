import Glibc
import Runtime
import Tensors

/// Moves parameters along their gradients. What it remembers is named, so that a state can hold it.
public protocol Optimiser: AnyObject {
  /// Steps taken.
  var steps: Int { get set }
  /// What is remembered, with its name, in order.
  var memory: [(name: String, tensor: Tensor)] { get }
  /// One step with the gradients as they stand.
  func step(learningRate: Double)
}

extension [Parameter] {
  /// A tensor of zeros for each, named after it.
  func zeros(_ name: String) -> [(name: String, tensor: Tensor)] {
    map { ("\(name).\($0.name)", Tensor(zeros: $0.value.shape)) }
  }
}

/// Stochastic gradient descent: v ← μ v + (g + λ w), w ← w − η v, or w ← w − η (g + λ w + μ v) with Nesterov's look
/// ahead (PyTorch's convention).
final class SGD: Optimiser {
  var steps = 0
  let memory: [(name: String, tensor: Tensor)]
  private let parameters: [Parameter]
  private let momentum: Float, decay: Float
  private let isNesterov: Bool

  init(_ settings: MethodSettings, _ parameters: [Parameter]) {
    self.parameters = parameters
    momentum = Float(settings.number("momentum") ?? 0)
    decay = Float(settings.number("weight_decay") ?? 0)
    isNesterov = settings.flag("nesterov") ?? false
    memory = parameters.zeros("momentum")
  }

  func step(learningRate: Double) {
    let rate = Float(learningRate), momentum = momentum, isNesterov = isNesterov
    for (parameter, old) in zip(parameters, memory) {
      let w = parameter.value.f32, g = parameter.gradient.f32, v = old.tensor.f32
      let decay = parameter.isDecayed ? decay : 0
      // Every weight by itself: the pieces and threads change no bit.
      Parallel.forEach(parameter.count, grain: 1 << 14) { range in
        if isNesterov {
          for i in range {
            let gradient = g[i] + decay * w[i]
            let velocity = momentum * v[i] + gradient
            w[i] -= rate * (gradient + momentum * velocity)
            v[i] = velocity
          }
        } else {
          for i in range {
            let velocity = momentum * v[i] + (g[i] + decay * w[i])
            w[i] -= rate * velocity
            v[i] = velocity
          }
        }
      }
    }
    steps += 1
  }
}

/// Adam and its kin: m, v running means of g and g²; w ← w − η √(1−β₂ᵗ)/(1−β₁ᵗ) · ξ m / (√v + ε√(1−β₂ᵗ)).
///
/// PyTorch's Adam divides by √(v/(1−β₂ᵗ)) + ε, which is the same; diffGrad's published form has ε outside.
final class Adam: Optimiser {
  enum Kind { case adam, decoupled, difference, halved }

  var steps = 0
  let memory: [(name: String, tensor: Tensor)]
  private let parameters: [Parameter]
  private let kind: Kind
  private let beta1: Double, beta2: Double, epsilon: Double, decay: Double

  init(_ settings: MethodSettings, _ parameters: [Parameter], kind: Kind) {
    self.parameters = parameters
    self.kind = kind
    beta1 = settings.number("beta1") ?? 0.9
    beta2 = settings.number("beta2") ?? 0.999
    epsilon = settings.number("epsilon") ?? 1e-8
    decay = settings.number("weight_decay") ?? 0
    memory =
      parameters.zeros("mean") + parameters.zeros("square")
      + (kind == .difference ? parameters.zeros("gradient") : [])
  }

  func step(learningRate: Double) {
    steps += 1
    let first = 1 - pow(beta1, Double(steps)), second = 1 - pow(beta2, Double(steps))
    // diffGrad's published step leaves ε uncorrected.
    let isCorrected = kind == .adam || kind == .decoupled
    let epsilon = Float(isCorrected ? self.epsilon * second.squareRoot() : self.epsilon)
    let rate = Float(learningRate * second.squareRoot() / first)
    let b1 = Float(beta1), b2 = Float(beta2), n = parameters.count
    let a1 = Float(1 - beta1), a2 = Float(1 - beta2)
    for (index, parameter) in parameters.enumerated() {
      let w = parameter.value.f32, g = parameter.gradient.f32
      let m = memory[index].tensor.f32, v = memory[n + index].tensor.f32
      let decay = parameter.isDecayed ? Float(self.decay) : 0
      let shrink = kind == .decoupled ? 1 - Float(learningRate) * decay : 1
      let joined = kind == .decoupled ? 0 : decay
      let count = parameter.count
      switch kind {
      case .adam, .decoupled, .halved:
        let damping: Float = kind == .halved ? 0.5 : 1
        let rate = rate * damping
        // Every weight by itself: the pieces and threads change no bit.
        Parallel.forEach(count, grain: 1 << 14) { range in
          for i in range {
            let gradient = g[i] + joined * w[i]
            let mean = b1 * m[i] + a1 * gradient
            let square = b2 * v[i] + a2 * gradient * gradient
            m[i] = mean
            v[i] = square
            w[i] = w[i] * shrink - rate * mean / (square.squareRoot() + epsilon)
          }
        }
      case .difference:
        let before = memory[2 * n + index].tensor.f32
        for i in 0..<count {
          let gradient = g[i] + joined * w[i]
          let damping = 1 / (1 + expf(-abs(before[i] - gradient)))
          before[i] = gradient
          m[i] = b1 * m[i] + a1 * gradient
          v[i] = b2 * v[i] + a2 * gradient * gradient
          w[i] -= rate * damping * m[i] / (v[i].squareRoot() + epsilon)
        }
      }
    }
  }
}

/// AdaGrad: w ← w − η g / (√Σ g² + ε); AdaGrad-Norm: one sum for all weights, w ← w − η g / √(b₀² + Σ ‖g‖²).
final class AdaGrad: Optimiser {
  var steps = 0
  let memory: [(name: String, tensor: Tensor)]
  private let parameters: [Parameter]
  private let isNorm: Bool
  private let epsilon: Float, decay: Float

  init(_ settings: MethodSettings, _ parameters: [Parameter], isNorm: Bool) {
    self.parameters = parameters
    self.isNorm = isNorm
    epsilon = Float(settings.number("epsilon") ?? 1e-10)
    decay = Float(settings.number("weight_decay") ?? 0)
    let initial = settings.number("initial") ?? 0
    memory = isNorm ? [("sum", Tensor([Float(initial * initial)]))] : parameters.zeros("sum")
  }

  func step(learningRate: Double) {
    steps += 1
    let rate = Float(learningRate)
    for parameter in parameters where parameter.isDecayed && decay > 0 {
      let w = parameter.value.f32, g = parameter.gradient.f32
      for i in 0..<parameter.count { g[i] += decay * w[i] }
    }
    guard isNorm else {
      for (parameter, sum) in zip(parameters, memory) {
        let w = parameter.value.f32, g = parameter.gradient.f32, s = sum.tensor.f32
        for i in 0..<parameter.count {
          s[i] += g[i] * g[i]
          w[i] -= rate * g[i] / (s[i].squareRoot() + epsilon)
        }
      }
      return
    }
    let sum = memory[0].tensor.f32
    var square = 0.0
    for parameter in parameters {
      for i in 0..<parameter.count {
        square += Double(parameter.gradient.f32[i]) * Double(parameter.gradient.f32[i])
      }
    }
    sum[0] += Float(square)
    let step = sum[0] > 0 ? rate / sum[0].squareRoot() : 0
    for parameter in parameters {
      let w = parameter.value.f32, g = parameter.gradient.f32
      for i in 0..<parameter.count { w[i] -= step * g[i] }
    }
  }
}
