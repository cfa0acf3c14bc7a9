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

  @Test(.enabled(if: Fixture.has("tokenizers/bert"), "no shared fixtures here"))
  func bertVocabularyFolder() throws {
    let shared = Fixture.shared + "/tokenizers/bert"
    let folder = try TemporaryFolder()
    for name in ["vocab.txt", "tokenizer_config.json"] {
      try Files.write(try Files.read(shared + "/" + name), to: folder.path + "/" + name)
    }
    let tokenizer = try Tokenizer(folder: folder.path)
    let reference = try Tokenizer(folder: shared)
    #expect(tokenizer.count == 30522 && reference.count == 30522)
    let text = "Héllo wörld, unaffable [MASK] 中文 \u{1F600}!"
    #expect(tokenizer.encode(text) == reference.encode(text))
    let pair = tokenizer.encode("hello", pair: "world")
    #expect(pair.encoding.ids == [101, 7592, 102, 2088, 102] && pair.types == [0, 0, 0, 1, 1])
    #expect(pair == reference.encode("hello", pair: "world"))
    #expect(tokenizer.decode(tokenizer.encode("hello, world!").ids) == "hello, world!")
  }

  @Test(.enabled(if: Fixture.has("tokenizers/gpt2"), "no shared fixtures here"))
  func sameOnEveryThreadAndTime() async throws {
    let tokenizer = try Tokenizer(folder: Fixture.shared + "/tokenizers/gpt2")
    let texts = (0..<40).map {
      "number \($0) of some\($0 % 7)thing else, \(String(repeating: "x\($0)", count: $0))"
    }
    let first = texts.map { tokenizer.encode($0) }
    let again = await withTaskGroup(of: (Int, Encoding).self) { group in
      for (index, text) in texts.enumerated() { group.addTask { (index, tokenizer.encode(text)) } }
      return await group.reduce(into: [Int: Encoding]()) { $0[$1.0] = $1.1 }
    }
    for index in texts.indices { #expect(again[index] == first[index]) }
  }

  /// Long pieces are joined by a heap, short ones by search: both must do the same.
  @Test(arguments: [1, 7, 31, 32, 33, 64, 200, 1000])
  func shortAndLongPiecesAreJoinedAlike(length: Int) throws {
    let json = try JSONValue(
      parsing: #"""
        {"model":{"type":"BPE","vocab":{"a":0,"b":1,"ab":2,"ba":3,"aba":4,"abab":5,"bb":6},
        "merges":["a b","b b","ab a","ab ab","b a"]}}
        """#)
    let tokenizer = try Tokenizer(json: json)
    var state: UInt32 = 12345
    let letters = (0..<length).map { _ -> String in
      state = state &* 1_664_525 &+ 1_013_904_223
      return state >> 31 == 0 ? "a" : "b"
    }
    // The definition, as directly as it can be said.
    let ranks = ["a b": 0, "b b": 1, "ab a": 2, "ab ab": 3, "b a": 4]
    var symbols = letters
    while true {
      let pairs = zip(symbols, symbols.dropFirst()).map { ranks["\($0) \($1)"] ?? .max }
      guard let least = pairs.min(), least < .max, let place = pairs.firstIndex(of: least) else { break }
      symbols.replaceSubrange(place...place + 1, with: [symbols[place] + symbols[place + 1]])
    }
    #expect(tokenizer.encode(letters.joined()).ids == symbols.map { tokenizer.id(of: $0) ?? -1 })
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

  @Test func sideFilesNameTheTokens() throws {
    let folder = try TemporaryFolder()
    func write(_ text: String, _ name: String) throws { try Files.write(text, to: folder.path + "/" + name) }
    try write(
      #"{"model":{"type":"WordLevel","vocab":{"a":0,"<s>":1,"</s>":2,"<e>":3,"?":4},"unk_token":"?"},"pre_tokenizer":{"type":"WhitespaceSplit"}}"#,
      "tokenizer.json")
    #expect(try Tokenizer(folder: folder.path).bos == nil)
    try write(#"{"bos_token_id": 1, "eos_token_id": [3, 2, 99]}"#, "generation_config.json")
    var tokenizer = try Tokenizer(folder: folder.path)
    #expect(tokenizer.bos == 1 && tokenizer.eos == 3 && tokenizer.endTokens == [3, 2])
    #expect(tokenizer.encode("a</s>").ids == [4])
    try write(
      #"{"eos_token": {"content": "</s>"}, "bos_token": "<s>", "add_bos_token": true}"#,
      "tokenizer_config.json")
    tokenizer = try Tokenizer(folder: folder.path)
    #expect(tokenizer.bos == 1 && tokenizer.eos == 2 && tokenizer.endTokens == [2, 3])
    let encoding = tokenizer.encode("a</s>")
    #expect(encoding.ids == [1, 0, 2] && encoding.special == [true, false, true])
    #expect(encoding.offsets == [0..<0, 0..<1, 1..<5] && tokenizer.isSpecial(2) && !tokenizer.isSpecial(3))
    #expect(tokenizer.encode("a</s>", recognizesSpecialTokens: false).ids == [1, 4])
    #expect(tokenizer.encode("a", addSpecialTokens: false).ids == [0])
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
