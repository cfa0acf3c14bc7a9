import Layers
import Runtime
import Tensors
import TestSupport
import Testing

@testable import Architectures
@testable import Importance

@Suite struct BudgetTests {
  private let energy: EvidenceSource = { matrix in
    ScoreEvidence(inputEnergy: (0..<matrix.inputs).map { $0 % 11 == 0 ? 400 : 1 })
  }

  private func counts(
    _ text: String, _ sparsity: Double?, _ group: ComparisonGroup = .tensor,
    _ matrices: [PrunableMatrix] = Matrices.network()
  ) throws -> [Int] {
    try Budget(parsing: text, sparsity: sparsity).counts(for: matrices, group: group, evidence: energy)
  }

  @Test(arguments: ["uniform", "erk", "lamp", "owl", "owl:spread=0.5", "weighted:attention=1,mlp=3"])
  func theShareOfAllWeightsIsExact(_ text: String) throws {
    let matrices = Matrices.network()
    let total = matrices.reduce(0) { $0 + $1.count }
    for sparsity in [0, 0.001, 0.1, 1.0 / 3, 0.5, 0.77, 0.97, 1] {
      let own = try counts(text, sparsity)
      #expect(own.reduce(0, +) == Int((sparsity * Double(total)).rounded()), "\(text), \(sparsity)")
      #expect(zip(own, matrices).allSatisfy { (0...$1.count).contains($0) })
    }
  }

  @Test func apportionedPartsAddUpAndFit() {
    let sizes = [7, 1, 0, 250, 3, 90]
    for total in 0...351 {
      let parts = Apportion.proportional(total, sizes)
      #expect(parts.reduce(0, +) == total && zip(parts, sizes).allSatisfy { $0 <= $1 })
      #expect(parts == Reference.parts(total, sizes))
      let exact = sizes.map { Double($0) * Double(total) / 351 }
      #expect(zip(parts, exact).allSatisfy { abs(Double($0) - $1) < 1 })
      let rounded = Apportion.rounded(total, exact, sizes: sizes)
      #expect(rounded.reduce(0, +) == total && zip(rounded, sizes).allSatisfy { $0 >= 0 && $0 <= $1 })
    }
    // No overflow with sizes of whole checkpoints.
    let wide = Apportion.proportional(3_000_000_000_000, [4_000_000_000_000, 2_000_000_000_000])
    #expect(wide == [2_000_000_000_000, 1_000_000_000_000])
  }

  @Test func erkDensitiesAreProportionalUntilTheyAreFull() throws {
    let matrices = Matrices.network()
    let own = try counts("erk", 0.9)
    let factors = zip(own, matrices).map { pruned, matrix in
      let density = 1 - Double(pruned) / Double(matrix.count)
      return density * Double(matrix.count) / Double(matrix.outputs + matrix.inputs)
    }
    // One factor for all, up to the rounding of counts.
    for (factor, matrix) in zip(factors, matrices) {
      #expect(abs(factor - factors[0]) < 2.0 / Double(matrix.outputs + matrix.inputs))
    }
    // At low sparsity the small matrices are full and the others take the rest.
    let few = try counts("erk", 0.1)
    #expect(few[0] == 0 && few[4] > 0)
  }

  @Test func waterRisesToItsLevel() {
    let parts = Waterfill.level(10, parts: [(1, 2), (1, 100), (2, 100), (0, 5)])
    #expect(zip(parts, [2, 8.0 / 3, 16.0 / 3, 0]).allSatisfy { abs($0 - $1) < 1e-12 })
    #expect(Waterfill.level(9, parts: [(1, 2), (5, 3), (1, 4)]) == [2, 3, 4])
    #expect(Waterfill.level(0, parts: [(1, 2), (1, 1)]) == [0, 0])
  }

  @Test func lampBudgetIsTheGlobalSelectionByLAMP() throws {
    let matrices = Matrices.network()
    let own = try counts("lamp", 0.6)
    let all = try matrices.map { try Score(.lamp).of($0).values() }
    let joined = all.flatMap { $0 }
    let lowest = Reference.lowest(joined, of: Array(joined.indices), taken: own.reduce(0, +))
    var offset = 0
    for (index, scores) in all.enumerated() {
      #expect(own[index] == lowest.count { $0 >= offset && $0 < offset + scores.count })
      offset += scores.count
    }
  }

  @Test func owlFollowsItsFormula() throws {
    let matrices = Matrices.network()
    let blocks = [Array(matrices[0...2]), Array(matrices[3...5])]
    let ratios = try blocks.map { own in
      let scores = try own.flatMap { try Score(.wanda).of($0, energy($0)).values().map(Double.init) }
      let mean = scores.reduce(0, +) / Double(scores.count)
      return Double(scores.count { $0 > 5 * mean }) / Double(scores.count)
    }
    #expect(ratios[0] != ratios[1] && ratios.allSatisfy { $0 > 0 })
    let scaled = ratios.map { ($0 - ratios.min()!) / (ratios.max()! - ratios.min()!) * 0.2 }
    let sizes = blocks.map { Double($0.reduce(0) { $0 + $1.count }) }
    // The paper's rule: the mean over blocks.
    let paper = try counts("owl:spread=0.1:keep=blocks", 0.5)
    let byBlock = [paper[0...2].reduce(0, +), paper[3...5].reduce(0, +)]
    for block in 0..<2 {
      let expected = 0.5 + (scaled[0] + scaled[1]) / 2 - scaled[block]
      #expect(abs(Double(byBlock[block]) / sizes[block] - expected) < 2 / sizes[block])
    }
    // The share of all weights.
    let exact = try counts("owl:spread=0.1", 0.5)
    let mean = (scaled[0] * sizes[0] + scaled[1] * sizes[1]) / (sizes[0] + sizes[1])
    for block in 0..<2 {
      let own = exact[block * 3..<block * 3 + 3].reduce(0, +)
      #expect(abs(Double(own) / sizes[block] - (0.5 + mean - scaled[block])) < 2 / sizes[block])
    }
    #expect(paper != exact)
    // Beyond 0…1 the others take what clipping leaves.
    #expect(OWL.shares([0, -1], mean: 0.8, weights: [1, 1]).map { ($0 * 1e9).rounded() } == [1e9, 6e8])
    #expect(OWL.shifts([0.3, 0.3], spread: 0.08) == [0, 0])
    #expect(throws: ImportanceError.self) {
      try Budget(parsing: "owl", sparsity: 0.5).counts(for: matrices, group: .tensor)
    }
  }

  @Test func listsSayTheSharesOfParts() throws {
    let own = try counts("list:*=50%,1.mlp=0.25,attention.q=1,-1.mlp.down=0", nil)
    let sizes = Matrices.network().map(\.count)
    #expect(own[0] == sizes[0] && own[3] == sizes[3])
    #expect(own[1] + own[2] == (sizes[1] + sizes[2]) / 2)
    #expect(own[4] == sizes[4] / 4 && own[5] == 0)
    for text in [
      "list:", "list:0=", "list:0.5", "list:9=0.5", "list:zebra=0.5", "list:0=0.5", "list:*=2", "list",
    ] {
      #expect(throws: (any Error).self, "\(text)") { try counts(text, nil) }
    }
    #expect(throws: ImportanceError.self) { try Budget(parsing: "list:*=0.5", sparsity: 0.5) }
  }

  @Test func weightedSharesAreInProportion() throws {
    let own = try counts("weighted:mlp=1,attention=2", 0.2)
    let shares = zip(own, Matrices.network()).map { Double($0) / Double($1.count) }
    #expect(abs(shares[0] / shares[1] - 2) < 0.05 && abs(shares[3] / shares[5] - 2) < 0.05)
    #expect(throws: ImportanceError.self) { try counts("weighted:mlp=0,attention=1", 0.5) }
    #expect(try counts("weighted:mlp=0,attention=1", 0.05)[1] == 0)
  }

  @Test func groupsThatDecideThemselvesAreRefused() throws {
    for (text, group) in [
      ("erk", ComparisonGroup.global), ("lamp", .layer), ("owl", .global), ("weighted:*=1", .global),
      ("weighted:mlp=1,attention=2", .layer), ("erk", .layer), ("erk", .keep(1, of: 2)),
    ] {
      #expect(throws: ImportanceError.self, "\(text), \(group)") { try counts(text, 0.5, group) }
    }
    _ = try counts("owl", 0.5, .layer)
    _ = try counts("weighted:0=1,1=2", 0.5, .layer)
    #expect(throws: ImportanceError.self) { try counts("zebra", 0.5) }
    #expect(throws: MethodError.self) { try counts("owl:spread=7", 0.5) }
    #expect(throws: ImportanceError.self) { try counts("uniform", nil) }
  }
}
