import Glibc
import JSON
import Runtime
import Testing

@testable import Tokenizers

/// The engine for regular expressions without a scanner of their own.
@Suite struct ExpressionTests {
  private func matches(_ pattern: String, _ text: String) throws -> [String] {
    let bytes = Array(text.utf8)
    let found = TextPattern.expression(try Expression(pattern)).matches(bytes, in: 0..<bytes.count)
    return found.map { String(decoding: bytes[$0], as: UTF8.self) }
  }

  /// Every published pattern through the engine gives what its scanner gives.
  @Test(arguments: PublishedPattern.allCases)
  func publishedPatternsAgreeWithTheirScanners(pattern: PublishedPattern) throws {
    let expression = TextPattern.expression(try Expression(pattern.rawValue))
    let texts = try #require(try JSONValue(file: Fixture.folder + "/texts.json").array)
    for text in texts {
      let bytes = Array((text.string ?? "").utf8)
      let whole = 0..<bytes.count
      #expect(
        expression.matches(bytes, in: whole) == TextPattern.published(pattern).matches(bytes, in: whole),
        "\(pattern) in \(text.string?.debugDescription ?? "")")
    }
  }

  /// Matches as Oniguruma gives them (checked by hand against the package; `Scripts/oracle.py` checks thousands).
  @Test func rulesOfTheSyntax() throws {
    #expect(try matches("a{2}?", "aaaa") == ["aa", "aa"])
    #expect(try matches("a{2}+", "aaaaa") == ["aaaa"])
    #expect(try matches("a{,2}", "aaaaa").prefix(3) == ["aa", "aa", "a"])
    #expect(try matches("a{1", "a{1") == ["a{1"])
    #expect(try matches("a(?i)b|c", "AbaBC") == ["aB"] && matches("a(?i)b|c", "aCab") == ["aC", "ab"])
    #expect(try matches("(?i:'s)", "'S'\u{17F}") == ["'S", "'\u{17F}"])
    #expect(try matches(#"\w"#, "²_\u{200D}") == ["²", "_"] && matches(#"[\w]"#, "²_") == ["_"])
    #expect(try matches(#"$"#, "ab\n").count == 2 && matches(#"^"#, "ab\n").count == 1)
    #expect(try matches("(?<=a|bc)d", "adbcd") == ["d", "d"] && matches("(?<!a)b", "abb") == ["b"])
    #expect(try matches("(?>a+)a", "aaa").isEmpty && matches("a++a", "aaa").isEmpty)
    #expect(try matches("[a-c&&b-d]", "abcd") == ["b", "c"] && matches("[^a&&b]", "ab") == ["a", "b"])
    #expect(try matches(#"\p{Han}+"#, "a漢字b") == ["漢字"] && matches(#"\p{^L}"#, "a1") == ["1"])
    #expect(try matches(".", "a\nb") == ["a", "b"] && matches("(?m:.)", "a\nb") == ["a", "\n", "b"])
  }

  @Test(arguments: [
    (#"(a)\1"#, "backreference"), (#"(?<n>a)\k<n>"#, "backreference"), (#"\g<1>"#, "call of a group"),
    (#"(?(1)a|b)"#, "condition"), ("(?~ab)", "absent"), (#"\R"#, #"\R"#), (#"\X"#, #"\X"#),
    (#"\Ga"#, #"\G"#), (#"a\Kb"#, #"\K"#), (#"\p{Emoji}"#, "Emoji"), ("(?i:é)", "folded case"),
    ("(?i:ss)", "folded case"), ("(?i:st)", "folded case"), (#"(?i:[\p{L}])"#, "folded case"),
    ("(?:a*)*", "may be empty"), ("(?<=a+)b", "unbounded"), ("(?<!a?+)b", "given back"),
    ("(?P<n>a)", "Python"), ("a{1001}", "1000 times"),
    ("[[:foo:]]", "foo"), ("(?a:b)", "option"), ("(*FAIL)", "verb"), (#"\pL"#, "without braces"),
    ("(?:(?:(?:a{1000}){1000}){1000})", "instructions"), ("^*", "anchor"), ("(?=a)*", "looks around"),
  ])
  func refusedByName(pattern: String, construct: String) {
    do {
      _ = try Expression(pattern)
      Issue.record("\(pattern) was taken")
    } catch ExpressionError.refused(let name) {
      #expect(name.contains(construct), "\(name)")
    } catch { Issue.record("\(pattern): \(error)") }
  }

  @Test(arguments: [
    "(", ")", "[", "[a", "a)", "[b-a]", #"\"#, #"\x{110000}"#, #"\x{D800}"#, #"\u12"#, "*a", "(?#",
  ])
  func malformed(pattern: String) {
    do {
      _ = try Expression(pattern)
      Issue.record("\(pattern) was taken")
    } catch ExpressionError.malformed {} catch { Issue.record("\(pattern): \(error)") }
  }

  @Test func deepNestingIsRefused() {
    for text in [String(repeating: "(", count: 100_000), String(repeating: "[", count: 100_000)] {
      #expect(throws: ExpressionError.self) { try Expression(text) }
    }
  }

  /// Patterns that make a backtracking engine take exponential time: here they take time like the text.
  @Test(
    .timeLimit(.minutes(1)),
    arguments: [
      "(a+)+b", "(a|a)+b", "(a|aa)+b", "(?:a+){3,}c", "(?=(a+)+b)a", "(?>(a|aa)+)b",
      "a?a?a?a?a?a?a?a?aaaaaaaab",
      #"(?:\w+\s?)+$x"#, "(?:.|a)+?b", "(?<!(?:a|aa){8})b",
    ])
  func catastrophicPatterns(pattern: String) throws {
    #expect(try matches(pattern, String(repeating: "a", count: 3000)).isEmpty)
  }
}
