import Layers
import Runtime
import Tensors
import TestSupport
import Testing

@testable import Architectures
@testable import Importance

/// One matrix and one share.
struct SelectionCase: Sendable, CustomStringConvertible {
  let outputs: Int, inputs: Int
  let dtype: DType
  let transposed: Bool
  let levels: Float?
  var description: String {
    "\(outputs)x\(inputs) \(dtype.rawValue)\(transposed ? " transposed" : "")\(levels == nil ? "" : " with ties")"
  }

  var matrix: PrunableMatrix {
    Matrices.make(
      Matrices.normal(outputs * inputs, seed: 7, levels: levels), outputs, inputs, dtype,
      transposed: transposed)
  }

  static let all: [SelectionCase] = {
    let shapes = [(1, 1), (1, 97), (3, 64), (7, 65), (16, 96), (33, 130), (600, 200)]
    var cases: [SelectionCase] = []
    for (index, shape) in shapes.enumerated() {
      for dtype in [DType.f32, .f16, .bf16] {
        cases.append(
          .init(
            outputs: shape.0, inputs: shape.1, dtype: dtype, transposed: index % 2 == 1,
            levels: index % 3 == 0 ? 4 : nil))
      }
    }
    return cases
  }()
}

@Suite struct SelectionTests {
  /// The indices that a group's rule prunes, by sorting.
  private func naive(
    _ scores: [Float], _ matrix: PrunableMatrix, _ group: ComparisonGroup, taken: Int
  ) -> Set<Int> {
    let (outputs, inputs) = (matrix.outputs, matrix.inputs)
    var groups: [[Int]] = []
    switch group {
    case .row: groups = (0..<outputs).map { row in (0..<inputs).map { row * inputs + $0 } }
    case .column: groups = (0..<inputs).map { column in (0..<outputs).map { $0 * inputs + column } }
    case .columns(let width):
      for first in stride(from: 0, to: inputs, by: width) {
        groups.append(
          (0..<outputs).flatMap { row in
            (first..<min(first + width, inputs)).map { row * inputs + $0 }
          })
      }
    case .keep(let kept, let width, _):
      var pruned: Set<Int> = []
      for start in (0..<outputs).flatMap({ row in
        stride(from: 0, to: inputs / width * width, by: width).map { row * inputs + $0 }
      }) {
        pruned.formUnion(
          Reference.lowest(scores, of: Array(start..<start + width), taken: width - kept))
      }
      return pruned
    default: groups = [Array(0..<outputs * inputs)]
    }
    let counts = Reference.parts(taken, groups.map(\.count))
    return zip(groups, counts).reduce(into: []) {
      $0.formUnion(Reference.lowest(scores, of: $1.0, taken: $1.1))
    }
  }

  private func pruned(_ mask: Mask) -> Set<Int> {
    Set((0..<mask.count).filter { !mask[$0 / mask.inputs, $0 % mask.inputs] })
  }

  @Test(arguments: SelectionCase.all) func everyGroupEqualsSorting(_ c: SelectionCase) throws {
    let matrix = c.matrix
    let energy = Matrices.normal(c.inputs, seed: 3).map { Double($0 * $0) }
    let evidence: EvidenceSource = { _ in ScoreEvidence(inputEnergy: energy) }
    let groups: [ComparisonGroup] = [
      .row, .column, .columns(3), .columns(128), .tensor, .global, .keep(2, of: 4, keepsRest: true),
    ]
    let isLarge = matrix.count > 100_000
    for name in isLarge ? ["magnitude", "wanda"] : ["magnitude", "anti-magnitude", "random", "wanda"] {
      let score = try Score(parsing: name, seed: 5)
      let scores = try score.of(matrix, evidence(matrix)).values()
      for group in groups {
        for sparsity in group.patternSparsity != nil || isLarge ? [0.5] : [0, 0.013, 0.3, 0.99, 1] {
          let counts = try Budget.uniform(sparsity).counts(for: [matrix], group: group)
          let expected = naive(scores, matrix, group, taken: counts[0])
          #expect(expected.count == counts[0])
          var first: Mask?
          try KernelSetting.each { setting in
            let selection = try Selection(
              [matrix], score: score, group: group, counts: counts, evidence: evidence)
            let mask = try selection.mask(0)
            #expect(mask.prunedCount == counts[0] && selection.pruned == counts)
            if let first {
              #expect(mask == first, "\(c), \(name), \(group), \(sparsity), \(setting)")
            } else {
              #expect(pruned(mask) == expected, "\(c), \(name), \(group), \(sparsity), \(setting)")
              first = mask
            }
          }
        }
      }
    }
  }

  @Test(arguments: [nil, 2] as [Float?]) func matricesCompete(_ levels: Float?) throws {
    let matrices = Matrices.network(levels: levels)
    let evidence: EvidenceSource = { matrix in
      ScoreEvidence(inputEnergy: (0..<matrix.inputs).map { Double($0 % 5) })
    }
    let total = matrices.reduce(0) { $0 + $1.count }
    for name in ["magnitude", "wanda", "anti-magnitude"] {
      let score = try Score(parsing: name)
      let all = try matrices.map { try score.of($0, evidence($0)).values() }
      for group in [ComparisonGroup.global, .layer, .tensor] {
        for sparsity in [0.001, 0.37, 0.5, 0.9] {
          let counts = try Budget.uniform(sparsity).counts(for: matrices, group: group)
          #expect(counts.reduce(0, +) == Int((sparsity * Double(total)).rounded()))
          let selection = try Selection(
            matrices, score: score, group: group, counts: counts, evidence: evidence)
          let masks = try selection.masks()
          #expect(masks.prunedCount == counts.reduce(0, +))
          // The naive choice over the concatenated scores of a group.
          let members: [[Int]] =
            switch group {
            case .global: [Array(0..<6)]
            case .layer: [[0, 1, 2], [3, 4, 5]]
            default: (0..<6).map { [$0] }
            }
          for group in members {
            let scores = group.flatMap { all[$0] }
            let lowest = Reference.lowest(
              scores, of: Array(scores.indices), taken: group.reduce(0) { $0 + counts[$1] })
            var offset = 0
            for index in group {
              let mask = try #require(masks[matrices[index].role])
              let own = Set(lowest.filter { $0 >= offset && $0 < offset + mask.count }.map { $0 - offset })
              #expect(pruned(mask) == own, "\(name), \(index), \(sparsity)")
              #expect(selection.pruned[index] == own.count)
              offset += mask.count
            }
          }
        }
      }
    }
  }

  @Test func deadChannelsGoFirstInEveryRow() throws {
    let matrix = Matrices.make(Matrices.normal(6 * 10, seed: 1), 6, 10)
    let energy = (0..<10).map { $0 == 3 || $0 == 8 ? 0.0 : 1.0 }
    let selection = try Selection(
      [matrix], score: Score(.wanda), group: .row, counts: [12],
      evidence: { _ in ScoreEvidence(inputEnergy: energy) })
    let mask = try selection.mask(0)
    for row in 0..<6 { #expect((0..<10).filter { !mask[row, $0] } == [3, 8]) }
  }

  @Test func badMatricesAreRefusedByName() throws {
    var weights = Matrices.normal(40, seed: 2)
    weights[27] = .nan
    let broken = Matrices.make(weights, 4, 10, role: .block(1, .up))
    weights[27] = .infinity
    let infinite = Matrices.make(weights, 4, 10, .bf16)
    let zeros = Matrices.make([Float](repeating: -0.0, count: 40), 4, 10, .f16)
    let huge = Matrices.make([Float](repeating: 3e38, count: 40), 4, 10)
    for name in ["magnitude", "random", "wanda"] {
      let score = try Score(parsing: name)
      func run(_ matrix: PrunableMatrix, _ group: ComparisonGroup, energy: Double = 1) throws -> Mask {
        try Selection(
          [matrix], score: score, group: group, counts: [20],
          evidence: { _ in ScoreEvidence(inputEnergy: [Double](repeating: energy, count: 10)) }
        ).mask(0)
      }
      for group in [ComparisonGroup.row, .column, .columns(4), .tensor, .global, .keep(1, of: 2)] {
        #expect(
          throws: ImportanceError.weightNotFinite(
            tensor: "blocks.1.mlp.up.weight", role: "blocks.1.mlp.up", row: 2, column: 7)
        ) { try run(broken, group) }
        #expect(throws: ImportanceError.self) { try run(infinite, group) }
        #expect(
          throws: ImportanceError.allZero(role: "blocks.0.mlp.gate", tensor: "blocks.0.mlp.gate.weight")
        ) {
          try run(zeros, group)
        }
      }
      if name == "wanda" {
        #expect(throws: ImportanceError.scoreNotFinite(score: "wanda", role: "blocks.0.mlp.gate")) {
          try run(huge, .row, energy: 1e4)
        }
        #expect(throws: ImportanceError.self) {
          try Selection([huge], score: score, group: .row, counts: [1]).mask(0)
        }
        #expect(throws: ImportanceError.self) {
          try Selection(
            [huge], score: score, group: .row, counts: [1],
            evidence: { _ in ScoreEvidence(inputEnergy: [1]) }
          ).mask(0)
        }
      }
    }
  }

  @Test func whatMakesNoSenseIsRefused() throws {
    let matrix = Matrices.make(Matrices.normal(40, seed: 2), 4, 10)
    #expect(throws: ImportanceError.pattern(pattern: "keep-2-of-4", role: "blocks.0.mlp.gate", inputs: 10)) {
      try Budget.uniform(nil).counts(for: [matrix], group: .keep(2, of: 4))
    }
    #expect(try Budget.uniform(nil).counts(for: [matrix], group: .keep(2, of: 4, keepsRest: true)) == [16])
    #expect(throws: ImportanceError.self) {
      try Budget.uniform(0.3).counts(for: [matrix], group: .keep(1, of: 2))
    }
    #expect(throws: ImportanceError.self) { try Budget.uniform(nil).counts(for: [matrix], group: .row) }
    for share in [-0.1, 1.01, .nan] {
      #expect(throws: ImportanceError.self) { try Budget.uniform(share) }
    }
    for text in ["-1%", "101%", "half", "", "1.5"] {
      #expect(throws: ImportanceError.self) { try Budget.sparsity(parsing: text) }
    }
    #expect(try Budget.sparsity(parsing: " 37.5 %") == 0.375)
  }

  @Test func groupsAndScoresAreReadAndWritten() throws {
    for text in ["row", "column", "columns-128", "tensor", "layer", "global", "keep-2-of-4", "keep-0-of-3"] {
      #expect(try ComparisonGroup(parsing: text).description == text)
    }
    #expect(try ComparisonGroup(parsing: "2:4") == .keep(2, of: 4))
    #expect(try ComparisonGroup(parsing: "4:8:keep-rest") == .keep(4, of: 8, keepsRest: true))
    #expect(try ComparisonGroup(parsing: "keep-1-of-8:keep-rest").description == "keep-1-of-8:keep-rest")
    for text in ["rows", "columns-0", "columns", "5:4", "keep-2-of-0", "2:4:8", "", "keep-2-in-4", "-1:4"] {
      #expect(throws: ImportanceError.self) { try ComparisonGroup(parsing: text) }
    }
    #expect(throws: ImportanceError.self) { try Score(parsing: "magnitud") }
    #expect(throws: MethodError.self) { try Score(parsing: "magnitude:sign=along") }
  }

  @Test func largeBuffersAreCutWithHistograms() throws {
    var scores = Matrices.normal(300_000, seed: 4)
    for index in stride(from: 0, to: scores.count, by: 3) { scores[index] = 0.25 }
    let sorted = scores.sorted()
    for taken in [0, 1, 1000, 150_000, 200_000, 299_999, 300_000] {
      let cut = try #require(scores.withUnsafeBufferPointer { Cut.find($0, taken: taken) })
      let below = scores.count { $0 < cut.threshold }
      #expect(below + cut.ties == taken)
      if taken < scores.count, taken > 0 { #expect(cut.threshold == sorted[taken] || cut.ties == 0) }
    }
    scores[7] = .nan
    #expect(scores.withUnsafeBufferPointer { Cut.find($0, taken: 5) } == nil)
  }
}
