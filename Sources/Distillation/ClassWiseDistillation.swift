import Glibc
import Layers
import Runtime
import Training

/// Class-wise self-distillation (CS-KD, arXiv 2003.13964, equation 4): cross-entropy, and λ T² KL from the softened answer
/// for another item of the same class (no gradient through it).
///
/// Standard settings: T = 4 and λ = 1, the defaults of the authors' published code and its command for CIFAR-100 (for fine-grained
/// images it says λ = 3).
public final class ClassWiseDistillation: LossRule {
  private let weight: Double, temperature: Double
  private let random: CounterRandom
  private let members: [[Int]]
  private let labels: [Int]
  private let hard = HardTargets()

  /// Partners are drawn among the items of the same class.
  public init(weight: Double, temperature: Double, labels: [Int], classes: Int, seed: UInt64) {
    precondition(weight >= 0 && temperature > 0, "a weight or temperature that is not positive")
    (self.weight, self.temperature, self.labels) = (weight, temperature, labels)
    random = CounterRandom(seed: seed, stream: "partners")
    var members = [[Int]](repeating: [], count: classes)
    for (item, label) in labels.enumerated() { members[label].append(item) }
    self.members = members
  }

  public func partners(_ items: ArraySlice<Int>, epoch: Int) -> [Int]? {
    let draws = random.stream(UInt64(epoch))
    return items.map { item in
      var draw = draws.stream(UInt64(item))
      return draw.pick(members[labels[item]])
    }
  }

  public func run(_ batch: LossBatch) {
    hard.run(batch)
    guard let partners = batch.partners else { return }
    Softening.add(
      weight: weight * temperature * temperature, temperature: temperature, batch
    ) { row, teacher in
      Softening.softmax(
        teacher, partners + row * batch.classes, classes: batch.classes, temperature: temperature)
    }
  }
}

/// Teacher-free distillation with a virtual teacher (TF-KD_reg, arXiv 1909.11723, equations 9 and 10):
/// (1 − α) cross-entropy + α KL from a teacher that gives the true class the probability `certainty` and the others the
/// rest, both softened: softmax(log p / T).
///
/// Standard settings: α = 0.1, T = 20, certainty 0.99, those of the authors' published code for ResNet-18 on CIFAR-100. That code differs from
/// the equations: it softens the teacher alone, as softmax(p / T), which is nearly even, and takes the divergence's mean over items *and* classes
/// times 100, which for 100 classes is the mean over items. Here the equations hold.
public final class VirtualTeacher: LossRule {
  private let alpha: Double, temperature: Double
  private let own: Float, other: Float
  private let hard = HardTargets()

  /// A teacher for some number of classes.
  public init(alpha: Double, temperature: Double, certainty: Double, classes: Int) {
    precondition((0...1).contains(alpha) && temperature > 0 && classes > 1, "a teacher that cannot be")
    (self.alpha, self.temperature) = (alpha, temperature)
    let logs = [certainty, (1 - certainty) / Double(classes - 1)].map {
      $0 > 0 ? pow($0, 1 / temperature) : 0
    }
    let sum = logs[0] + Double(classes - 1) * logs[1]
    (own, other) = (Float(logs[0] / sum), Float(logs[1] / sum))
  }

  public func run(_ batch: LossBatch) {
    hard.run(batch)
    let count = batch.rows * batch.classes
    Vector.scale(batch.gradient, by: Float(1 - alpha), count: count)
    for row in 0..<batch.rows { batch.losses[row] *= 1 - alpha }
    let labels = batch.items.map { batch.labels[$0] }
    Softening.add(weight: alpha, temperature: temperature, batch) { row, teacher in
      for k in 0..<batch.classes { teacher[k] = k == labels[row] ? own : other }
    }
  }
}
