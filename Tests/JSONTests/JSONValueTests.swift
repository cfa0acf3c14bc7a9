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
}
