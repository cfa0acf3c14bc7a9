import Foundation
import JSON
import Runtime
import Tensors
import TestSupport
import Testing
import Tokenizers
import Transformers

/// stories260K: a real trained Llama with a recorded pass, a document with its greedy text, and a known loss.
@Suite(.enabled(if: SharedFixtures.has("models/stories260K"), "needs SURGEON_FIXTURES"))
struct StoriesTests {
  let folder = SharedFixtures.path("models/stories260K/hf")

  @Test func recordedLogits() throws {
    let recorded = try JSONValue(file: folder + "/reference_logits.json")
    let ids = try #require(recorded["prompt_ids"]?.array).map { Int32(try #require($0.int)) }
    let logits = try #require(recorded["last_logits"]?.array).map { Float(try #require($0.double)) }
    let pass = try Model(folder: folder).forward([ids], logits: .last)
    let error = SiteError(site: "logits", text: 0, pass.logits[0], Tensor(logits, shape: [1, logits.count]))
    #expect(error.relative <= ParityFixture.bound, "|Δ| \(error.delta) of \(error.magnitude)")
  }

  @Test func greedyTextOfItsDocument() throws {
    let document = try Files.readText(SharedFixtures.path("models/stories260K/stories260K.md"))
    let afterCommand = document.components(separatedBy: "-t 0.0\n")
    try #require(afterCommand.count == 2)
    let expected = afterCommand[1].components(separatedBy: "\n```")[0]
    #expect(expected.utf8.count > 500)
    let tokenizer = try Tokenizer(folder: folder)
    let bos = try #require(tokenizer.bos)
    let replies = try Model(folder: folder).generate(
      prompts: [[bos]], options: GenerationOptions(maximumTokens: 256, stops: [bos]))
    #expect(tokenizer.decode(replies[0].tokens) == expected)
  }

  @Test(.enabled(if: SharedFixtures.has("data/text-tinystories"), "needs SURGEON_FIXTURES"))
  func lossOfFortyStories() throws {
    let stories = try #require(
      try JSONValue(file: SharedFixtures.path("data/text-tinystories/tinystories_dev700.json")).array)
    let tokenizer = try Tokenizer(folder: folder)
    let texts = try stories.prefix(40).map { story in
      Array(tokenizer.encode(try #require(story.string)).ids.prefix(512))
    }
    for text in texts { try #require(text.first == tokenizer.bos) }
    let pass = try Model(folder: folder).forward(texts)
    var (nats, tokens) = (0.0, 0)
    for (logits, text) in zip(pass.logits, texts) {
      nats += meanLoss(logits, text) * Double(text.count - 1)
      tokens += text.count - 1
    }
    #expect(
      abs(nats / Double(tokens) - 1.3069) <= 0.0005, "\(nats / Double(tokens)) nats of \(tokens) tokens")
  }
}
