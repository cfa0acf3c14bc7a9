import Distillation
import JSON
import Probing
import Runtime
import Statistics
import Tensors
import Testing

/// Scores of recorded answers (record_classification.py).
@Suite struct ClassScoresTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let name: String
    let table: LogitTable
    let json: JSONValue
    var testDescription: String { name }
  }

  static let cases: [Case] = {
    let here = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(
      separator: "/")
    do {
      let json = try JSONValue(file: here + "/Fixtures/classification.json")
      return try (json["cases"]?.array ?? []).map { value in
        let logits = (value["logits"]?.array ?? []).compactMap { $0.double.map(Float.init) }
        let labels = (value["labels"]?.array ?? []).compactMap(\.int)
        return Case(
          name: value["name"]?.string ?? "",
          table: try LogitTable(
            Tensor(logits, shape: [labels.count, logits.count / labels.count]), labels: labels,
            source: "recorded"),
          json: value)
      }
    } catch {
      return []
    }
  }()

  @Test func threeCasesAreRecorded() { #expect(Self.cases.count == 3) }

  private func check(_ scores: ClassScores, _ recorded: JSONValue?) throws {
    for name in ClassScores.Name.allCases where name != .ece15Mass {
      guard let expected = recorded?[name.rawValue]?.double else {
        #expect(name == .top5Error && scores.predictions.classes <= 5)
        #expect(scores.value(name) == nil)
        continue
      }
      let value = try #require(scores.value(name))
      // Ties: the record is a mean over random orders, with its error.
      let isArea = name == .aurc || name == .excessAURC
      let tolerance = isArea ? max(1e-8, recorded?["aurc_error"]?.double ?? 0) : 1e-10
      #expect(abs(value - expected) <= tolerance, "\(name.rawValue): \(value), recorded \(expected)")
    }
  }

  @Test(arguments: cases) func equalThePublishedFormulas(_ each: Case) throws {
    try check(ClassScores(each.table.predictions()), each.json["scores"])
  }

  @Test(arguments: cases) func oneTemperature(_ each: Case) throws {
    guard let expected = each.json["temperature"]?.double else { return }
    let fitted = try TemperatureScaling.fit(each.table)
    // A golden section finds the place of a minimum to half of the digits.
    #expect(abs(fitted / expected - 1) < 1e-6)
    try check(ClassScores(each.table.predictions(temperature: expected)), each.json["scaled"])
    let loss = { (t: Double) in ClassScores(each.table.predictions(temperature: t)).value(.nll) ?? .infinity }
    #expect(loss(fitted) <= loss(fitted * 1.001) && loss(fitted) <= loss(fitted * 0.999))
  }

  @Test(arguments: cases) func weightsAreRepetitions(_ each: Case) throws {
    let weights = (0..<each.table.count).map { Double($0 % 3) }
    let items = (0..<each.table.count).flatMap { Array(repeating: $0, count: $0 % 3) }
    let columns = each.table.classes
    let logits = (each.json["logits"]?.array ?? []).compactMap { $0.double.map(Float.init) }
    let repeated = try LogitTable(
      Tensor(items.flatMap { logits[($0 * columns)..<(($0 + 1) * columns)] }, shape: [items.count, columns]),
      labels: items.map { each.table.labels[$0] }, source: "repeated")
    let scores = ClassScores(each.table.predictions())
    let other = ClassScores(repeated.predictions())
    for name in ClassScores.Name.allCases where name != .ece15Mass {
      guard let value = scores.value(name, weights: weights), let expected = other.value(name) else {
        continue
      }
      #expect(abs(value - expected) < 1e-12 * max(1, abs(expected)), "\(name)")
    }
  }

  @Test func sharpLimits() throws {
    // All right with certainty; all wrong with certainty; a coin.
    let right = try LogitTable(Tensor([0, 800, 800, 0], shape: [2, 2]), labels: [1, 0], source: "right")
    let sure = ClassScores(right.predictions())
    for name in [ClassScores.Name.top1Error, .nll, .ece10, .brier, .aurc, .excessAURC] {
      #expect(sure.value(name) == 0, "\(name)")
    }
    let wrong = ClassScores(
      try LogitTable(Tensor([0, 800, 800, 0], shape: [2, 2]), labels: [0, 1], source: "wrong").predictions())
    #expect(wrong.value(.nll) == 800 && wrong.value(.brier) == 2 && wrong.value(.aurc) == 1000)
    #expect(wrong.value(.excessAURC) == 0)
    let error = #expect(throws: DistillationError.self) { try TemperatureScaling.fit(right) }
    #expect(error?.code == "NO_TEMPERATURE")
    let coin = try LogitTable(Tensor([0, 0, 0], shape: [3, 1]), labels: [1, 0, 1], source: "coin")
    #expect(coin.classes == 2)
    #expect(abs((ClassScores(coin.predictions()).value(.nll) ?? 0) - 0.6931471805599453) < 1e-15)
    #expect(coin.predictions().rank == [1, 0, 1])
  }

  @Test func probabilitiesAreLogits() throws {
    let p: [Float] = [0.5, 0.25, 0.25, 0, 1, 0]
    let table = try LogitTable(
      Tensor(p, shape: [2, 3]), labels: [1, 1], values: .probabilities, source: "p")
    let predictions = table.predictions()
    #expect(predictions.confidence == [0.5, 1] && predictions.rank == [1, 0])
    #expect(abs(predictions.loss[0] - 1.3862943611198906) < 1e-15 && predictions.loss[1] == 0)
    let one = try LogitTable(
      Tensor([0.25], shape: [1, 1]), labels: [1], values: .probabilities, source: "one")
    #expect(abs(one.predictions().loss[0] - 1.3862943611198906) < 1e-15)
    #expect(throws: DistillationError.self) {
      try LogitTable(
        Tensor(p.map { $0 * 2 }, shape: [2, 3]), labels: [1, 1], values: .probabilities, source: "p")
    }
  }

  @Test func labelsAreClasses() throws {
    let error = #expect(throws: DistillationError.self) {
      try LogitTable(Tensor([0, 1, 2], shape: [1, 3]), labels: [3], source: "t.npy")
    }
    #expect(error == .labelOutOfRange(file: "t.npy", item: 0, label: 3, classes: 3))
    #expect(throws: DistillationError.self) {
      try LogitTable(Tensor([0, 1, 2], shape: [1, 3]), labels: [0, 1], source: "t.npy")
    }
  }
}
