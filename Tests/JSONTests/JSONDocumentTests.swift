import JSON
import Testing

@Suite struct JSONDocumentTests {
  @Test func readsInPlace() throws {
    let text =
      #" {"a": [1, -20, 3.5e2], "b\u0041": "x\ud83d\ude00\n\u00e9\ud800!", "c": {"d": null, "e": {}}, "f": "é"} "#
    let document = try JSONDocument(parsing: Array(text.utf8))
    document.withRoot { root in
      let members = root.members()
      #expect(members.keys.sorted() == ["a", "bA", "c", "f"])
      var numbers: [Double?] = []
      members["a"]?.forEachElement { numbers.append($0.double) }
      #expect(numbers == [1, -20, 350])
      #expect(members["bA"]?.string == "x\u{1F600}\n\u{E9}\u{FFFD}!")
      #expect(members["f"]?.string == "é" && members["c"]?.count == 2 && root.count == 4)
      #expect(members["c"]?.members()["d"]?.isNull == true)
      #expect(members["a"]?.isArray == true && members["a"]?.string == nil && members["f"]?.int == nil)
    }
    #expect(try document.withRoot { try $0.value() } == JSONValue(parsing: text))
  }

  @Test func integersKnowTheirBounds() throws {
    func int(_ text: String) throws -> Int? {
      try JSONDocument(parsing: Array(text.utf8)).withRoot { $0.int }
    }
    #expect(try int("-12") == -12 && int("9223372036854775807") == .max)
    #expect(try int("9223372036854775808") == nil && int("1.0") == nil && int("true") == nil)
  }

  @Test func keepsCanonicallyEquivalentKeysApart() throws {
    let document = try JSONDocument(parsing: Array("{\"\u{E9}\":1,\"e\u{301}\":2}".utf8))
    var lengths: [Int] = []
    document.withRoot { $0.forEachMember { key, _ in lengths.append(key.count) } }
    #expect(lengths == [2, 3])
  }

  @Test(arguments: [
    "", " ", "{", "[1,]", "{} x", "nul", "{'a':1}", "\"\u{0}\"", "NaN", "[1 2]", "{\"a\"}", "{\"a\":}",
    "{\"a\":1,}", "01", "1.",
    "-", "1e", "\"\\x\"", "\"\\u12g4\"", "\"", "[", "]", "{\"a\":1 \"b\":2}", "truefalse", "+1", ".5",
    "\u{FEFF}1",
  ])
  func refusesWhatIsNoJSON(text: String) {
    #expect(throws: JSONError.self) { try JSONDocument(parsing: Array(text.utf8)) }
  }

  @Test func refusesDamagedTextsAndDeepNests() {
    #expect(throws: JSONError.self) { try JSONDocument(parsing: [0x22, 0xFF, 0x22]) }
    let deep = Array(String(repeating: "[", count: 600).utf8) + Array(String(repeating: "]", count: 600).utf8)
    #expect(throws: JSONError.self) { try JSONDocument(parsing: deep) }
  }

  /// Every beginning of a valid text is refused, and never read beyond its end.
  @Test func refusesEveryBeginning() {
    let text = Array(#"{"a":[1.5e3,true,null,"\u0041\n"],"b":{"c":-0}}"#.utf8)
    for length in 0..<text.count {
      #expect(throws: JSONError.self) { try JSONDocument(parsing: Array(text[..<length])) }
    }
  }
}
