import Layers
import Tensors

/// One step's answers, and where a rule writes what follows from them.
public struct LossBatch {
  /// Numbers of the items in the data, `[B]`.
  public let items: ArraySlice<Int>
  /// True classes of all items of the data, `[n]`.
  public let labels: [Int]
  /// The items as the network saw them, `[B, D]`.
  public let inputs: Tensor
  /// Logits`[B, K]`.
  public let logits: UnsafePointer<Float>
  /// Logits`[B, K]` of the partners that the rule asked for.
  public let partners: UnsafePointer<Float>?
  /// Classes, `K`.
  public let classes: Int
  /// Receives softmax(logits), `[B, K]`.
  public let probabilities: UnsafeMutablePointer<Float>
  /// Receives the gradient of the mean loss by the logits, `[B, K]`.
  public let gradient: UnsafeMutablePointer<Float>
  /// Receives a loss an item, `[B]`, nats.
  public let losses: UnsafeMutablePointer<Double>

  /// Items of the batch, `B`.
  public var rows: Int { items.count }
}

/// What a network is trained towards. It turns logits into losses and gradients, and may remember answers.
public protocol LossRule: AnyObject {
  /// Called before an epoch, counted from 0.
  func begin(epoch: Int, of epochs: Int)
  /// Items, one for each of the batch, whose logits the rule wants beside, without gradient; nil wants none.
  func partners(_ items: ArraySlice<Int>, epoch: Int) -> [Int]?
  /// Writes probabilities, losses and the gradient.
  func run(_ batch: LossBatch)
  /// The probabilities`[B, K]` of the step's own forward pass, before the weights moved.
  func saw(_ probabilities: UnsafePointer<Float>, items: ArraySlice<Int>, classes: Int)
  /// What a state has to hold, by name.
  var memory: [(name: String, tensor: Tensor)] { get }
}

extension LossRule {
  public func begin(epoch: Int, of epochs: Int) {}
  public func partners(_ items: ArraySlice<Int>, epoch: Int) -> [Int]? { nil }
  public func saw(_ probabilities: UnsafePointer<Float>, items: ArraySlice<Int>, classes: Int) {}
  public var memory: [(name: String, tensor: Tensor)] { [] }
}

/// A rule whose loss is the cross-entropy with a distribution over the classes for each item.
public protocol TargetRule: LossRule {
  /// Writes targets`[B, K]`, each row of sum 1.
  func fill(_ targets: UnsafeMutablePointer<Float>, _ batch: LossBatch)
}

extension TargetRule {
  public func run(_ batch: LossBatch) {
    // The gradient's place holds the targets until they are used.
    fill(batch.gradient, batch)
    CrossEntropy.run(
      logits: batch.logits, targets: batch.gradient, probabilities: batch.probabilities,
      gradient: batch.gradient,
      rows: batch.rows, classes: batch.classes, scale: 1 / Float(batch.rows), losses: batch.losses)
  }
}

/// The labels, or labels smoothed: (1 − ε) on the true class and ε spread over all (arXiv 1512.00567, section 7).
public final class HardTargets: TargetRule {
  private let smoothing: Float

  /// Smoothing ε in 0 ..< 1; 0 is plain cross-entropy.
  public init(smoothing: Double = 0) {
    precondition((0..<1).contains(smoothing), "a smoothing outside 0..<1")
    self.smoothing = Float(smoothing)
  }

  public func fill(_ targets: UnsafeMutablePointer<Float>, _ batch: LossBatch) {
    let rest = smoothing / Float(batch.classes)
    for (row, item) in batch.items.enumerated() {
      for k in 0..<batch.classes { targets[row * batch.classes + k] = rest }
      targets[row * batch.classes + batch.labels[item]] += 1 - smoothing
    }
  }
}
