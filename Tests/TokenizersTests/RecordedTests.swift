import JSON
import Runtime
import Testing
import Tokenizers

/// What the Python package `tokenizers` made of hard texts, recorded by Scripts/record.py.
@Suite struct RecordedTests {
  static let names: [String] = {
    let files = (try? Files.list(Fixture.folder)) ?? []
    return files.filter { $0.hasSuffix(".json") && !$0.hasPrefix("texts") }.map { String($0.dropLast(5)) }
  }()

  @Test func fixturesAreThere() { #expect(Self.names.count > 40) }

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
}
