import Architectures
import Checkpoints
import Glibc
import JSON
import Organism
import Runtime
import Surgery
import Testing
import Transformers

/// Plans on disk: what was written comes back, and what is no plan is refused.
struct PlanFileTests {
  private static func scratch() throws -> String {
    var template = Array("/tmp/surgeon-plan-XXXXXX".utf8CString)
    guard let made = mkdtemp(&template) else {
      throw FileError.cannotCreate(path: "/tmp", reason: Files.lastReason)
    }
    let folder = String(cString: made)
    try OrganismCheckpoint.write(to: folder + "/model")
    return folder
  }

  private static func direction(_ width: Int, seed: UInt64 = 1) -> [Float] {
    var random = CounterRandom(seed: seed, stream: "direction")
    return (0..<width).map { _ in Float(random.normal()) }
  }

  @Test(arguments: EditSpace.allCases, ["5%", "3/block", "17"])
  func comesBackAsWritten(_ space: EditSpace, _ rows: String) throws {
    let folder = try Self.scratch()
    defer { try? Files.remove(folder) }
    let model = try Model(folder: folder + "/model")
    let width = model.network.width
    let direction: BehaviourDirection =
      space == .perLayer
      ? .perBlock(
        Dictionary(
          uniqueKeysWithValues: (0..<model.network.blocks).map {
            ($0, Self.direction(width, seed: UInt64($0)))
          }))
      : .shared(Self.direction(width), site: .finalNorm)
    let ranking = try Locate.rank(model, direction, space: space)
    let file = PlanFile(
      ranking: ranking, budget: try RowBudget(parsing: rows), provenance: ["model_hash": "abc"])
    let path = folder + "/x.plan.safetensors"
    try file.write(to: path)
    let back = try PlanFile(file: path)
    let (first, second) = (try file.plan(), try back.plan())
    #expect(first.rows == second.rows)
    #expect(first.additions == second.additions)
    #expect(first.medianNorm == second.medianNorm && first.directionNorm == second.directionNorm)
    #expect(first.candidates == second.candidates && first.site == second.site && first.space == second.space)
    #expect(back.provenance == file.provenance && back.budget == file.budget)
    #expect(
      first.delta(block: first.blocks[0], strength: 0.3)
        == second.delta(block: first.blocks[0], strength: 0.3))
    // Controls need the whole ranking: they are the same from the file.
    #expect(
      ranking.random(like: first, seed: 3, draw: 1).rows
        == back.ranking.random(like: second, seed: 3, draw: 1).rows)
    try back.check(fits: model.network, path: path)
    // The same plan is the same bytes, and an older file stays.
    try back.write(to: folder + "/y.plan.safetensors")
    #expect(try Files.read(path) == Files.read(folder + "/y.plan.safetensors"))
    #expect(throws: FileError.self) { try back.write(to: path) }
  }

  @Test func refusesWhatIsNoPlan() throws {
    let folder = try Self.scratch()
    defer { try? Files.remove(folder) }
    let error = #expect(throws: SurgeryError.self) { try PlanFile(file: folder + "/model/model.safetensors") }
    #expect(error?.code == "PLAN_INVALID")
    let model = try Model(folder: folder + "/model")
    let ranking = try Locate.rank(
      model, .shared(Self.direction(model.network.width), site: .finalNorm), space: .faithful)
    var other = model.network
    other.mlpWidth += 1
    let file = PlanFile(ranking: ranking, budget: RowBudget(.count(5)))
    #expect(throws: SurgeryError.self) { try file.check(fits: other, path: "p") }
    other = model.network
    other.gatedMLP = false
    #expect(throws: SurgeryError.self) { try file.check(fits: other, path: "p") }
  }

  @Test func sweepLogGoesOnOnlyWithItsOwnSweep() throws {
    let folder = try Self.scratch()
    defer { try? Files.remove(folder) }
    let path = folder + "/sweep.jsonl"
    let json: JSONValue = [
      "n": 4, "behaviour_rate": 0.5, "wanted_rate": 0.25, "mixed_rate": 0, "broken_rate": 0.25,
      "empty_rate": 0,
      "repetition": 0,
      "perplexity": 3, "perplexity_rise": 0.1, "kl_mean": 0.01, "kl_p99": 0.1, "top1_agreement": 0.9,
      "loss": 1,
      "calibration_error": 0.02,
    ]
    let summary = try #require(EditSummary(json: json))
    try SweepLog(path: path, of: "a").add(arm: "faithful/2%", strength: 0.25, summary)
    let again = try SweepLog(path: path, of: "a")
    #expect(again.count == 1)
    #expect(again.point(arm: "faithful/2%", strength: 0.25) == summary)
    #expect(again.point(arm: "faithful/2%", strength: 0.5) == nil)
    #expect(throws: SurgeryError.self) { try SweepLog(path: path, of: "b") }
  }
}
