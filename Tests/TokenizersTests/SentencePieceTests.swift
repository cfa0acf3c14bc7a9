import Glibc
import JSON
import Runtime
import Testing

@testable import Tokenizers

/// Sentencepiece models by themselves, against ids that Scripts/record_sentencepiece.py recorded.
@Suite struct SentencePieceTests {
  /// Small models of the package's own trainer, and the real ones outside of the package.
  static let names = ["unigram", "unigram-bytes", "bpe", "bpe-bytes", "unigram-plain", "bpe-suffix"]
  static var models: [String] {
    names.map { Fixture.folder + "/sentencepiece/\($0).model" }
      + (getenv("SURGEON_SENTENCEPIECE").map { String(cString: $0).split(separator: ":").map(String.init) }
        ?? [])
      + ["/models/stories260K/tok512.model", "/tokenizers/llama2/tokenizer.model"].map { Fixture.shared + $0 }
  }

  static func pipeline(_ path: String) throws -> Pipeline {
    var pipeline = try Pipeline(try SentencePieceFile(try Files.read(path), source: path), source: path)
    pipeline.prepare()
    return pipeline
  }

  static func ids(_ pipeline: Pipeline, _ text: String) -> [Int32] {
    var text = text
    return text.withUTF8 {
      pipeline.encode($0, Scratch(), addSpecialTokens: false, recognizesSpecial: false).ids
    }
  }

  @Test(arguments: names)
  func equalsTheRecord(name: String) throws {
    let record = try JSONValue(file: Fixture.folder + "/sentencepiece/\(name).json")
    let pipeline = try Self.pipeline(Fixture.folder + "/sentencepiece/\(name).model")
    let cases = try #require(record["cases"]?.array)
    #expect(cases.count > 50)
    for one in cases {
      let text = try #require(one["text"]?.string)
      let ids = try #require(one["ids"]?.array).compactMap(\.int).map(Int32.init)
      #expect(Self.ids(pipeline, text) == ids, "\(name), ids of \(text.debugDescription)")
      #expect(
        Array(pipeline.decode(ids, skipSpecialTokens: true).utf8)
          == Array((one["decoded"]?.string ?? "").utf8),
        "\(name), decoding of \(text.debugDescription)")
    }
  }

  @Test(.enabled(if: Fixture.has("models/stories260K/hf"), "no shared fixtures here"))
  func folderWithAModelOnly() throws {
    let shared = Fixture.shared + "/models/stories260K/hf"
    let folder = try TemporaryFolder()
    for name in ["tokenizer.model", "tokenizer_config.json", "config.json"] {
      try Files.write(try Files.read(shared + "/" + name), to: folder.path + "/" + name)
    }
    let tokenizer = try Tokenizer(folder: folder.path)
    let reference = try Tokenizer(folder: shared)
    #expect(tokenizer.count == 512 && tokenizer.bos == 1 && tokenizer.eos == 2)
    for text in ["Once upon a time", "café \u{1F600}\n\nA", "x"] {
      #expect(tokenizer.encode(text).ids == reference.encode(text).ids)
      #expect(tokenizer.encode(text).offsets == reference.encode(text).offsets)
      #expect(tokenizer.decode(tokenizer.encode(text).ids) == text)
    }
    try Files.write(
      #"{"tokenizer_class": "XLMRobertaTokenizer"}"#, to: folder.path + "/tokenizer_config.json")
    let error = #expect(throws: TokenizerError.self) { try Tokenizer(folder: folder.path) }
    #expect(error?.code == "TOKENIZER_UNKNOWN_KIND" && error?.found.contains("XLMRobertaTokenizer") == true)
  }

  /// Writes one field of bytes in the wire format.
  private static func field(_ number: UInt8, _ bytes: [UInt8]) -> [UInt8] {
    precondition(bytes.count < 128)
    return [number << 3 | 2, UInt8(bytes.count)] + bytes
  }

  private static func piece(_ text: String, _ kind: UInt8) -> [UInt8] {
    field(1, field(1, Array(text.utf8)) + [0x15, 0, 0, 0x80, 0xBF, 0x18, kind])
  }

  @Test func damagedFilesAreRefused() throws {
    let good = Self.piece("<unk>", 2) + Self.piece("a", 1)
    #expect(try SentencePieceFile(good, source: "x").pieces.count == 2)
    var damaged: [[UInt8]] = [
      [], [0], Self.piece("a", 1), Self.piece("<unk>", 2) + Self.piece("<unk>", 2),
      good + Self.piece("a", 1), good + Self.piece("", 1), good + Self.piece("b", 9),
      good + Self.field(1, Self.field(1, [0xFF]) + [0x18, 1]),
      good + Self.field(1, Self.field(1, [0x62]) + [0x15, 0, 0, 0xC0, 0x7F]),
      good + [0x0A, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01],
      good + [0x0A, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F],
      good + [0x0A, 0x80], good + [0x0B], good + [0x0C], good + [0x02, 0], good + [0x0D, 0, 0],
      good + [0x09, 0, 0, 0, 0], good + Self.field(2, [0x18, 9]), good + Self.field(1, [0x0A, 0x7F, 0x61]),
    ]
    for end in 1..<good.count where end != Self.piece("<unk>", 2).count {
      damaged.append(Array(good[..<end]))
    }
    for bytes in damaged {
      let error = #expect(throws: TokenizerError.self) { try SentencePieceFile(bytes, source: "x.model") }
      #expect(error?.code == "TOKENIZER_MALFORMED" && error?.found.contains("x.model") == true, "\(bytes)")
    }
    // Bytes flipped anywhere end in a model or an error.
    for index in good.indices {
      for bit in 0..<8 {
        var bytes = good
        bytes[index] ^= 1 << UInt8(bit)
        guard let file = try? SentencePieceFile(bytes, source: "x"),
          let pipeline = try? Pipeline(file, source: "x")
        else { continue }
        _ = Self.ids(pipeline, "aab a")
      }
    }
  }

  @Test func brokenPartsAreNamed() throws {
    func code(_ bytes: [UInt8]) -> String? {
      do {
        _ = try Pipeline(try SentencePieceFile(bytes, source: "x"), source: "x")
        return nil
      } catch { return (error as? any SurgeonError)?.code }
    }
    let good = Self.piece("<unk>", 2) + Self.piece("a", 1)
    #expect(code(good) == nil)
    #expect(code(good + Self.field(3, Self.field(2, [1, 2, 3]))) == "TOKENIZER_MALFORMED")
    #expect(code(good + Self.field(3, Self.field(2, [0xFF, 0xFF, 0xFF, 0xFF, 1]))) == "TOKENIZER_MALFORMED")
    // Byte fallback without bytes, a model of words, unused pieces under BPE.
    #expect(code(good + Self.field(2, [0x98, 0x02, 1])) == "TOKENIZER_MALFORMED")
    #expect(code(good + Self.field(2, [0x18, 3])) == "TOKENIZER_UNKNOWN_KIND")
    #expect(code(good + Self.field(2, [0x18, 2]) + Self.piece("b", 5)) == "TOKENIZER_UNKNOWN_KIND")
    // A charsmap whose every unit points somewhere: look-ups stay inside.
    for byte: UInt8 in [0x00, 0x61, 0x7F, 0xFF] {
      let map = [16, 0, 0, 0] + [UInt8](repeating: byte, count: 16) + Array("b\0".utf8)
      guard let file = try? SentencePieceFile(good + Self.field(3, Self.field(2, map)), source: "x"),
        let pipeline = try? Pipeline(file, source: "x")
      else { continue }
      _ = Self.ids(pipeline, "a\u{0}b é\u{7F}")
    }
  }
}
