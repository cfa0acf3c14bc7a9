import JSON
import Runtime
import Testing
import Tokenizers

/// What is not known is refused by name: never a near match.
@Suite struct UnknownKindTests {
  static let model = #""model":{"type":"WordLevel","vocab":{"a":0},"unk_token":"a"}"#

  @Test(arguments: [
    (#"{"model":{"type":"Morfessor","vocab":{}}}"#, "model", "Morfessor"),
    (#"{"model":{"vocab":{}}}"#, "model", "without a type"),
    (#"{"model":{"type":"BPE","vocab":{},"merges":[],"dropout":0.1}}"#, "model", "dropout 0.1"),
    (#"{"normalizer":{"type":"Upper"},\#(model)}"#, "normalizer", "Upper"),
    (
      #"{"normalizer":{"type":"Sequence","normalizers":[{"type":"NFC"},{"type":"Odd"}]},\#(model)}"#,
      "normalizer", "Odd"
    ),
    (
      #"{"normalizer":{"type":"Replace","pattern":{"Regex":"(x)\\1"},"content":""},\#(model)}"#,
      "normalizer", "a backreference"
    ),
    (#"{"pre_tokenizer":{"type":"Sentences"},\#(model)}"#, "pre_tokenizer", "Sentences"),
    (
      #"{"pre_tokenizer":{"type":"Split","pattern":{"Regex":" ?\\p{Emoji}+|."},"behavior":"Isolated"},\#(model)}"#,
      "pre_tokenizer", #"the property \p{Emoji}"#
    ),
    (
      #"{"pre_tokenizer":{"type":"Split","pattern":{"String":" "},"behavior":"Mixed"},\#(model)}"#,
      "pre_tokenizer",
      "Mixed"
    ),
    (#"{"pre_tokenizer":{"type":"Metaspace","prepend_scheme":"odd"},\#(model)}"#, "pre_tokenizer", "odd"),
    (#"{"post_processor":{"type":"PairOnly"},\#(model)}"#, "post_processor", "PairOnly"),
    (#"{"decoder":{"type":"Morse"},\#(model)}"#, "decoder", "Morse"),
  ])
  func refusedByName(json: String, part: String, kind: String) throws {
    let value = try JSONValue(parsing: json)
    let error = #expect(throws: TokenizerError.self) { try Tokenizer(json: value, source: "x.json") }
    #expect(error?.code == "TOKENIZER_UNKNOWN_KIND" && error?.exitCode == .unsupported)
    #expect(error?.found.contains(part) == true && error?.found.contains(kind) == true)
    #expect(error?.description.contains("x.json") == true)
  }

  @Test(arguments: [
    #"{}"#, #"{"model":3}"#, #"{"model":{"type":"BPE"}}"#,
    #"{"model":{"type":"BPE","vocab":{"a":-1},"merges":[]}}"#,
    #"{"model":{"type":"BPE","vocab":{"a":99999999999},"merges":[]}}"#,
    #"{"model":{"type":"BPE","vocab":{"a":"0"},"merges":[]}}"#,
    #"{"model":{"type":"BPE","vocab":{"a":0},"merges":["ab"]}}"#,
    #"{"model":{"type":"BPE","vocab":{"a":0},"merges":["a b"]}}"#,
    #"{"model":{"type":"BPE","vocab":{"a":0,"b":1},"merges":[["a","b"]]}}"#,
    #"{"model":{"type":"BPE","vocab":{"a":0},"merges":[["a"]]}}"#,
    #"{"model":{"type":"Unigram","vocab":{"a":0}}}"#,
    #"{"model":{"type":"Unigram","vocab":[["a"]]}}"#,
    #"{"model":{"type":"Unigram","unk_id":7,"vocab":[["a",-1]]}}"#,
    #"{"pre_tokenizer":{"type":"Split","pattern":{"Regex":"(a"},"behavior":"Isolated"},\#(model)}"#,
    #"{"pre_tokenizer":{"type":"Split","pattern":{"Regex":"[b-a]"},"behavior":"Isolated"},\#(model)}"#,
    #"{"pre_tokenizer":{"type":"Split","pattern":7,"behavior":"Isolated"},\#(model)}"#,
    #"{"pre_tokenizer":{"type":"FixedLength","length":-1},\#(model)}"#,
    #"{"pre_tokenizer":{"type":"CharDelimiterSplit","delimiter":""},\#(model)}"#,
    #"{"normalizer":{"type":"Precompiled","precompiled_charsmap":"!!!"},\#(model)}"#,
    #"{"normalizer":{"type":"Precompiled","precompiled_charsmap":"/////w=="},\#(model)}"#,
    #"{"normalizer":{"type":"Precompiled","precompiled_charsmap":"EAAAAAAAAAA="},\#(model)}"#,
    #"{"added_tokens":[{"content":"x"}],\#(model)}"#,
    #"{"added_tokens":[{"id":-5,"content":"x"}],\#(model)}"#,
    #"{"added_tokens":[{"id":5000000000,"content":"x"}],\#(model)}"#,
    #"{"post_processor":{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"x"}}]},\#(model)}"#,
    #"{"post_processor":{"type":"BertProcessing","sep":["x"],"cls":["y",1]},\#(model)}"#,
    #"{"post_processor":{"type":"BertProcessing","sep":["x",9000000000],"cls":["y",1]},\#(model)}"#,
  ])
  func refusedAsMalformed(json: String) throws {
    let value = try JSONValue(parsing: json)
    let error = #expect(throws: TokenizerError.self) { try Tokenizer(json: value) }
    #expect(error?.code == "TOKENIZER_MALFORMED" && error?.exitCode == .badData)
  }

  @Test func foldersOfUnknownKinds() throws {
    let folder = try TemporaryFolder()
    func code() -> String? {
      do {
        _ = try Tokenizer(folder: folder.path)
        return nil
      } catch { return (error as? any SurgeonError)?.code }
    }
    #expect(code() == "TOKENIZER_MISSING")
    try Files.write("x", to: folder.path + "/tokenizer.model")
    #expect(code() == "TOKENIZER_MALFORMED")
    try Files.remove(folder.path + "/tokenizer.model")
    try Files.write(#"{"hello": 0, "world": 1}"#, to: folder.path + "/vocab.json")
    #expect(code() == "TOKENIZER_UNKNOWN_KIND")
    try Files.write("#version: 0.2\n", to: folder.path + "/merges.txt")
    #expect(code() == nil)
    try Files.write(#"{"tokenizer_class": "CLIPTokenizer"}"#, to: folder.path + "/tokenizer_config.json")
    #expect(code() == "TOKENIZER_UNKNOWN_KIND")
    try Files.write("{\"model\": {", to: folder.path + "/tokenizer.json")
    #expect(code() == "JSON_SYNTAX")
    #expect(throws: FileError.self) { try Tokenizer(folder: folder.path + "/nowhere") }
  }
}
