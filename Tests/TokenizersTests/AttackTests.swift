import JSON
import Runtime
import Testing

@testable import Tokenizers

/// Files that want to crash the reader, fill the memory or take forever end in an error or a tokenizer that works.
@Suite(.timeLimit(.minutes(2))) struct AttackTests {
  static let small = #"""
    {"added_tokens":[{"id":5,"content":"<s>","special":true,"lstrip":true,"rstrip":true}],
    "normalizer":{"type":"Sequence","normalizers":[{"type":"NFC"},{"type":"Replace","pattern":{"Regex":"a{2,3}"},"content":"b"}]},
    "pre_tokenizer":{"type":"Split","pattern":{"Regex":"\\s+(?!\\S)|[^ab]"},"behavior":"Isolated","invert":false},
    "post_processor":{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"<s>","type_id":0}},{"Sequence":{"id":"A","type_id":0}}],
    "pair":[],"special_tokens":{"<s>":{"id":"<s>","ids":[5],"tokens":["<s>"]}}},"decoder":{"type":"ByteFallback"},
    "model":{"type":"BPE","unk_token":"u","fuse_unk":true,"vocab":{"a":0,"b":1,"ab":2,"aba":3,"u":4},"merges":["a b",["ab","a"]]}}
    """#

  private func read(_ bytes: [UInt8]) -> Tokenizer? {
    guard var pipeline = try? Pipeline(bytes: bytes, source: "x") else { return nil }
    pipeline.prepare()
    return Tokenizer(pipeline: pipeline, facts: TokenizerFacts(), sha256: "")
  }

  private func use(_ tokenizer: Tokenizer) {
    for text in ["", "abaab <s> aaé\u{301}  \u{1F600}u", "\r\n\0"] {
      let encoding = tokenizer.encode(text)
      _ = tokenizer.decode(encoding.ids + [0, -1, .max, .min])
      _ = tokenizer.encode(text, pair: text)
    }
    _ = (tokenizer.token(-1), tokenizer.token(.max), tokenizer.isSpecial(-7), tokenizer.count)
  }

  @Test func everyTruncationIsAnError() throws {
    let bytes = Array(Self.small.utf8)
    use(try #require(read(bytes)))
    for end in 0..<bytes.count { #expect(read(Array(bytes[..<end])) == nil, "\(end) bytes") }
  }

  @Test func flippedBitsNeverCrash() {
    let bytes = Array(Self.small.utf8)
    var taken = 0
    for index in bytes.indices {
      for bit in 0..<8 {
        var changed = bytes
        changed[index] ^= 1 << UInt8(bit)
        if let tokenizer = read(changed) {
          taken += 1
          use(tokenizer)
        }
      }
    }
    #expect(taken > 0)
  }

  @Test(arguments: ["[", #"{"a":"#, #"{"normalizer":{"normalizers":["#])
  func deepNestingIsRefused(opening: String) {
    #expect(read(Array(String(repeating: opening, count: 200_000).utf8)) == nil)
  }

  @Test func nestedSequencesAreReadToTheLimitOfJSON() {
    for kind in ["normalizer", "pre_tokenizer", "decoder", "post_processor"] {
      let list = ["normalizer": "normalizers", "pre_tokenizer": "pretokenizers", "decoder": "decoders"][kind]
      let open = #"{"type":"Sequence","\#(list ?? "processors")":["#
      for depth in [100, 5000] {
        let nested = String(repeating: open, count: depth) + String(repeating: "]}", count: depth)
        let text = #"{"\#(kind)":\#(nested),"model":{"type":"WordLevel","vocab":{"a":0},"unk_token":"a"}}"#
        #expect((read(Array(text.utf8)) != nil) == (depth == 100))
      }
    }
  }

  @Test(arguments: [
    #"{"model":{"type":"BPE","vocab":{"a":1e999},"merges":[]}}"#,
    #"{"model":{"type":"BPE","vocab":{"a":9223372036854775808},"merges":[]}}"#,
    #"{"model":{"type":"BPE","vocab":{"a":16777216},"merges":[]}}"#,
    #"{"model":{"type":"BPE","vocab":{"a":1.5},"merges":[]}}"#,
    #"{"model":{"type":"BPE","vocab":{"a":0},"merges":["a  a"]}}"#,
    #"{"model":{"type":"BPE","vocab":{"a":0},"merges":[["a","a","a"]]}}"#,
    #"{"model":{"type":"BPE","vocab":{"a":0},"merges":[7]}}"#,
    #"{"model":{"type":"Unigram","unk_id":-1,"vocab":[["a",-1]]}}"#,
    #"{"model":{"type":"Unigram","unk_id":99999999999999999999,"vocab":[["a",-1]]}}"#,
    #"{"model":{"type":"Unigram","unk_id":0,"vocab":[["a",-1e999]]}}"#,
    #"{"model":{"type":"WordPiece","max_input_chars_per_word":-5,"vocab":{"[UNK]":0}}}"#,
    #"{"pre_tokenizer":{"type":"FixedLength","length":99999999999999999999},"model":{"type":"WordLevel","vocab":{"a":0}}}"#,
  ])
  func strangeNumbers(json: String) {
    // Either an error, or a tokenizer that works.
    if let tokenizer = read(Array(json.utf8)) { use(tokenizer) }
  }

  /// A token that contains another again and again must not make the search quadratic.
  @Test func manyAddedTokensOfOneBeginning() throws {
    let list = (1...300).map { #"{"id":\#($0),"content":"\#(String(repeating: "a", count: $0))b"}"# }.joined(
      separator: ",")
    let text = #"{"added_tokens":[\#(list)],"model":{"type":"WordLevel","vocab":{"a":0},"unk_token":"a"}}"#
    let tokenizer = try #require(read(Array(text.utf8)))
    #expect(tokenizer.encode(String(repeating: "a", count: 20_000)).count == 1)
  }

  @Test func longPiecesTakeNoSquareOfTheirLength() throws {
    let tokenizer = try #require(read(Array(Self.small.utf8)))
    #expect(tokenizer.encode(String(repeating: "ba", count: 200_000)).count > 100_000)
    var marks = AlignedText(bytes: Array(String(repeating: "\u{301}\u{323}", count: 100_000).utf8))
    marks.normalize(.nfc)
    #expect(marks.bytes.count == 400_000)
  }
}
