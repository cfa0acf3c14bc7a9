import JSON
import Runtime
import Testing
import Tokenizers

/// What the Python package `tokenizers` made of hard texts, recorded by Scripts/record.py.
@Suite struct RecordedTests {
  static let names: [String] = {
    let files = (try? Files.list(Fixture.folder)) ?? []
    return files.filter {
      $0.hasSuffix(".json") && !$0.hasPrefix("texts") && !$0.hasPrefix("pairs-") && !$0.hasPrefix("lists-")
    }.map { String($0.dropLast(5)) }
  }()

  @Test func fixturesAreThere() { #expect(Self.names.count > 60) }

  @Test(arguments: names)
  func equalsTheRecord(name: String) throws {
    let record = try JSONValue(file: Fixture.folder + "/" + name + ".json")
    let list = name == "added" ? "texts-added" : "texts"
    let texts = try #require(try JSONValue(file: Fixture.folder + "/" + list + ".json").array)
    let tokenizer = try Tokenizer(json: try #require(record["tokenizer"]), source: name)
    let offsets = try #require(record["offsets"]?.array)
    #expect(offsets.count >= 12)
    for (index, expected) in offsets.enumerated() {
      let text = try #require(texts[index].string)
      let encoding = tokenizer.encode(text)
      let numbers = try #require(expected.array).compactMap(\.int)
      let ranges = stride(from: 0, to: numbers.count, by: 2).map { numbers[$0]..<numbers[$0 + 1] }
      let known = record["ids"]?.array?[index].array
      let ids: [Int32] = known.map { $0.compactMap(\.int).map(Int32.init) } ?? ranges.map { _ in 0 }
      #expect(encoding.ids == ids, "\(name), ids of \(text.debugDescription)")
      #expect(encoding.offsets == ranges, "\(name), offsets of \(text.debugDescription)")
      guard let decoded = record["decoded"]?.array?[index].array else { continue }
      #expect(
        Array(tokenizer.decode(ids).utf8) == Array((decoded[0].string ?? "").utf8),
        "\(name), decoding of \(text.debugDescription)")
      #expect(
        Array(tokenizer.decode(ids, skipSpecialTokens: false).utf8) == Array((decoded[1].string ?? "").utf8),
        "\(name), decoding of \(text.debugDescription) with special tokens")
    }
  }

  @Test(arguments: ["bert", "roberta", "template", "sequence", "bytelevel", "none"])
  func pairsEqualTheRecord(name: String) throws {
    let record = try JSONValue(file: Fixture.folder + "/pairs-\(name).json")
    let tokenizer = try Tokenizer(json: try #require(record["tokenizer"]), source: name)
    let cases = try #require(record["cases"]?.array)
    #expect(cases.count == 10)
    for one in cases {
      let texts = try #require(one["texts"]?.array).compactMap(\.string)
      let pair = tokenizer.encode(texts[0], pair: texts[1], addSpecialTokens: one["special"]?.bool ?? true)
      func numbers(_ key: String) -> [Int] { one[key]?.array?.compactMap(\.int) ?? [] }
      #expect(pair.encoding.ids.map(Int.init) == numbers("ids"), "\(name) \(texts)")
      #expect(pair.types.map(Int.init) == numbers("types"), "\(name), types of \(texts)")
      #expect(pair.texts.map { $0 ?? -1 } == numbers("sequences"), "\(name), texts of \(texts)")
      #expect(
        pair.encoding.offsets.flatMap { [$0.lowerBound, $0.upperBound] } == numbers("offsets"),
        "\(name), offsets of \(texts)")
    }
  }

  @Test func listsOfIDsDecodeAsRecorded() throws {
    let record = try JSONValue(file: Fixture.folder + "/lists-ctc.json")
    let tokenizer = try Tokenizer(json: try #require(record["tokenizer"]), source: "ctc")
    let lists = try #require(record["lists"]?.array)
    #expect(lists.count > 4)
    for (index, list) in lists.enumerated() {
      let ids = (list.array ?? []).compactMap(\.int).map(Int32.init)
      #expect(tokenizer.decode(ids) == record["texts"]?.array?[index].string, "\(ids)")
    }
  }
}
