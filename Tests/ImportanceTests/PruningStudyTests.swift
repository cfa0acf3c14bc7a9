import Architectures
import Evaluation
import Foundation
import Importance
import JSON
import Probing
import Runtime
import Tensors
import TestSupport
import Testing
import Tokenizers
import Transformers

/// What pruning does to real models, on texts that calibration never saw.
struct PruningStudyTests {
  /// Perplexity of a pruned stories260K on the first stories; calibration draws from the others.
  @Test(
    .enabled(
      if: SharedFixtures.has("models/stories260K") && SharedFixtures.has("data/text-tinystories"),
      "needs SURGEON_FIXTURES"))
  func storiesAtHalf() throws {
    let folder = SharedFixtures.path("models/stories260K/hf")
    let (model, tokenizer) = (try Model(folder: folder), try Tokenizer(folder: folder))
    let stories = try TextDocuments(
      file: SharedFixtures.path("data/text-tinystories/tinystories_dev700.json")
    ).texts
    var options = PerplexityTest.Options()
    options.cut = 512
    let test = try PerplexityTest(
      Array(stories.prefix(40)), tokenizer: tokenizer, contextLength: 512, options: options)
    let others = stories.dropFirst(100).map { tokenizer.encode($0).ids }
    let scratch = try TemporaryFolder()
    func perplexity(_ score: String, group: String, seed: UInt64 = 0) throws -> Double {
      var draw = CalibrationTexts.Options()
      (draw.count, draw.length, draw.seed) = (32, 192, seed)
      let pruning = try Pruning(
        model,
        options: .init(
          PruningMethod(parsing: score), group: ComparisonGroup(parsing: group),
          budget: .uniform(group == "2:4" ? nil : 0.5)))
      let calibration =
        pruning.needsCalibration ? try CalibrationTexts(others, options: draw, context: 512) : nil
      let pruned = try pruning.run(calibration: calibration, scratch: scratch.path)
      return try test.run(.init(model, overlay: pruned.overlay)).perplexity
    }
    let dense = try test.run(.init(model)).perplexity
    let magnitude = try perplexity("magnitude", group: "row")
    for seed in UInt64(0)..<3 {
      let wanda = try perplexity("wanda", group: "row", seed: seed)
      let sparse = try perplexity("sparsegpt", group: "columns-128", seed: seed)
      #expect(dense < sparse && sparse < wanda && wanda < magnitude, "\([dense, sparse, wanda, magnitude])")
    }
    let patterns = try ["magnitude", "wanda", "sparsegpt"].map { try perplexity($0, group: "2:4") }
    #expect(patterns[2] < patterns[1] && patterns[1] < patterns[0] && patterns[2] > dense, "\(patterns)")
  }

  /// A sentence encoder: its vectors move the more the more goes, a fixed probe reads them less well.
  @Test(
    .enabled(
      if: SharedFixtures.has("models/minilm-l6-v2") && SharedFixtures.has("data/tox-surge"),
      "needs SURGEON_FIXTURES"))
  func sentenceEncoder() throws {
    let folder = SharedFixtures.path("models/minilm-l6-v2")
    let (model, tokenizer) = (try Model(folder: folder), try Tokenizer(folder: folder))
    var reader = LabelledTextReader()
    (reader.labelKey, reader.positiveClass, reader.negativeClass) = ("is_toxic", "Toxic", "Not Toxic")
    let texts = try reader.read(SharedFixtures.path("data/tox-surge/toxicity_en.csv")).texts
    let ids = texts.map { Array(tokenizer.encode($0.text ?? "").ids.prefix(96)) }
    let labels = texts.map(\.label)
    // Every sixth text is kept for the test, every third of the others for calibration.
    let held = texts.indices.filter { $0 % 6 == 0 }
    let fitted = texts.indices.filter { $0 % 6 != 0 && $0 % 3 != 1 }
    var draw = CalibrationTexts.Options()
    (draw.count, draw.length) = (32, 24)
    let calibration = try CalibrationTexts(
      texts.indices.filter { $0 % 3 == 1 && $0 % 6 != 0 }.map { ids[$0] }, options: draw,
      context: model.network.contextLength)
    let site = model.network.lastSite
    func vectors(_ indices: [Int], _ overlay: Overlay?) throws -> [[Double]] {
      let states = try model.forward(
        indices.map { ids[$0] }, capture: [site], logits: .none, overlay: overlay
      ).states[site]
      return try #require(states).map { text in
        let width = text.rowCount
        return (0..<width).map { k in
          (0..<text.shape[0]).reduce(0.0) { $0 + Double(text.f32[$1 * width + k]) } / Double(text.shape[0])
        }
      }
    }
    // A probe of class means on the unpruned vectors, its threshold half-way.
    let train = try vectors(fitted, nil)
    func mean(_ label: Int) -> [Double] {
      let own = fitted.indices.filter { labels[fitted[$0]] == label }
      return train[0].indices.map { k in own.reduce(0.0) { $0 + train[$1][k] } / Double(own.count) }
    }
    let (negative, positive) = (mean(0), mean(1))
    func accuracy(_ vectors: [[Double]]) -> Double {
      let right = zip(vectors, held).count { vector, index in
        let score = vector.indices.reduce(0.0) { sum, k in
          sum + (positive[k] - negative[k]) * (vector[k] - (positive[k] + negative[k]) / 2)
        }
        return (score > 0) == (labels[index] == 1)
      }
      return Double(right) / Double(held.count)
    }
    let base = try vectors(held, nil)
    let scratch = try TemporaryFolder()
    func measure(_ score: String, _ share: Double) throws -> (change: Double, accuracy: Double) {
      let pruning = try Pruning(model, options: .init(PruningMethod(parsing: score), budget: .uniform(share)))
      let pruned = try pruning.run(
        calibration: pruning.needsCalibration ? calibration : nil, scratch: scratch.path)
      let moved = try vectors(held, pruned.overlay)
      let (error, energy) = zip(base, moved).reduce((0.0, 0.0)) { sum, pair in
        zip(pair.0, pair.1).reduce(sum) { ($0.0 + ($1.0 - $1.1) * ($1.0 - $1.1), $0.1 + $1.0 * $1.0) }
      }
      return ((error / energy).squareRoot(), accuracy(moved))
    }
    let dense = accuracy(base)
    var report = ["dense: accuracy \(dense)"]
    var changes: [String: Double] = [:]
    for score in ["magnitude", "wanda", "sparsegpt"] {
      for share in [0.3, 0.5] {
        let result = try measure(score, share)
        changes["\(score) \(share)"] = result.change
        report.append("\(score) \(share): change \(result.change), accuracy \(result.accuracy)")
        #expect(result.accuracy > dense - (share < 0.4 ? 0.06 : 0.15), "\(report)")
      }
      #expect((changes["\(score) 0.3"] ?? 1) < (changes["\(score) 0.5"] ?? 0), "\(report)")
    }
    for share in [0.3, 0.5] {
      let order = ["sparsegpt", "wanda", "magnitude"].map { changes["\($0) \(share)"] ?? .nan }
      #expect(order[0] < order[1] && order[1] < order[2], "\(report)")
    }
    #expect(dense > 0.8, "\(report)")
    // The numbers of the module's README.
    if ProcessInfo.processInfo.environment["SURGEON_PRINT_STUDY"] != nil {
      print(report.joined(separator: "\n"))
    }
  }
}
