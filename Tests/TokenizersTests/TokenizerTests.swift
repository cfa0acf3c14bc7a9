import JSON
import Runtime
import Testing
import Tokenizers

@Suite struct TokenizerTests {
  @Test(.enabled(if: Fixture.has("models/stories260K/hf"), "no shared fixtures here"))
  func llamaFolder() throws {
    let tokenizer = try Tokenizer(folder: Fixture.shared + "/models/stories260K/hf")
    #expect(tokenizer.count == 512)
    #expect(tokenizer.bos == 1 && tokenizer.eos == 2 && tokenizer.endTokens == [2])
    let text = "Once upon a time, there was a café."
    let encoding = tokenizer.encode(text)
    #expect(encoding.ids.first == 1 && encoding.special.first == true && encoding.offsets.first == 0..<0)
    #expect(encoding.special.dropFirst().allSatisfy { !$0 })
    #expect(encoding.offsets.last == text.utf8.count - 1..<text.utf8.count)
    #expect(tokenizer.decode(encoding.ids) == text)
    #expect(tokenizer.decode(encoding.ids, skipSpecialTokens: false) == "<s> " + text)
    #expect(tokenizer.encode("").ids == [1])
    #expect(tokenizer.encode("", addSpecialTokens: false).ids.isEmpty)
    #expect(tokenizer.token(1) == "<s>" && tokenizer.id(of: "▁the") != nil && tokenizer.token(512) == nil)
  }

  @Test(.enabled(if: Fixture.has("tokenizers/gpt2"), "no shared fixtures here"))
  func gpt2MergesFolder() throws {
    let shared = Fixture.shared + "/tokenizers/gpt2"
    let folder = try TemporaryFolder()
    for name in ["vocab.json", "merges.txt"] {
      try Files.write(try Files.read(shared + "/" + name), to: folder.path + "/" + name)
    }
    let tokenizer = try Tokenizer(folder: folder.path)
    let reference = try Tokenizer(folder: shared)
    #expect(tokenizer.count == 50257 && tokenizer.eos == 50256 && tokenizer.bos == 50256)
    let text = "naïve café, 12345 \u{1F468}\u{200D}\u{1F469}  end\n\n"
    #expect(tokenizer.encode(text) == reference.encode(text))
    #expect(tokenizer.decode(tokenizer.encode(text).ids) == text)
    #expect(tokenizer.encode("a<|endoftext|>").ids == [64, 50256])
    #expect(reference.id(of: "Ġthe") == 262 && reference.token(262) == "Ġthe")
    #expect(tokenizer.sha256 != reference.sha256)
    #expect(reference.sha256 == (try Files.sha256(shared + "/tokenizer.json")))
  }

  @Test(.enabled(if: Fixture.has("models/makemore-names/hf"), "no shared fixtures here"))
  func characterFolder() throws {
    let tokenizer = try Tokenizer(folder: Fixture.shared + "/models/makemore-names/hf")
    #expect(tokenizer.count == 27 && tokenizer.bos == 0 && tokenizer.eos == 0)
    let encoding = tokenizer.encode("emma")
    #expect(encoding.ids == [0, 5, 13, 13, 1])
    #expect(tokenizer.decode(encoding.ids) == "emma")
    #expect(tokenizer.encode("aéb").unencodable == [1..<3])
  }

  @Test(.enabled(if: Fixture.has("models/gpt-nano-sort/hf"), "no shared fixtures here"))
  func folderWithoutTokenizer() {
    let error = #expect(throws: TokenizerError.self) {
      try Tokenizer(folder: Fixture.shared + "/models/gpt-nano-sort/hf")
    }
    #expect(error?.code == "TOKENIZER_MISSING" && error?.found.contains("config.json") == true)
  }

  @Test func canonicallyEquivalentTokensAreTwo() throws {
    let json = try JSONValue(parsing: #"{"model":{"type":"WordLevel","vocab":{"é":0},"unk_token":"x"}}"#)
    #expect(try Tokenizer(json: json).encode("e\u{301}").ids.isEmpty)
    #expect(try Tokenizer(json: json).encode("\u{E9}").ids == [0])
    let folder = try TemporaryFolder()
    try Files.write(
      "{\"model\":{\"type\":\"WordLevel\",\"vocab\":{\"\u{E9}\":0,\"e\u{301}\":1}}}",
      to: folder.path + "/tokenizer.json")
    let tokenizer = try Tokenizer(folder: folder.path)
    #expect(tokenizer.encode("\u{E9}").ids == [0] && tokenizer.encode("e\u{301}").ids == [1])
  }
}
