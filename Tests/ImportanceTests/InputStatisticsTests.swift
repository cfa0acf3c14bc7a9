import Architectures
import Checkpoints
import LinearAlgebra
import Runtime
import Tensors
import TestSupport
import Testing
import Transformers

@testable import Importance

/// What products read, against states that were kept and summed one by one.
struct InputStatisticsTests {
  private func roles(_ model: Model) throws -> [Role] { try model.prunableMatrices().map(\.role) }

  @Test(arguments: ["llama-bf16", "gpt2", "gpt_neox", "bert", "mixtral", "qwen2_moe"])
  func equalsTheKeptStates(name: String) throws {
    let random = try RandomModel(name)
    let model = random.model
    let statistics = try InputStatistics.collect(model, texts: random.texts, roles: roles(model), gram: true)
    let tokens = random.texts.reduce(0) { $0 + $1.count }
    for role in try roles(model) {
      let found = try #require(statistics[role], "\(role)")
      // What the product itself reads, not the first that reads the same.
      let states =
        try model.forward(random.texts, capture: [.input(role)], logits: .none)
        .states[.input(role)] ?? []
      let width = found.squares.count
      var squares = [Double](repeating: 0, count: width)
      var reached = 0
      for text in states {
        for row in 0..<text.shape[0] {
          let x = (0..<width).map { Double(text.f32[row * width + $0]) }
          if x.contains(where: { $0 != 0 }) { reached += 1 }
          for k in 0..<width { squares[k] += x[k] * x[k] }
        }
      }
      #expect(found.squares == squares, "\(role)")
      #expect(found.tokens == reached && (role.expert != nil || reached == tokens), "\(role)")
      let gram = try #require(found.gram)
      let diagonal = gram.diagonal
      for k in 0..<width { #expect(abs(diagonal[k] - squares[k]) <= 1e-12 * squares[k]) }
    }
  }

  @Test(arguments: ["llama-bf16", "mixtral"]) func neitherBatchesNorThreadsMatter(name: String) throws {
    let random = try RandomModel(name)
    let model = random.model
    let roles = try roles(model)
    func collect(batchTokens: Int, threads: Int) throws -> [[Double]] {
      Parallel.setThreads(threads)
      defer { Parallel.setThreads(Machine.processors) }
      let statistics = try InputStatistics.collect(
        model, texts: random.texts, roles: roles, gram: true, batchTokens: batchTokens)
      return try roles.flatMap { role in
        let input = try #require(statistics[role])
        return [input.squares, try #require(input.gram).diagonal]
      }
    }
    let first = try collect(batchTokens: 2048, threads: 2)
    #expect(try collect(batchTokens: 1, threads: 1) == first)
    #expect(try collect(batchTokens: 20, threads: 2) == first)
    // A walk sees the same.
    let walk = try BlockWalk(model, texts: random.texts, batchTokens: 16)
    var walked: [[Double]] = []
    for block in 0..<model.network.blocks {
      let own = roles.filter { $0.block == block }
      let statistics = try InputStatistics.collect(
        model, walk: walk, roles: own, gram: true, advancing: true)
      for role in own {
        let input = try #require(statistics[role])
        walked += [input.squares, try #require(input.gram).diagonal]
      }
    }
    #expect(walked == first)
  }

  @Test func wholeGramOfABlock() throws {
    let random = try RandomModel("llama-bf16")
    let role = Role.block(1, .down)
    let statistics = try InputStatistics.collect(
      random.model, texts: random.texts, roles: [role, .block(1, .value)], gram: true)
    #expect(Set(statistics.readers) == [role, .block(1, .query)])
    let gram = try #require(statistics[role]?.gram)
    let states = try #require(
      try random.model.forward(random.texts, capture: [.input(role)], logits: .none).states[.input(role)])
    // xᵀHx = Σ over tokens of (x · state)².
    let x = (0..<gram.size).map { Double($0 % 5) - 2 }
    var expected = 0.0
    for text in states {
      for row in 0..<text.shape[0] {
        let dot = (0..<gram.size).reduce(0.0) { $0 + x[$1] * Double(text.f32[row * gram.size + $1]) }
        expected += dot * dot
      }
    }
    let found = try x.withUnsafeBufferPointer { try gram.energy(#require($0.baseAddress), count: 1) }
    #expect(abs(found - expected) <= 1e-10 * expected)
  }

  @Test func damagedWeightsAreNamed() throws {
    let random = try RandomModel("llama-bf16")
    let name = try random.model.binding.tensor(.block(0, .gate)).tensor
    let stored = try random.model.checkpoint.tensor(name)
    let broken = Tensor(
      stored.toFloats().map { _ in Float.infinity }, shape: stored.shape, dtype: stored.dtype)
    #expect(throws: CalibrationError.self) {
      try InputStatistics.collect(
        random.model, texts: random.texts, roles: [.block(0, .down)],
        overlay: Overlay([.tensors([name: broken])]))
    }
  }
}
