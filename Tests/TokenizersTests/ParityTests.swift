import JSON
import Testing
import Tokenizers

/// Recorded ids of hard texts: `parity_dev.json` of the shared fixtures.
@Suite(.enabled(if: Fixture.has("tokenizers/parity_dev.json"), "no shared fixtures here"))
struct ParityTests {
  @Test(arguments: [
    ("tokenizers/gpt2", "gpt2"), ("models/stories260K/hf", "tok512_spm"),
    ("tokenizers/bert", "bert_uncased"),
  ])
  func recordedIDs(folder: String, key: String) throws {
    let tokenizer = try Tokenizer(folder: Fixture.shared + "/" + folder)
    let cases = try #require(try JSONValue(file: Fixture.shared + "/tokenizers/parity_dev.json").array)
    #expect(cases.count > 10)
    for recorded in cases {
      let text = try #require(recorded["text"]?.string)
      let expected = try #require(recorded[key]?.array).compactMap(\.int).map(Int32.init)
      let encoding = tokenizer.encode(
        text, addSpecialTokens: key == "bert_uncased", recognizesSpecialTokens: key == "bert_uncased")
      #expect(encoding.ids == expected, "\(key): \(text.debugDescription)")
    }
  }
}
