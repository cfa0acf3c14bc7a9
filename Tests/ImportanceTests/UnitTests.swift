import Architectures
import Checkpoints
import JSON
import Layers
import Runtime
import Tensors
import TestSupport
import Testing
import Transformers

@testable import Importance

@Suite struct UnitTests {
  /// A Llama of two blocks with grouped queries: 4 heads of 4 numbers, 2 key and value heads, D 16, F 10.
  static func model(in folder: TemporaryFolder) throws -> Model {
    var tensors = [
      RandomTensor("model.embed_tokens.weight", [20, 16], scale: 1),
      RandomTensor("model.norm.weight", [16], scale: 0.1, mean: 1),
      RandomTensor("lm_head.weight", [20, 16], scale: 1),
    ]
    for block in 0..<2 {
      let prefix = "model.layers.\(block)."
      tensors += [
        RandomTensor(prefix + "input_layernorm.weight", [16], scale: 0.1, mean: 1),
        RandomTensor(prefix + "self_attn.q_proj.weight", [16, 16], scale: 1, dtype: .bf16),
        RandomTensor(prefix + "self_attn.k_proj.weight", [8, 16], scale: 1, dtype: .bf16),
        RandomTensor(prefix + "self_attn.v_proj.weight", [8, 16], scale: 1, dtype: .f16),
        RandomTensor(prefix + "self_attn.o_proj.weight", [16, 16], scale: 1),
        RandomTensor(prefix + "post_attention_layernorm.weight", [16], scale: 0.1, mean: 1),
        RandomTensor(prefix + "mlp.gate_proj.weight", [10, 16], scale: 1),
        RandomTensor(prefix + "mlp.up_proj.weight", [10, 16], scale: 2, dtype: .bf16),
        RandomTensor(prefix + "mlp.down_proj.weight", [16, 10], scale: 1),
      ]
    }
    let config: JSONValue = [
      "model_type": "llama", "hidden_size": 16, "intermediate_size": 10, "num_hidden_layers": 2,
      "num_attention_heads": 4, "num_key_value_heads": 2, "vocab_size": 20, "max_position_embeddings": 32,
      "rms_norm_eps": 1e-5, "tie_word_embeddings": false,
    ]
    try RandomCheckpoint.write(tensors, seed: 3, config: config, to: folder.file("model"))
    return try Model(folder: folder.file("model"))
  }

  @Test func matricesComeInNetworkOrderWithoutNormsAndEnds() throws {
    let folder = try TemporaryFolder()
    let model = try Self.model(in: folder)
    let all = try model.prunableMatrices()
    #expect(
      all.map(\.role.description)
        == (0..<2).flatMap { block in
          ["attention.q", "attention.k", "attention.v", "attention.o", "mlp.gate", "mlp.up", "mlp.down"].map {
            "blocks.\(block).\($0)"
          }
        })
    #expect(
      try model.prunableMatrices(blocks: [1], roles: [.down, .query]).map(\.role) == [
        .block(1, .query), .block(1, .down),
      ])
    #expect(throws: ImportanceError.self) { try model.prunableMatrices(blocks: [5]) }
    #expect(throws: ImportanceError.self) { try model.prunableMatrices(roles: [.sharedGate]) }
    #expect(throws: ImportanceError.self) { try BlockRole.prunable(parsing: "mlp.norm") }
    #expect(
      try BlockRole.prunable(parsing: "attention, mlp.up") == [
        .query, .key, .value, .attentionOutput, .up,
      ])
  }

  @Test func unitsHoldTheirCoupledLines() throws {
    let folder = try TemporaryFolder()
    let model = try Self.model(in: folder)
    let all = try model.prunableMatrices()
    func units(_ grain: Grain) throws -> [ImportanceUnit] {
      try ImportanceUnit.all(grain, in: all, of: model.network)
    }
    let neurons = try units(.neuron)
    #expect(neurons.count == 20 && neurons[13].block == 1 && neurons[13].index == 3)
    #expect(
      neurons[13].parts == [
        .init(role: .block(1, .gate), lines: 3..<4, isColumns: false),
        .init(role: .block(1, .up), lines: 3..<4, isColumns: false),
        .init(role: .block(1, .down), lines: 3..<4, isColumns: true),
      ])
    let heads = try units(.head)
    #expect(heads.count == 4 && heads[3].name == "blocks.1.attention head 1")
    #expect(
      heads[3].parts == [
        .init(role: .block(1, .query), lines: 8..<16, isColumns: false),
        .init(role: .block(1, .key), lines: 4..<8, isColumns: false),
        .init(role: .block(1, .value), lines: 4..<8, isColumns: false),
        .init(role: .block(1, .attentionOutput), lines: 8..<16, isColumns: true),
      ])
    #expect(try units(.row).count == 2 * (16 + 8 + 8 + 16 + 10 + 10 + 16))
    #expect(try units(.column).count == 2 * (4 * 16 + 2 * 16 + 10))
    #expect(try units(.matrix).count == 14 && units(.block).map(\.parts.count) == [7, 7])
    #expect(throws: ImportanceError.self) { try units(.expert) }
    #expect(throws: ImportanceError.self) { try units(.weight) }
    // With some roles only, a unit is what there is of it.
    let gates = try model.prunableMatrices(roles: [.gate])
    #expect(try ImportanceUnit.all(.neuron, in: gates, of: model.network)[0].parts.count == 1)
  }

  @Test(arguments: UnitScores.Aggregation.allCases)
  func unitsAddUpTheirWeights(_ aggregation: UnitScores.Aggregation) throws {
    let folder = try TemporaryFolder()
    let model = try Self.model(in: folder)
    let all = try model.prunableMatrices()
    let weights = Dictionary(
      uniqueKeysWithValues: all.map { ($0.role, $0.weight.toFloats().map { abs($0) }) })
    for grain in [Grain.row, .column, .matrix, .neuron, .head, .block] {
      let scores = try UnitScores(
        all, grain: grain, score: Score(.magnitude), aggregation: aggregation, of: model.network)
      for (unit, value) in zip(scores.units, scores.values) {
        var members: [Double] = []
        for part in unit.parts {
          let matrix = try #require(all.first { $0.role == part.role })
          let own = try #require(weights[part.role])
          for line in part.lines {
            for other in 0..<(part.isColumns ? matrix.outputs : matrix.inputs) {
              let (n, k) = part.isColumns ? (other, line) : (line, other)
              members.append(Double(own[n * matrix.inputs + k]))
            }
          }
        }
        let expected =
          switch aggregation {
          case .sum: members.reduce(0, +)
          case .mean: members.reduce(0, +) / Double(members.count)
          case .max: members.max() ?? 0
          }
        #expect(abs(value - expected) < 1e-9, "\(unit.name)")
      }
      let order = scores.lowest(scores.units.count)
      #expect(zip(order, order.dropFirst()).allSatisfy { scores.values[$0] <= scores.values[$1] })
      #expect(
        scores.highest(3).map { scores.values[$0] } == order.suffix(3).reversed().map { scores.values[$0] })
    }
  }

  @Test func scoresOfUnitsAreWrittenWhole() throws {
    let folder = try TemporaryFolder()
    let model = try Self.model(in: folder)
    let scores = try UnitScores(
      model.prunableMatrices(), grain: .neuron, score: Score(.magnitude), of: model.network)
    #expect(scores.places.map(\.name) == ["blocks.0.mlp", "blocks.1.mlp"])
    try UnitScoreFile.write([scores], to: folder.file("s.safetensors"))
    let tensor = try SafetensorsFile(path: folder.file("s.safetensors"))
      .tensor("magnitude/blocks.1.mlp.neuron")
    #expect(tensor.toFloats() == scores.values[10..<20].map(Float.init))
    try UnitScoreFile.write([scores], to: folder.file("s.csv"))
    let lines = try Files.readText(folder.file("s.csv")).split(separator: "\n")
    #expect(lines.count == 21 && lines[14] == "magnitude,neuron,blocks.1.mlp,1,,3,\(scores.values[13])")
    try UnitScoreFile.write([scores], to: folder.file("s.json"))
    let json = try JSONValue(file: folder.file("s.json"))
    #expect(
      json["scores"]?.array?.first?["places"]?["blocks.0.mlp"]?.array?.compactMap(\.double)
        == Array(scores.values[0..<10]))
  }

  @Test func overlapOfAScoreWithItselfAndItsOpposite() throws {
    let folder = try TemporaryFolder()
    let model = try Self.model(in: folder)
    let overlap = try Overlap(
      model.prunableMatrices(),
      scores: [Score(.magnitude), Score(parsing: "row-norm:norm=l1"), Score(.antiMagnitude)],
      grain: .row, share: 0.2, of: model.network)
    let same = overlap.lines.filter { $0.first == 0 && $0.second == 1 }
    #expect(same.count == 21 && same.allSatisfy { $0.overlap == 1 && $0.removed == 0 })
    #expect(same.allSatisfy { abs(($0.correlation ?? 0) - 1) < 1e-9 })
    let opposite = overlap.lines.filter { $0.first == 0 && $0.second == 2 }
    #expect(opposite.allSatisfy { $0.removed == 1 && $0.removedBack == 1 && $0.overlap == 0 })
    #expect(opposite.allSatisfy { abs(($0.correlation ?? 0) + 1) < 1e-9 })
    let line = try #require(same.first { $0.role == "attention.q" && $0.block == nil })
    #expect(line.units == 32 && line.top == 6)
  }

  @Test func directionsAreComparedAsLocateDoes() throws {
    let folder = try TemporaryFolder()
    let model = try Self.model(in: folder)
    let vector = Matrices.normal(16, seed: 2)
    let plain = try ProbeDirection([(.finalNorm, vector)], of: model)
    #expect(plain.read(by: .block(0, .attentionOutput)) == nil && plain.read(by: .block(1, .down)) == nil)
    #expect(plain.read(by: .block(0, .query))?.vector == vector)
    let gained = try ProbeDirection([(.blockOutput(0), vector)], space: .gainCorrected, of: model)
    #expect(gained.read(by: .block(1, .key))?.gain == model.gain(feeding: .block(1, .key)))
    #expect(gained.read(by: .block(1, .gate))?.gain == model.gain(feeding: .block(1, .gate)))
    let local = try ProbeDirection([(.mlpInput(1), vector)], of: model)
    #expect(local.read(by: .block(0, .gate)) == nil && local.read(by: .block(1, .query)) == nil)
    #expect(local.read(by: .block(1, .up))?.vector == vector)
    #expect(throws: ImportanceError.self) { try ProbeDirection([(.finalNorm, [1, 2])], of: model) }
    #expect(throws: ImportanceError.self) { try ProbeDirection([(.mlpOutput(0), vector)], of: model) }
    #expect(throws: ImportanceError.self) {
      try ProbeDirection([(.finalNorm, [Float](repeating: 0, count: 16))], of: model)
    }
    // Matrices that read no stream are left out of an overlap, not counted as zeros.
    let overlap = try Overlap(
      model.prunableMatrices(), scores: [Score(.cosine), Score(.magnitude)], grain: .row, share: 0.1,
      of: model.network, evidence: { ScoreEvidence(direction: plain.read(by: $0.role)) })
    #expect(
      Set(overlap.lines.map(\.role)) == ["attention.q", "attention.k", "attention.v", "mlp.gate", "mlp.up"])
  }
}
