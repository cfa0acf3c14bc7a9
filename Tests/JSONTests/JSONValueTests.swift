import JSON
import Testing

@Suite struct JSONValueTests {
  @Test func roundTripKeepsOrderAndNumbers() throws {
    let text = #"{"b":1,"a":[0.1,-2,1e+300,true,null,"é/\n"],"c":{}}"#
    let value = try JSONValue(parsing: text)
    #expect(value["b"]?.int == 1)
    #expect(try value.text() == #"{"b":1,"a":[0.1,-2,1e+300,true,null,"é/\n"],"c":{}}"#)
    #expect(try JSONValue(parsing: value.text(.pretty)) == value)
  }

  @Test(arguments: ["", "{", "[1,]", "{} x", "nul", "{'a':1}", "\"\u{0}", "NaN", "[1 2]"])
  func refusesWhatIsNoJSON(text: String) {
    #expect(throws: JSONError.self) { try JSONValue(parsing: text) }
  }

  @Test func refusesNumbersThatJSONCannotSay() {
    #expect(throws: JSONError.self) { try JSONValue.array([.number(.nan)]).text() }
  }

  @Test func keepsTopLevelNumbersAndZeroBytes() throws {
    #expect(try JSONValue(parsing: "12") == 12)
    #expect(try JSONValue(parsing: #""a\u0000b""#).string == "a\u{0}b")
  }

  /// json-c takes U+1D800 to U+1DFFF (and their like in further planes) for halves when they are written as escapes.
  @Test func readsEveryPairOfEscapes() throws {
    for value in stride(from: UInt32(0x10000), to: 0x110000, by: 0xFF) {
      let low = String(0xDC00 + (value & 0x3FF), radix: 16)
      let high = String(0xD800 + (value - 0x10000) >> 10, radix: 16)
      let text = try JSONValue(parsing: #"["\\\u\#(high)\u\#(low)", 7 ]"#)
      #expect(text.array?.first?.string?.unicodeScalars.map(\.value) == [0x5C, value] || value == 0)
    }
    #expect(
      try JSONValue(parsing: #"{"a\ud836\udc00b\\ud836":"\ud83d\ude00"}"#)["a\u{1D800}b\\ud836"]?.string
        == "\u{1F600}")
  }
}
