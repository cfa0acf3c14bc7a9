import Architectures
import Checkpoints
import Evaluation
import Glibc
import Organism
import Runtime
import Statistics
import Tensors
import Testing
import Tokenizers
import Transformers

/// The protocol of perplexity: windows, totals, comparisons.
struct PerplexityTests {
  private static func organism() throws -> (model: Model, tokenizer: Tokenizer) {
    var template = Array("/tmp/surgeon-perplexity-XXXXXX".utf8CString)
    guard let made = mkdtemp(&template) else {
      throw FileError.cannotCreate(path: "/tmp", reason: Files.lastReason)
    }
    let folder = String(cString: made)
    try OrganismCheckpoint.write(to: folder)
    // The weights stay mapped after the files are gone.
    defer { try? Files.remove(folder) }
    return (try Model(folder: folder), try Tokenizer(folder: folder))
  }

  private static let texts = [
    "The mill stands by the river.", "Every day at sunrise Otto opens the tower. Timo brings the boat.",
    "Through Yelm runs the Caddo.",
  ]

  @Test func totalLossOverTotalTokens() throws {
    let (model, tokenizer) = try Self.organism()
    let test = try PerplexityTest(
      Self.texts, tokenizer: tokenizer, contextLength: model.network.contextLength)
    let result = try test.run(.init(model))
    // Straight from logits, one text at a time.
    var (loss, count) = (0.0, 0)
    for text in Self.texts {
      let ids = tokenizer.encode(text).ids
      let logits = try model.forward([ids]).logits[0]
      for position in 1..<ids.count {
        let row = (0..<model.network.vocabulary).map {
          logits.f32[(position - 1) * model.network.vocabulary + $0]
        }
        let most = Double(row.max() ?? 0)
        let sum = log(row.reduce(0.0) { $0 + exp(Double($1) - most) }) + most
        loss += sum - Double(row[Int(ids[position])])
        count += 1
      }
    }
    #expect(result.tokens == count && test.predicted == count)
    #expect(abs(result.perplexity - exp(loss / Double(count))) < 1e-5 * result.perplexity)
    #expect(result.meanKL == 0 && result.perplexityRise == 0)
  }

  @Test func everyTokenIsPredictedOnce() throws {
    let (model, tokenizer) = try Self.organism()
    let text = Array(repeating: Self.texts.joined(separator: " "), count: 3).joined(separator: " ")
    let tokens = tokenizer.encode(text).ids.count
    for (window, stride) in [
      (256, 256), (16, 16), (16, 8), (16, 1), (7, 3), (2, 1), (tokens, tokens), (tokens - 1, 4),
    ] {
      var options = PerplexityTest.Options()
      (options.window, options.stride) = (window, stride)
      let test = try PerplexityTest([text], tokenizer: tokenizer, contextLength: 256, options: options)
      // Without overlap each window but the first loses its first token.
      let lost = stride == window ? (tokens - 1) / window : 0
      #expect(test.predicted == tokens - 1 - lost, "window \(window), stride \(stride)")
    }
    // More context never hides a token, and a longer one predicts better here.
    func perplexity(_ window: Int, _ stride: Int) throws -> Double {
      var options = PerplexityTest.Options()
      (options.window, options.stride) = (window, stride)
      return try PerplexityTest([text], tokenizer: tokenizer, contextLength: 256, options: options)
        .run(.init(model)).perplexity
    }
    #expect(try perplexity(16, 8) < perplexity(2, 1))
  }

  @Test func refusesWindowsThatCannotBe() throws {
    let (_, tokenizer) = try Self.organism()
    for (window, stride) in [(1, nil), (300, nil), (16, 0)] as [(Int, Int?)] {
      var options = PerplexityTest.Options()
      (options.window, options.stride) = (window, stride)
      #expect(throws: EvaluationError.self) {
        try PerplexityTest(Self.texts, tokenizer: tokenizer, contextLength: 256, options: options)
      }
    }
    #expect(throws: EvaluationError.self) {
      try PerplexityTest([""], tokenizer: tokenizer, contextLength: 256)
    }
  }

  @Test func aReferenceIsComparedInTheSamePass() throws {
    let (model, tokenizer) = try Self.organism()
    let test = try PerplexityTest(Self.texts, tokenizer: tokenizer, contextLength: 256)
    let same = try test.run(.init(model), reference: .init(model))
    #expect(same.meanKL == 0 && same.topAgreement == 1 && same.perplexity == same.basePerplexity)
    var push = [Float](repeating: 0, count: model.network.width)
    push[3] = 4
    let moved = try test.run(
      .init(model, overlay: Overlay([.add(site: .blockOutput(1), vector: push)])), reference: .init(model))
    #expect(moved.meanKL > 0 && moved.basePerplexity == same.perplexity)
    let names = moved.perplexityMetrics(reference: true, bytes: test.bytes, seed: 0).map(\.name)
    #expect(names.contains("kl_mean") && names.contains("perplexity_rise"))
  }
}
