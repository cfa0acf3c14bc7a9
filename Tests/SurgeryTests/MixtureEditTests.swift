import Architectures
import Checkpoints
import JSON
import Layers
import OrderedCollections
import Runtime
import Tensors
import TestSupport
import Testing
import Transformers

@testable import Surgery

/// Model Surgery where a block has many gates (experts, stacked and apart) or none (encoders).
@Suite struct MixtureEditTests {
  private static func model(_ name: String, in folder: TemporaryFolder) throws -> Model {
    let tests = Files.folder(of: Files.folder(of: #filePath))
    let json = try JSONValue(file: "\(tests)/TransformersTests/Fixtures/parity/\(name).json")
    let tensors = try #require(json["tensors"]?.array).map { try #require(RandomTensor(json: $0)) }
    try RandomCheckpoint.write(
      tensors, seed: UInt64(try #require(json["seed"]?.int)),
      config: try #require(json["configs"]?["rope_theta"]), to: folder.file(name))
    return try Model(folder: folder.file(name))
  }

  private static func direction(_ model: Model) -> BehaviourDirection {
    var random = CounterRandom(seed: 1, stream: "direction")
    return .shared((0..<model.network.width).map { _ in Float(random.normal()) }, site: .blockOutput(0))
  }

  private static let texts: [[Int32]] = [[1, 5, 9, 3, 7, 88, 120], [12], [40, 80, 60]]

  private static func results(_ model: Model, overlay: Overlay? = nil) throws -> [[UInt32]] {
    let last = model.network.lastSite
    let pass = try model.forward(
      texts, capture: [last], logits: model.network.hasHead ? .all : .none, overlay: overlay)
    return (model.network.hasHead ? pass.logits : pass.states[last] ?? []).map {
      $0.toFloats().map(\.bitPattern)
    }
  }

  static let cases = [
    "mixtral", "qwen2_moe-normed-f16", "qwen2_moe-stacked", "qwen3_moe-stacked-bf16", "bert",
    "roberta-pad-f16",
    "distilbert-bf16",
  ]

  /// Everything counted, and the written checkpoint computes what the patch does at run time, bit for bit.
  @Test(arguments: cases, [EditSpace.faithful, .gainCorrected])
  func writtenEqualsRunTime(_ name: String, _ space: EditSpace) throws {
    let folder = try TemporaryFolder()
    let model = try Self.model(name, in: folder)
    let ranking = try Locate.rank(model, Self.direction(model), space: space)
    let candidates = model.network.surgeryRowCount
    #expect(ranking.rows.count == candidates)
    // The rows of every gate tensor are candidates, none twice.
    let gates = model.binding.tensors.filter { role, _ in
      role.inBlock == model.network.surgeryRole || role.inBlock == .sharedGate
    }
    #expect(gates.reduce(0) { $0 + $1.value.shape[0] } == candidates)
    #expect(Set(ranking.matrices.values.flatMap { $0.parts.map(\.role) }) == Set(gates.map(\.key)))

    let file = PlanFile(ranking: ranking, budget: RowBudget(.share(0.3)))
    try file.write(to: folder.file("p"))
    let stored = try PlanFile(file: folder.file("p"))
    try stored.check(fits: model.network, path: "p")
    let plan = try stored.plan()
    #expect(try plan.rows == file.plan().rows)
    #expect(plan.matrices == (try file.plan()).matrices)

    let patch = try Patch.build(
      model.checkpoint, plan.changes(strength: 2, binding: model.binding), provenance: [:])
    #expect(patch.rowCount == plan.rows.count)
    let report = try patch.apply(to: model.checkpoint, output: folder.file("edited"))
    let edited = try Model(folder: folder.file("edited"))
    let written = try Self.results(edited)
    #expect(try Self.results(model, overlay: patch.overlay(model.binding, model.checkpoint)) == written)
    #expect(try Self.results(model) != written)
    let checks = try EditCheck.canaries(base: model.checkpoint, edited: edited.checkpoint, patch: patch)
    #expect(
      checks.allSatisfy { $0.passed != false }
        && checks.contains { $0.id == "canary_logits" && $0.passed == true })

    // Only the chosen rows of each role moved.
    for (role, bound) in gates {
      guard let block = role.block else { continue }
      let chosen = Set(plan.rowsByRole(in: block).first { $0.role == role }?.rows ?? [])
      let (old, new) = (try model.linear(role).toFloats(), try edited.linear(role).toFloats())
      let width = bound.shape[1]
      for row in 0..<bound.shape[0] {
        let moved = old[(row * width)..<((row + 1) * width)] != new[(row * width)..<((row + 1) * width)]
        #expect(moved == chosen.contains(row), "\(role), row \(row)")
      }
    }
    for (role, _) in model.binding.tensors where gates[role] == nil && role.inBlock?.isNorm == false {
      #expect(try model.linear(role).toFloats() == edited.linear(role).toFloats(), "\(role)")
    }
    try Undo(file: try #require(report.undo)).revert(edited.checkpoint, output: folder.file("back"))
    #expect(
      try Files.read(folder.file("back/model.safetensors"))
        == Files.read("\(model.checkpoint.folder)/model.safetensors"))
  }

  /// The sweep's rank-one form goes through every expert too, and random rows are drawn from all of them.
  @Test(arguments: ["mixtral", "qwen2_moe", "qwen3_moe"])
  func sweepFormIsClose(_ name: String) throws {
    let folder = try TemporaryFolder()
    let model = try Self.model(name, in: folder)
    let ranking = try Locate.rank(model, Self.direction(model), space: .faithful)
    let plan = try ranking.plan(RowBudget(.share(0.2)))
    let patch = try Patch.build(model.checkpoint, plan.changes(strength: 0.5, binding: model.binding))
    let grid = try model.forward(Self.texts, overlay: plan.overlay(strength: 0.5)).logits
    let exact = try model.forward(Self.texts, overlay: patch.overlay(model.binding, model.checkpoint)).logits
    for (a, b) in zip(grid, exact) {
      #expect(zip(a.toFloats(), b.toFloats()).allSatisfy { abs($0 - $1) < 1e-4 })
    }
    let drawn = ranking.random(like: plan, seed: 1, draw: 0)
    #expect(drawn.rows.count == plan.rows.count && drawn.matrices == plan.matrices)
    #expect(drawn.rowsByRole(in: 1).count > 1)
  }

  /// A plan of a mixture does not fit another number or width of experts.
  @Test func plansKnowTheirExperts() throws {
    let folder = try TemporaryFolder()
    let model = try Self.model("mixtral", in: folder)
    let ranking = try Locate.rank(model, Self.direction(model), space: .faithful)
    let file = PlanFile(ranking: ranking, budget: RowBudget(.count(5)))
    for change in [-1, 1] {
      var other = model.network
      other.experts?.width += change
      #expect(throws: SurgeryError.self) { try file.check(fits: other, path: "p") }
      other = model.network
      other.experts?.count += change
      #expect(throws: SurgeryError.self) { try file.check(fits: other, path: "p") }
    }
    var dense = model.network
    dense.experts = nil
    dense.mlpWidth = 5 * 22
    #expect(throws: SurgeryError.self) { try file.check(fits: dense, path: "p") }
  }

  /// All experts write to the stream: an ablation takes the direction out of each of them and the shared one.
  @Test func ablationReachesEveryExpert() throws {
    let folder = try TemporaryFolder()
    let model = try Self.model("qwen2_moe", in: folder)
    let plan = try Ablation(model, Self.direction(model))
    let written = Set(plan.targets.map(\.role))
    for role in model.binding.tensors.keys where role.inBlock == .down || role.inBlock == .sharedDown {
      #expect(written.contains(role), "\(role)")
    }
    #expect(plan.targets.count { $0.role.expert != nil } == 6)
  }

  /// Encoders norm their stream: no ablation, said why.
  @Test(arguments: ["bert", "roberta", "distilbert"])
  func encodersCannotBeAblated(_ name: String) throws {
    let folder = try TemporaryFolder()
    let model = try Self.model(name, in: folder)
    let error = #expect(throws: SurgeryError.self) { try Ablation(model, Self.direction(model)) }
    #expect(error?.code == "ABLATION_UNSUPPORTED")
  }

  @Test func rowsOfSeveralMatrices() {
    let rows = SurgeryRows([
      (.expert(0, 0, .gate), 3), (.expert(0, 1, .gate), 3), (.block(0, .sharedGate), 5),
    ])
    #expect(rows.count == 11)
    #expect(rows.place(of: 4)?.role == .expert(0, 1, .gate) && rows.place(of: 4)?.row == 1)
    #expect(rows.place(of: 11) == nil)
    let split = rows.split([10, 0, 6, 2, 7])
    #expect(split.map(\.role) == [.expert(0, 0, .gate), .block(0, .sharedGate)])
    #expect(split.map(\.rows) == [[0, 2], [0, 1, 4]])
  }
}
