import Glibc
import Tensors
import Training

/// Progressive self-knowledge distillation (PS-KD, arXiv 2006.12000, equations 3 and 4): the target of an item is
/// (1 − α_e) of its label and α_e of what the network itself said of it one epoch before.
///
/// Epoch e of E uses α_e = α_E · (e + 1)/E (the paper's linear rise; an epoch is one value). In epoch 0 the past is the
/// label. What is kept is the answer of the step's own forward pass: on that epoch's augmented view, before the weights
/// moved.
public final class SelfDistillation: TargetRule {
  /// How α moves over the epochs.
  public enum Rise: String, Sendable, CaseIterable {
    /// α_E (e + 1)/E, as published.
    case linear
    /// α_E from the first epoch on.
    case constant
    /// α_E (1 − cos(π (e + 1)/E))/2.
    case cosine
    /// α_E ((e + 1)/E)².
    case quadratic

    /// α of an epoch from 0.
    public func alpha(last: Double, epoch: Int, of epochs: Int) -> Double {
      let share = Double(epoch + 1) / Double(epochs)
      return switch self {
      case .linear: last * share
      case .constant: last
      case .cosine: last * (1 - cos(.pi * share)) / 2
      case .quadratic: last * share * share
      }
    }
  }

  private let last: Double
  private let rise: Rise
  private let past: PastPredictions
  /// The network as it was at the end of the last epoch, instead of kept answers.
  private let copy: (now: TrainableNetwork, before: TrainableNetwork)?
  private var alpha: Float = 0
  private var epoch = 0
  private var row: [Float]

  /// With kept answers.
  public init(
    alpha: Double, rise: Rise = .linear, items: Int, classes: Int, storage: PastPredictions.Storage = .f32
  ) {
    precondition((0...1).contains(alpha), "an α outside 0…1")
    (last, self.rise) = (alpha, rise)
    past = PastPredictions(items: items, classes: classes, storage: storage)
    copy = nil
    row = Array(repeating: 0, count: classes)
  }

  /// With a second forward pass through last epoch's weights, on the present view of the items; `before` is a network
  /// of the same shapes that this rule owns.
  public init(alpha: Double, rise: Rise = .linear, network: TrainableNetwork, before: TrainableNetwork) {
    precondition((0...1).contains(alpha), "an α outside 0…1")
    (last, self.rise) = (alpha, rise)
    past = PastPredictions(items: 0, classes: network.classes, storage: .f32)
    copy = (network, before)
    row = Array(repeating: 0, count: network.classes)
  }

  public var memory: [(name: String, tensor: Tensor)] {
    guard let copy else { return past.memory }
    return copy.before.values.map { ("past.\($0.name)", $0.tensor) }
  }

  public func begin(epoch: Int, of epochs: Int) {
    self.epoch = epoch
    alpha = Float(rise.alpha(last: last, epoch: epoch, of: epochs))
    guard let copy else { return }
    copy.before.copyValues(from: copy.now)
  }

  public func fill(_ targets: UnsafeMutablePointer<Float>, _ batch: LossBatch) {
    let classes = batch.classes
    var logits: Tensor?
    if let copy, epoch > 0 { logits = copy.before.forward(batch.inputs, rows: batch.rows, training: false) }
    row.withUnsafeMutableBufferPointer { row in
      guard let own = row.baseAddress else { return }
      for (place, item) in batch.items.enumerated() {
        let label = batch.labels[item]
        if epoch == 0 {
          for k in 0..<classes { own[k] = k == label ? 1 : 0 }
        } else if let logits {
          Softening.softmax(own, logits.f32 + place * classes, classes: classes, temperature: 1)
        } else {
          past.read(item, into: own)
        }
        let target = targets + place * classes
        for k in 0..<classes { target[k] = alpha * own[k] }
        target[label] += 1 - alpha
      }
    }
  }

  public func saw(_ probabilities: UnsafePointer<Float>, items: ArraySlice<Int>, classes: Int) {
    guard copy == nil else { return }
    for (place, item) in items.enumerated() { past.keep(item, probabilities + place * classes) }
  }
}

/// Softmax at a temperature, and the gradient of a divergence from softened answers.
enum Softening {
  /// p`[K]` = softmax(z / T).
  static func softmax(
    _ p: UnsafeMutablePointer<Float>, _ z: UnsafePointer<Float>, classes: Int, temperature: Double
  ) {
    var top = z[0]
    for k in 1..<max(1, classes) where z[k] > top { top = z[k] }
    var sum = 0.0
    for k in 0..<classes {
      let e = exp(Double(z[k] - top) / temperature)
      p[k] = Float(e)
      sum += e
    }
    for k in 0..<classes { p[k] = Float(Double(p[k]) / sum) }
  }

  /// Adds weight · KL(q ‖ softmax(z/T)) of each row to the losses, and its gradient over the mean of the batch. `q`
  /// gives a row's distribution.
  static func add(
    weight: Double, temperature: Double, _ batch: LossBatch,
    q: (_ row: Int, UnsafeMutablePointer<Float>) -> Void
  ) {
    let classes = batch.classes
    var p = [Float](repeating: 0, count: classes), teacher = p
    let step = Float(weight / temperature / Double(batch.rows))
    for row in 0..<batch.rows {
      let z = batch.logits + row * classes
      p.withUnsafeMutableBufferPointer { p in
        if let base = p.baseAddress { softmax(base, z, classes: classes, temperature: temperature) }
      }
      teacher.withUnsafeMutableBufferPointer { if let base = $0.baseAddress { q(row, base) } }
      var divergence = 0.0
      for k in 0..<classes {
        if teacher[k] > 0 {
          divergence += Double(teacher[k]) * log(Double(teacher[k]) / max(Double(p[k]), 1e-300))
        }
        batch.gradient[row * classes + k] += step * (p[k] - teacher[k])
      }
      batch.losses[row] += weight * divergence
    }
  }
}
