import Architectures
import Checkpoints
import Evaluation
import JSON
import Layers
import OrderedCollections
import Organism
import Runtime
import Statistics
import Tensors
import TestSupport
import Testing
import Tokenizers
import Transformers

@testable import Importance

/// Curves: which weights go, what that costs, and where it starts to cost.
struct ImportanceCurveTests {
  private static let texts = [
    "The mill stands by the river.", "Every day at sunrise Otto opens the tower. Timo brings the boat.",
    "Through Yelm runs the Caddo.", "The river runs past the old mill.",
  ]

  /// The embedded model with its loss on a few texts.
  private static func organism(_ folder: TemporaryFolder) throws -> (model: Model, metric: EvaluationMetric) {
    try OrganismCheckpoint.write(to: folder.file("model"))
    let model = try Model(folder: folder.file("model"))
    let tokenizer = try Tokenizer(folder: folder.file("model"))
    return (
      model, .nll(try PerplexityTest(texts, tokenizer: tokenizer, contextLength: model.network.contextLength))
    )
  }

  @Test func complementsTurnEveryBit() {
    let mask = Mask(outputs: 3, inputs: 70) { words in
      for index in 0..<6 { words[index] = index % 2 == 0 ? 0xF0F0 : 0b101 }
    }
    let other = mask.complement
    #expect(other.keptCount == mask.prunedCount && other.complement == mask)
    for row in 0..<3 {
      for column in 0..<70 {
        #expect(mask[row, column] != other[row, column])
        #expect(mask.bits[row, column] == mask[row, column])
      }
    }
  }

  @Test func smallestAndLargestAreTheTwoEnds() throws {
    let matrices = Matrices.network(levels: 6)
    let all = matrices.reduce(0) { $0 + $1.count }
    let score = try Score(.magnitude)
    for share in [0.1, 0.37, 0.5] {
      let options = ImportanceCurve.Options()
      let smallest = try ImportanceCurve.masks(matrices, .smallest, share, score, options, noEvidence)
      let largest = try ImportanceCurve.masks(matrices, .largest, share, score, options, noEvidence)
      let random = try ImportanceCurve.masks(matrices, .random, share, score, options, noEvidence)
      let wanted = Int((share * Double(all)).rounded())
      #expect(smallest.prunedCount == wanted && random.prunedCount == wanted)
      #expect(abs(largest.prunedCount - wanted) <= 1)
      var (most, least) = (Float(0), Float.infinity)
      for matrix in matrices {
        let values = matrix.weight.toFloats()
        for place in values.indices {
          let (row, column) = (place / matrix.inputs, place % matrix.inputs)
          if smallest[matrix.role]?[row, column] == false { most = max(most, abs(values[place])) }
          if largest[matrix.role]?[row, column] == false { least = min(least, abs(values[place])) }
        }
      }
      #expect(most <= least)
    }
  }

  @Test func pointsAreWrittenCheckpoints() throws {
    let folder = try TemporaryFolder()
    let (model, metric) = try Self.organism(folder)
    let matrices = try model.prunableMatrices()
    var options = ImportanceCurve.Options()
    options.shares = [0.1, 0.4]
    options.resamples = 100
    let curve = try ImportanceCurve(
      model, matrices: matrices, score: Score(.magnitude), metric: metric, options: options)
    #expect(curve.curves.count == 1 && curve.whole.points.count == 6)
    // The same zeros in a checkpoint.
    let masks = try ImportanceCurve.masks(matrices, .smallest, 0.4, Score(.magnitude), options, noEvidence)
    let checkpoint = try Checkpoint(folder: folder.file("model"))
    let bound = Dictionary(uniqueKeysWithValues: matrices.map { ($0.bound.tensor, $0) })
    let items = try checkpoint.tensorNames.map { name in
      let stored = try checkpoint.tensor(name)
      guard let matrix = bound[name], let mask = masks[matrix.role] else {
        return SafetensorsWriter.Item(name, stored)
      }
      try #require(!matrix.bound.transposed && matrix.bound.rows.count == stored.shape[0])
      var values = stored.toFloats()
      for place in values.indices where !mask[place / matrix.inputs, place % matrix.inputs] {
        values[place] = 0
      }
      return SafetensorsWriter.Item(name, Tensor(values, shape: stored.shape, dtype: stored.dtype))
    }
    try Files.makeFolder(folder.file("pruned"))
    for name in try Files.list(folder.file("model")) where !name.hasSuffix(".safetensors") {
      try Files.write(Files.read(folder.file("model/\(name)")), to: folder.file("pruned/\(name)"))
    }
    try SafetensorsWriter.write(items, to: folder.file("pruned/model.safetensors"))
    let pruned = try metric.measure(Model(folder: folder.file("pruned")))
    let point = try #require(curve.whole.points(.smallest).last)
    #expect(point.value == pruned.value())
    #expect(point.removed == masks.prunedCount)
    #expect(point.damage == metric.damage(pruned, base: curve.base))
    #expect(point.interval?.contains(point.damage ?? .nan) == true)
  }

  @Test func partsCoverTheMatrices() throws {
    let folder = try TemporaryFolder()
    let (model, metric) = try Self.organism(folder)
    let matrices = try model.prunableMatrices()
    for (scope, count) in [(CurveScope.block, model.network.blocks), (.role, 7), (.matrix, matrices.count)] {
      let parts = scope.parts(of: matrices)
      #expect(parts.count == count)
      #expect(parts.flatMap(\.members).sorted() == Array(matrices.indices))
    }
    var options = ImportanceCurve.Options()
    (options.shares, options.arms, options.resamples) = ([0.5], [.smallest], 50)
    let curve = try ImportanceCurve(
      model, matrices: matrices, score: Score(.magnitude), metric: metric, scopes: [.block], options: options)
    #expect(curve.curves.count == 1 + model.network.blocks)
    for part in curve.curves.dropFirst() {
      #expect(part.points.first?.removed == Int((0.5 * Double(part.weights)).rounded()))
    }
    // A part by itself is the whole of its matrices.
    let second = try ImportanceCurve(
      model, matrices: model.prunableMatrices(blocks: [1]), score: Score(.magnitude), metric: metric,
      options: options)
    #expect(curve.curves[2].part.block == 1)
    #expect(curve.curves[2].points.first?.value == second.whole.points.first?.value)
    #expect(curve.curves[1].points.first?.value != second.whole.points.first?.value)
  }

  @Test func theKneeIsSureAndHasNoHolesBefore() throws {
    func point(_ share: Double, _ damage: Double, upper: Double?) -> ImportanceCurve.Point {
      ImportanceCurve.Point(
        arm: .smallest, share: share, removed: 1, value: damage, damage: damage,
        interval: upper.map { Interval(lower: damage - 0.01, upper: $0, level: 0.95, method: "test") })
    }
    func knee(_ points: ImportanceCurve.Point...) -> Knee? { Knee(points, epsilon: 0.1) }
    #expect(knee() == nil)
    let sure = knee(point(0.1, 0.01, upper: 0.02), point(0.2, 0.08, upper: 0.09), point(0.3, 0.2, upper: 0.3))
    #expect(sure?.share == 0.2 && sure?.damage == 0.08 && sure?.next == 0.3)
    // Below the limit but not surely so.
    #expect(knee(point(0.1, 0.01, upper: 0.02), point(0.2, 0.08, upper: 0.12))?.share == 0.1)
    // A lucky point behind a bad one is no knee.
    #expect(knee(point(0.1, 0.2, upper: 0.3), point(0.2, 0.01, upper: 0.02))?.share == 0)
    #expect(knee(point(0.1, 0.01, upper: nil))?.share == 0)
    #expect(knee(point(0.1, 0.01, upper: 0.1))?.share == 0)
    #expect(knee(point(0.1, 0.01, upper: 0.02))?.next == nil)
  }

  @Test func sharesAreReadAsPercentOrFractions() throws {
    #expect(try ImportanceCurve.Options.shares(parsing: "5,1,20") == [0.01, 0.05, 0.2])
    #expect(try ImportanceCurve.Options.shares(parsing: "0.5%,10%") == [0.005, 0.1])
    #expect(try ImportanceCurve.Options.shares(parsing: "0.1, 0.25") == [0.1, 0.25])
    for text in ["", "x", "0", "100%", "1,200"] {
      #expect(throws: ImportanceError.self) { try ImportanceCurve.Options.shares(parsing: text) }
    }
    #expect(throws: ImportanceError.self) { try CurveArm.list(parsing: "smallest,middle") }
    #expect(try CurveArm.list(parsing: "random, smallest") == [.smallest, .random])
  }

  @Test func patternsHaveNoCurve() throws {
    let folder = try TemporaryFolder()
    let (model, metric) = try Self.organism(folder)
    var options = ImportanceCurve.Options()
    options.group = .keep(2, of: 4)
    #expect(throws: ImportanceError.self) {
      try ImportanceCurve(
        model, matrices: model.prunableMatrices(), score: Score(.magnitude), metric: metric, options: options)
    }
  }

  /// SaRA's claim on a real network, with its controls: 5 % are free, 10 % nearly, 20 % below 0.1 nats, 30 % are not;
  /// random weights are ruinous at 5 %.
  @Test(
    .enabled(
      if: SharedFixtures.has("models/stories260K/hf") && SharedFixtures.has("data/text-tinystories"),
      "needs stories260K and tinystories"))
  func storiesHasTheShapeThatWasMeasured() throws {
    let folder = SharedFixtures.path("models/stories260K/hf")
    let (model, tokenizer) = (try Model(folder: folder), try Tokenizer(folder: folder))
    let documents = try TextDocuments(
      file: SharedFixtures.path("data/text-tinystories/tinystories_dev700.json"), limit: 40)
    var protocol_ = PerplexityTest.Options()
    protocol_.cut = 512
    let test = try PerplexityTest(
      documents.texts, tokenizer: tokenizer, contextLength: 512, options: protocol_)
    #expect(test.beginsWithBOS)
    var options = ImportanceCurve.Options()
    options.shares = [0.05, 0.1, 0.2, 0.3]
    let curve = try ImportanceCurve(
      model, matrices: model.prunableMatrices(), score: Score(.magnitude), metric: .nll(test),
      options: options)
    func damage(_ arm: CurveArm, _ share: Double) -> Double {
      curve.whole.points(arm).first { $0.share == share }?.damage ?? .nan
    }
    #expect(abs(damage(.smallest, 0.05)) < 0.005)
    #expect(abs(damage(.smallest, 0.1)) < 0.03)
    #expect(damage(.smallest, 0.2) < 0.1 && damage(.smallest, 0.2) > 0.02)
    #expect(damage(.smallest, 0.3) > 0.1)
    #expect(damage(.random, 0.05) > 0.5)
    #expect(damage(.largest, 0.05) > damage(.random, 0.05))
    let knee = try #require(curve.whole.knee)
    #expect(knee.share == 0.2 && knee.next == 0.3)
  }
}
