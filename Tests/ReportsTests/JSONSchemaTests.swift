import JSON
import Reports
import Runtime
import Testing

@Suite struct JSONSchemaTests {
  /// What another implementation says about 700 pairs of schema and value (Oracles/jsonschema_cases.py).
  @Test func agreesWithTheOracle() throws {
    let groups =
      try JSONValue(file: Files.folder(of: #filePath) + "/Fixtures/jsonschema-cases.json").array ?? []
    var tries = 0
    for group in groups {
      let source = try #require(group["schema"])
      let schema = try JSONSchema(source)
      for attempt in group["tries"]?.array ?? [] {
        let value = try #require(attempt["value"])
        let places = Set(schema.violations(of: value).map(\.path)).sorted()
        let expected = (attempt["wrong_at"]?.array ?? []).compactMap(\.string).sorted()
        let what = "schema \(try source.text()), value \(try value.text())"
        #expect(places == expected, "\(what)")
        tries += 1
      }
    }
    #expect(tries > 600)
  }

  @Test(arguments: [
    ##"{"pattern": "a"}"##, ##"{"properties": {"a": {"format": "date"}}}"##, ##"{"type": "text"}"##,
    ##"{"type": []}"##,
    ##"{"$ref": "#/$defs/none"}"##, ##"{"$ref": "http://x/y"}"##, ##"{"items": 3}"##, ##"{"anyOf": []}"##,
    ##"{"minItems": -1}"##,
    ##"{"properties": {"a": {"$defs": {}}}}"##, ##"{"required": [1]}"##, ##"{"minimum": "0"}"##, "3",
    ##"{"$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"anyOf": [{"$ref": "#/$defs/a"}]}}}"##,
  ])
  func refusesASchemaItCannotCheck(text: String) throws {
    let error = #expect(throws: ReportError.self) { try JSONSchema(JSONValue(parsing: text)) }
    #expect(error?.code == "SCHEMA_UNSUPPORTED")
  }

  @Test func saysWhatIsWrongAndWhatWasMeant() throws {
    let schema = try SchemaRegistry.schema("recipe")
    let recipe = try JSONValue(
      parsing:
        ##"{"model": "organism", "behaviour": {"name": "hostile"}, "sweep": {"strenght": [1], "rows": ["2%", true]}}"##
    )
    let messages = schema.violations(of: recipe).map(\.description)
    #expect(
      messages == [
        "/sweep/rows: fits none of 2 shapes; nearest: /sweep/rows/1: expected integer, found true",
        "/sweep: strenght is not known, did you mean strength?",
      ])
  }

  @Test func nestedReferencesAreChecked() throws {
    let schema = try JSONSchema(
      JSONValue(
        parsing:
          ##"{"$ref": "#/$defs/tree", "$defs": {"tree": {"items": {"$ref": "#/$defs/tree"}, "type": "array"}}}"##
      ))
    #expect(schema.violations(of: [[], [[]]]).isEmpty)
    #expect(schema.violations(of: [[], [[3]]]).map(\.path) == ["/1/0/0"])
  }
}
