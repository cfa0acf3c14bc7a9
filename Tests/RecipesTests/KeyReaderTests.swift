import JSON
import Recipes
import Runtime
import Testing

@Suite struct KeyReaderTests {
  private static let parameters = [
    MethodParameter("hidden", "widths", .integers(1...512, standard: [16, 16])),
    MethodParameter("at", "shares", .numbers(0...1, standard: [0.5])),
    MethodParameter("decay", "share", .number(0...1, standard: 0.1)),
    MethodParameter("nesterov", "looks ahead", .flag(standard: true)),
    MethodParameter("function", "between layers", .choice(["relu", "tanh"], standard: "relu")),
  ]

  private static func settings(_ json: JSONValue) throws -> MethodSettings {
    var reader = try KeyReader(json, path: "network")
    _ = try reader.string("kind")
    let settings = try reader.settings(of: "x", parameters)
    try reader.done()
    return settings
  }

  @Test func settingsAreReadWithTheirDefaults() throws {
    let settings = try Self.settings(["kind": "x", "hidden": [8, 4], "at": 1, "decay": 0, "nesterov": false])
    #expect(settings.integers("hidden") == [8, 4])
    #expect(settings.numbers("at") == [1])
    #expect(settings.number("decay") == 0)
    #expect(settings.flag("nesterov") == false)
    #expect(settings.choice("function") == "relu")
    // What is written is what is read.
    #expect(try Self.settings(settings.json(kind: "x")) == settings)
  }

  @Test func aSingleNumberStandsForAList() throws {
    #expect(try Self.settings(["hidden": 32]).integers("hidden") == [32])
  }

  @Test(
    arguments: [
      (["hidden": [0]], "network.hidden"), (["hidden": "wide"], "network.hidden"),
      (["decay": 2], "network.decay"),
      (["nesterov": 1], "network.nesterov"), (["function": "sine"], "network.function"),
    ] as [(JSONValue, String)])
  func wrongValuesAreRefusedByPath(json: JSONValue, path: String) throws {
    do {
      _ = try Self.settings(json)
      Issue.record("\(json) passed")
    } catch let error as RecipeError {
      guard case .value(let found, _) = error else { throw error }
      #expect(found == path)
      #expect(error.exitCode == .usage)
    }
  }

  @Test func unknownKeysAreRefusedWithASuggestion() throws {
    #expect(throws: RecipeError.unknownKey(path: "network.hiden", suggestion: "hidden")) {
      try Self.settings(["hiden": 3])
    }
  }

  @Test func aWordStandsForAKindAndOneForAList() throws {
    var reader = try KeyReader(
      ["schedule": "cosine", "one": "flip", "many": ["flip", ["kind": "shift", "by": 2]]], path: "")
    var schedule = try reader.choice("schedule")
    #expect(try schedule?.string("kind") == "cosine")
    #expect(try reader.parts("one")?.count == 1)
    let many = try #require(try reader.parts("many"))
    #expect(many.map(\.path) == ["many[0]", "many[1]"])
    #expect(throws: RecipeError.self) { try KeyReader(3, path: "data") }
  }
}
