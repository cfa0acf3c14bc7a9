import JSON
import Runtime
import Statistics
import Testing
import Training

@testable import Regimes

/// What follows from measurements that are made up.
@Suite struct GridTests {
  /// Errors `[temperature][density]`, connectivities alike; items `0..<n` of which the first ones are wrong.
  static func grid(
    _ errors: [[Double]], connectivity: [[Double]]? = nil, denseErrors: [Double]? = nil, items: Int = 1000,
    change: (inout RegimePlan) -> Void = { _ in }
  ) throws -> Grid {
    var plan = try RegimePlan.grids([
      "temperature": ["values": .numbers(errors.indices.map { Double($0 + 1) })],
      "densities": .numbers(errors[0].indices.map { 0.1 * Double($0 + 1) }),
    ])[0]
    change(&plan)
    func network(_ error: Double, seed: Int) throws -> MeasuredNetwork {
      let wrong = (0..<items).map { Double(($0 * 7 + 3) % items) < error * Double(items) }
      return try #require(
        MeasuredNetwork(json: [
          "seed": .integer(seed), "weights_sha256": "", "train_error": .number(error / 2), "train_loss": 0.5,
          "validation_error": .number(error), "test_loss": 1, "test_answers": ItemFlags(wrong).json,
        ]))
    }
    let sets = try errors.indices.flatMap { temperature in
      try errors[temperature].indices.map { density -> SiblingSet in
        let error = errors[temperature][density]
        let value = connectivity?[temperature][density] ?? 0
        let ends = value < 0 ? [0.1, 0.1 - value, 0.1] : [0.1, 0.1, 0.1]
        let line = Connectivity(
          ends.enumerated().map { .init(place: Double($0) / 2, error: $1, loss: $1, rawError: nil) })
        return SiblingSet(
          temperature: temperature, density: density, dense: 0,
          outcome: .init(kept: [], density: plan.densities[density], overallDensity: plan.densities[density]),
          maskSHA256: "", siblings: [try network(error, seed: 1), try network(error, seed: 2)],
          pairs: [
            SiblingPair(
              first: 0, second: 1, line: line, curve: nil, logits: nil,
              softmax: .init(biased: 0.5 + 0.1 * Double(density), unbiased: nil, count: 10),
              distance: WeightDistance([0, 1], [1, 0]))
          ])
      }
    }
    let dense = try errors.indices.map { [try network(denseErrors?[$0] ?? 0.3, seed: 0)] }
    return Grid(plan: plan, dense: dense, sets: sets, resamples: 200)
  }

  static let shaped: [[Double]] = [
    [0.66, 0.4, 0.31], [0.54, 0.35, 0.3], [0.60, 0.36, 0.295], [0.68, 0.45, 0.29],
  ]

  @Test func meansAndMoves() throws {
    let grid = try Self.grid(Self.shaped)
    #expect(abs(grid.cells[0][0].testError - 0.66) < 1e-12 && abs(grid.cells[0][0].trainError - 0.33) < 1e-12)
    let interval = try #require(grid.cells[0][0].testInterval)
    #expect(interval.lower < 0.66 && interval.upper > 0.66 && interval.upper - interval.lower < 0.08)
    #expect(grid.best(density: 0) == 1 && grid.best(density: 2) == 3)
    let moves = (0..<4).map { grid.bestMove(temperature: $0, density: 0) }
    #expect(moves == [.lower, .stay, .raise, .raise])
    // One point of a thousand is within chance.
    let flat = try Self.grid([[0.3], [0.301], [0.3]])
    #expect((0..<3).allSatisfy { flat.bestMove(temperature: $0, density: 0) == .stay })
  }

  private func answers(_ grid: Grid) -> [String: String] {
    Dictionary(
      uniqueKeysWithValues: Phenomenon.all(grid).map {
        ($0.name, $0.appears.map { $0 ? "yes" : "no" } ?? "–")
      })
  }

  @Test func publishedPhenomena() throws {
    let barrier = [[0, 0, 0], [0, 0, 0], [-0.1, 0, 0], [-0.4, -0.06, 0]]
    let all = answers(try Self.grid(Self.shaped, connectivity: barrier))
    #expect(
      all == [
        "u_shape": "yes", "dichotomy": "yes", "barrier": "yes", "barrier_place": "yes",
        "hotter_at_barrier": "yes",
        "similarity": "yes",
      ])
    let none = answers(try Self.grid([[0.3, 0.3], [0.3, 0.3], [0.3, 0.3]]))
    #expect(
      none == [
        "u_shape": "no", "dichotomy": "no", "barrier": "no", "barrier_place": "–",
        "hotter_at_barrier": "–", "similarity": "yes",
      ])
    // Falling errors are no U; a barrier at high density lies elsewhere.
    let other = answers(
      try Self.grid(
        [[0.6, 0.4], [0.5, 0.4], [0.4, 0.3]], connectivity: [[0, -0.2], [0, -0.2], [0, 0]]))
    #expect(other["u_shape"] == "no" && other["barrier_place"] == "no" && other["hotter_at_barrier"] == "no")
  }

  @Test func choices() throws {
    let barrier = [[0, 0, 0], [0, 0, 0], [-0.1, 0, 0], [-0.4, -0.06, 0]]
    let grid = try Self.grid(Self.shaped, connectivity: barrier, denseErrors: [0.5, 0.4, 0.2, 0.2])
    let all = Choice.all(grid, threshold: -0.05)
    func chosen(_ way: Choice.Way) -> [Int] { all.filter { $0.way == way }.map(\.temperature) }
    #expect(chosen(.bestDense) == [3, 3, 3] && chosen(.coldest) == [3, 3, 3])
    #expect(chosen(.connected) == [1, 2, 3] && chosen(.bestRetrained) == [1, 1, 3])
    let first = try #require(all.first { $0.way == .connected && $0.density == 0 })
    #expect(first.regret == 0 && abs((first.gain ?? 0) + 0.14) < 1e-12)
    let upper = try #require(first.interval?.upper)
    #expect(upper < 0)
    let common = try #require(all.first { $0.way == .bestDense && $0.density == 0 })
    #expect(abs(common.regret - 0.14) < 1e-12 && common.gain == nil)
    // Where nothing is connected, the hottest.
    #expect(Choice.all(grid, threshold: 0.5).filter { $0.way == .connected }.map(\.temperature) == [0, 0, 0])
  }

  /// Checkpoints without an order: the best before pruning among the connected ones, else the one with the highest connectivity.
  @Test func choicesOfGivenCheckpoints() throws {
    let barrier = [[0, 0, -0.2], [-0.3, 0, -0.1], [-0.1, -0.2, -0.3], [-0.4, -0.06, -0.4]]
    let grid = try Self.grid(Self.shaped, connectivity: barrier, denseErrors: [0.5, 0.4, 0.2, 0.3]) {
      ($0.checkpoints, $0.knob) = (["a", "b", "c", "d"], RegimePlan.givenKnob)
    }
    let all = Choice.all(grid, threshold: -0.05)
    #expect(all.filter { $0.way == .connected }.map(\.temperature) == [0, 1, 1])
    #expect(all.filter { $0.way == .bestDense }.map(\.temperature) == [2, 2, 2])
    #expect(!all.contains { $0.way == .coldest })
    #expect(Phenomenon.all(grid).map(\.name) == ["barrier", "similarity"])
    let outcome = try GridOutcome(grid)
    #expect(outcome.labels.objection != nil && outcome.labels.calibration == nil)
    #expect(outcome.table.hasPrefix("checkpoint,density") && !outcome.table.contains("move"))
  }

  /// Labels only from a rule with an accuracy.
  @Test func labels() throws {
    let own = try GridOutcome(Self.grid(Self.shaped))
    #expect(own.labels.objection != nil && own.labels.regime(own.grid.cells[0][0]) == nil)
    #expect(own.table.contains("uncalibrated") && own.table.split(separator: "\n").count == 13)
    let stated = try GridOutcome(
      Self.grid(Self.shaped, connectivity: Self.shaped.map { $0.map { -$0 } }) {
        $0.rule = .stated(
          RegimeRule(connectivity: -0.5, similarity: 0.6), accuracy: 0.8, cells: 100, source: "a table")
      })
    #expect(stated.labels.regime(stated.grid.cells[0][0]) == .one)
    #expect(stated.labels.regime(stated.grid.cells[0][2]) == .twoB)
    #expect(stated.threshold.value == -0.5 && stated.threshold.isCalibrated)
    #expect(stated.labels.accuracy?.interval != nil)
  }

  @Test func flagsComeBack() {
    for count in [0, 1, 3, 4, 5, 1000] {
      let flags = (0..<count).map { $0 * $0 % 7 < 3 }
      #expect(ItemFlags(json: ItemFlags(flags).json)?.flags == flags)
    }
    #expect(ItemFlags(json: ["items": 5, "wrong": "f"]) == nil)
    #expect(ItemFlags(json: ["items": 4, "wrong": "x"]) == nil)
  }
}
