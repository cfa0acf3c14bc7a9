import Glibc
import Layers
import Runtime
import Training

/// Class-wise self-distillation (CS-KD, arXiv 2003.13964, equation 4): cross-entropy, and λ T² KL from the softened answer
/// for another item of the same class (no gradient through it).
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
