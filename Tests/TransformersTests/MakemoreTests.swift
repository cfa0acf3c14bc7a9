import JSON
import Runtime
import TestSupport
import Testing
import Transformers

/// makemore-names: a trained GPT-2 layout with an untied head that spells names a letter at a time.
@Suite(.enabled(if: SharedFixtures.has("models/makemore-names"), "needs SURGEON_FIXTURES"))
struct MakemoreTests {
  /// Token 0 begins and ends a name, 1 to 26 are the letters.
  private func tokens(_ name: some StringProtocol) -> [Int32] {
    [0] + name.utf8.map { Int32($0) - Int32(UInt8(ascii: "a")) + 1 }
  }

  /// The loss that its source names: 1.736 nats a letter over the first 4,000 names, ends counted.
  @Test func lossOfNames() throws {
    let model = try Model(folder: SharedFixtures.path("models/makemore-names/hf"))
    let names = try Files.readText(SharedFixtures.path("models/makemore-names/names.txt"))
      .split(separator: "\n").prefix(4000)
    #expect(names.count == 4000)
    // The end is predicted from the last letter, so every text is scored with a 0 behind it.
    var (sum, count) = (0.0, 0)
    let texts = names.map { tokens($0) }
    for (text, logits) in zip(texts, try model.forward(texts).logits) {
      sum += meanLoss(logits, text + [0]) * Double(text.count)
      count += text.count
    }
    let loss = sum / Double(count)
    #expect(abs(loss - 1.736) < 5e-4, "\(loss) nats a letter")
  }

  /// The names that its source shows are likely under it, far above shuffled letters.
  @Test func namesItSpells() throws {
    let model = try Model(folder: SharedFixtures.path("models/makemore-names/hf"))
    for (name, shuffled) in [("saphria", "rhpaisa"), ("madlie", "dlmeia"), ("jadiel", "ljdeia")] {
      let losses = try [name, shuffled].map { word in
        let text = tokens(word)
        return meanLoss(try model.forward([text]).logits[0], text + [0])
      }
      #expect(losses[0] + 0.5 < losses[1], "\(name): \(losses)")
    }
  }
}
