import Glibc

/// How the batch grows while a network learns: AdAdaGrad's norm test (arXiv 2402.11215, section 4), which asks that the
/// variance of a step's gradient stay below a share of its own squared length.
///
/// With b items of gradients g_i, their mean ḡ, and V = Σ_coordinates Var(g_i) (n − 1 in the denominator), a step of b′ =
/// V / (η² ‖∇F‖²) items passes the test. The batch never shrinks. The paper pairs it with AdaGrad and AdaGrad-Norm; any
/// optimiser may be used. Its tests of inner products and of single coordinates are not offered.
public struct BatchGrowth: Sendable, Equatable {
  /// What stands for ‖∇F‖², which nobody knows.
  public enum Test: String, Sendable, CaseIterable {
    /// ‖ḡ‖², as published. It is too large by V/b, so that a step of nothing but noise asks for b/η² items.
    case published
    /// ‖ḡ‖² − V/b, whose mean is right; at least V/b, so that no test asks for more than b/η² items.
    case unbiased
  }

  /// Which test.
  public var test = Test.unbiased
  /// η: share of the gradient's length that its standard deviation may have.
  public var tolerance = 0.1
  /// Items of a step at most.
  public var maximum = 4096
  /// Steps from one test to the next.
  public var interval = 1

  /// The paper's tolerance, tested at every step.
  public init() {}

  /// Items of the next steps, from the gradients of one step.
  /// - Parameters:
  ///   - batch: items of the step, b, at least 2.
  ///   - itemSquares: Σ_i ‖g_i‖².
  ///   - meanSquare: ‖ḡ‖².
  func next(batch: Int, itemSquares: Double, meanSquare: Double) -> Int {
    let b = Double(batch)
    let variance = max(0, (itemSquares - b * meanSquare) / (b - 1))
    let noise = variance / b
    let signal = test == .published ? meanSquare : max(meanSquare - noise, noise)
    guard signal > 0 else { return batch }
    let asked = (variance / (tolerance * tolerance * signal)).rounded(.up)
    return max(batch, asked < Double(maximum) ? Int(asked) : maximum)
  }
}

/// A layer of which every item has a gradient of its own, and that can tell its length without forming it.
protocol ItemGradients: TrainableLayer {
  /// Whether backward passes add to ``itemSquares``.
  var measuresItems: Bool { get set }
  /// Σ_i ‖dL/dW of item i's part of the mean‖² of the last backward pass, over all parameters of the layer.
  var itemSquares: Double { get }
}

extension TrainableNetwork {
  /// The layers with parameters, where each can tell its items' gradients; nil where batch norms tie the items together
  /// or another layer cannot.
  var itemGradients: [any ItemGradients]? {
    let leaves = allLayers.filter { $0.parts.isEmpty && !$0.parameters.isEmpty }
    let telling = leaves.compactMap { $0 as? any ItemGradients }
    return telling.count == leaves.count ? telling : nil
  }
}
