import Glibc
import Tensors
import Testing

@testable import Distillation
@testable import Training

/// PS-KD and the rules it is compared with, on small batches.
@Suite struct SelfDistillationTests {
  private static let logits: [[Float]] = [[1, 0, -1], [0.5, 2, 0], [3, -2, 1]]
  private static let labels = [0, 1, 2]

  private struct Outcome {
    var losses: [Double]
    var gradient: [Float]
    var probabilities: [Float]
  }

  private func run(_ rule: any LossRule, logits: [[Float]] = Self.logits, partners: [[Float]]? = nil)
    -> Outcome
  {
    let rows = logits.count
    var outcome = Outcome(
      losses: Array(repeating: 0, count: rows), gradient: Array(repeating: 0, count: rows * 3),
      probabilities: Array(repeating: 0, count: rows * 3))
    let flat = logits.flatMap { $0 }
    let beside = (partners ?? []).flatMap { $0 }
    outcome.losses.withUnsafeMutableBufferPointer { losses in
      outcome.gradient.withUnsafeMutableBufferPointer { gradient in
        outcome.probabilities.withUnsafeMutableBufferPointer { probabilities in
          flat.withUnsafeBufferPointer { z in
            beside.withUnsafeBufferPointer { partners in
              guard let l = losses.baseAddress, let g = gradient.baseAddress,
                let p = probabilities.baseAddress,
                let z = z.baseAddress
              else { return }
              rule.run(
                LossBatch(
                  items: [0, 1, 2], labels: Self.labels, inputs: Tensor(zeros: [rows, 1]), logits: z,
                  partners: partners.count > 0 ? partners.baseAddress : nil, classes: 3, probabilities: p,
                  gradient: g,
                  losses: l))
              rule.saw(p, items: [0, 1, 2], classes: 3)
            }
          }
        }
      }
    }
    return outcome
  }

  /// The gradient of any rule is that of its own loss.
  private func checkGradient(
    _ make: () -> any LossRule, partners: [[Float]]? = nil, begin: (any LossRule) -> Void
  ) {
    let rule = make()
    begin(rule)
    let outcome = run(rule, partners: partners)
    for row in 0..<3 {
      for k in 0..<3 {
        func loss(_ shift: Float) -> Double {
          var moved = Self.logits
          moved[row][k] += shift
          let again = make()
          begin(again)
          return run(again, logits: moved, partners: partners).losses.reduce(0, +) / 3
        }
        let slope = (loss(1 / 256) - loss(-1 / 256)) * 128
        // Probabilities are f32: weights of 32 (λ T²) make 1e-4 of their rounding.
        #expect(abs(slope - Double(outcome.gradient[row * 3 + k])) < 1e-4, "row \(row), class \(k)")
      }
    }
  }

  @Test func theFirstEpochIsCrossEntropy() {
    let rule = SelfDistillation(alpha: 0.8, items: 3, classes: 3)
    rule.begin(epoch: 0, of: 10)
    let outcome = run(rule), plain = run(HardTargets())
    #expect(outcome.losses == plain.losses && outcome.gradient == plain.gradient)
  }

  /// Epoch 4 of 5 with α = 0.5: α_e is 0.5 · 5/5, and the gradient is p − (1 − α) y − α p of the epoch before.
  @Test func thePastIsHalfOfTheTarget() {
    let rule = SelfDistillation(alpha: 0.5, items: 3, classes: 3)
    rule.begin(epoch: 0, of: 5)
    let before = run(rule).probabilities
    rule.begin(epoch: 4, of: 5)
    let later: [[Float]] = [[0, 0, 0], [1, 0, 1], [0, 1, 0]]
    let outcome = run(rule, logits: later)
    for row in 0..<3 {
      for k in 0..<3 {
        let target = 0.5 * before[row * 3 + k] + (k == Self.labels[row] ? 0.5 : 0)
        let expected = (outcome.probabilities[row * 3 + k] - target) / 3
        #expect(abs(outcome.gradient[row * 3 + k] - expected) < 1e-6)
      }
    }
  }

  @Test func alphaRisesAsNamed() {
    typealias Rise = SelfDistillation.Rise
    #expect(abs(Rise.linear.alpha(last: 0.8, epoch: 0, of: 4) - 0.2) < 1e-15)
    #expect(Rise.allCases.allSatisfy { abs($0.alpha(last: 0.8, epoch: 3, of: 4) - 0.8) < 1e-15 })
    #expect(Rise.constant.alpha(last: 0.8, epoch: 0, of: 4) == 0.8)
    #expect(abs(Rise.cosine.alpha(last: 0.8, epoch: 1, of: 4) - 0.4) < 1e-15)
    #expect(abs(Rise.quadratic.alpha(last: 0.8, epoch: 1, of: 4) - 0.2) < 1e-15)
  }

  @Test func whatIsKept() {
    let row: [Float] = [0.1, 0.5, 0.05, 0.35]
    for (storage, tolerance) in [(PastPredictions.Storage.f32, Float(0)), (.f16, 2.5e-4), (.top(4), 0)] {
      let past = PastPredictions(items: 2, classes: 4, storage: storage)
      past.keep(1, row)
      var read: [Float] = [9, 9, 9, 9]
      past.read(1, into: &read)
      #expect(zip(row, read).allSatisfy { abs($0 - $1) <= tolerance })
    }
    let past = PastPredictions(items: 1, classes: 4, storage: .top(2))
    past.keep(0, row)
    var read: [Float] = [9, 9, 9, 9]
    past.read(0, into: &read)
    #expect(read[1] == 0.5 && read[3] == 0.35 && abs(read[0] - 0.075) < 1e-7 && read[0] == read[2])
    #expect(PastPredictions.Storage.f32.bytes(items: 50_000, classes: 100) == 20_000_000)
    #expect(PastPredictions.Storage.top(5).bytes(items: 10, classes: 100) == 300)
  }

  @Test func theOthersGradientsAreThoseOfTheirLosses() {
    let partners: [[Float]] = [[0, 1, 0], [2, 0, 0], [0, 0, 0.5]]
    checkGradient(
      { ClassWiseDistillation(weight: 2, temperature: 4, labels: Self.labels, classes: 3, seed: 0) },
      partners: partners
    ) { _ in }
    checkGradient({ VirtualTeacher(alpha: 0.3, temperature: 5, certainty: 0.9, classes: 3) }) { _ in }
    checkGradient({ HardTargets(smoothing: 0.1) }) { _ in }
    checkGradient({ SelfDistillation(alpha: 0.5, items: 3, classes: 3) }) { rule in
      rule.begin(epoch: 0, of: 2)
      _ = run(rule)
      rule.begin(epoch: 1, of: 2)
    }
  }

  @Test func partnersAreOfTheSameClass() {
    let labels = (0..<60).map { $0 % 3 }
    let rule = ClassWiseDistillation(weight: 1, temperature: 4, labels: labels, classes: 3, seed: 5)
    let items = Array(0..<60)
    let first = rule.partners(items[...], epoch: 0) ?? [], second = rule.partners(items[...], epoch: 1) ?? []
    #expect(first.count == 60 && first != second)
    #expect(zip(items, first).allSatisfy { labels[$0] == labels[$1] })
    #expect(rule.partners(items[...], epoch: 0) == first)
  }

  /// The three ways of keeping the past train alike: exactly for as many classes kept as there are.
  @Test func storagesTrainAlike() throws {
    let data = try LabelledData.mnist1D().train.items(0..<256)
    func trained(_ rule: (TrainableNetwork) -> any LossRule) throws -> [UInt8] {
      var plan = TrainingPlan()
      (plan.epochs, plan.batchSize, plan.learningRate) = (3, 64, 0.05)
      let network = TrainableNetwork.mlp(widths: [40, 16, 10], seed: 1)
      let training = try Training(network, plan: plan, data: data, rule: rule(network))
      while !training.isDone { _ = try training.runEpoch() }
      return network.parameters.flatMap { Array($0.value.bytes) }
    }
    func kept(_ storage: PastPredictions.Storage) throws -> [UInt8] {
      try trained { _ in SelfDistillation(alpha: 0.8, items: 256, classes: 10, storage: storage) }
    }
    let whole = try kept(.f32)
    #expect(try kept(.top(10)) == whole)
    #expect(try kept(.f16) != whole)
    #expect(try trained { _ in HardTargets() } != whole)
    let copied = try trained {
      SelfDistillation(alpha: 0.8, network: $0, before: .mlp(widths: [40, 16, 10], seed: 1))
    }
    #expect(copied != whole)
  }
}
