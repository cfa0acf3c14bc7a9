import JSON
import OrderedCollections
import Runtime
import Testing

@testable import Tokenizers

/// Templates of every construct, against what jinja2 rendered (`Scripts/record_templates.py`).
struct TemplateTests {
  static let clock = ChatClock(year: 2024, month: 7, day: 26, hour: 13, minute: 5, second: 9)

  /// How one rendering ends.
  enum Outcome: Equatable {
    case text(String, [[Int]])
    case fault(JinjaFault.Kind, String, Int?)
  }

  static func render(_ template: String, _ context: JSONValue) throws -> Outcome {
    do {
      let statements = try JinjaParser.statements(of: template)
      let interpreter = JinjaInterpreter(clock: clock)
      var variables: [String: JinjaValue] = [:]
      for (name, value) in context.object ?? [:] { variables[name] = JinjaValue(value) }
      let text = try interpreter.render(statements, variables)
      return .text(text.string, interpreter.generations.map { [$0.lowerBound, $0.upperBound] })
    } catch let fault as JinjaFault {
      return .fault(fault.kind, fault.reason, fault.line)
    }
  }

  @Test func everyConstructRendersAsRecorded() throws {
    let fixture = try JSONValue(file: Fixture.folder + "/Templates/cases.json")
    let contexts = try #require(fixture["contexts"]?.array)
    let cases = try #require(fixture["cases"]?.array)
    var rendered = 0
    var refused = 0
    for item in cases {
      let name = item["name"]?.string ?? "?"
      let template = try #require(item["template"]?.string)
      let context = contexts[item["context"]?.int ?? 0]
      let outcome = try Self.render(template, context)
      if let expected = item["expected"]?.string {
        rendered += 1
        let places = item["generations"]?.array?.map { $0.array?.compactMap(\.int) ?? [] } ?? []
        guard case .text(let text, let found) = outcome else {
          Issue.record("\(name): \(template)\n  expected \(expected.debugDescription)\n  got \(outcome)")
          continue
        }
        #expect(
          Array(text.utf8) == Array(expected.utf8),
          "\(name): \(template)\n  expected \(expected.debugDescription)\n  got      \(text.debugDescription)"
        )
        #expect(found == places, "\(name)")
      } else {
        refused += 1
        guard case .fault(let kind, let reason, let line) = outcome else {
          Issue.record(
            "\(name): \(template)\n  jinja2 fails: \(item["message"]?.string ?? "")\n  got \(outcome)")
          continue
        }
        #expect(line == item["line"]?.int ?? 1, "\(name): \(template): line; \(reason)")
        switch item["error"]?.string {
        case "TemplateError":
          #expect(kind == .raised && reason == item["message"]?.string, "\(name): \(reason)")
        case "TemplateSyntaxError", "TemplateAssertionError", "SyntaxError":
          #expect(kind == .syntax || kind == .unsupported, "\(name): \(template): \(kind): \(reason)")
        default: #expect(kind == .failed || kind == .limit, "\(name): \(template): \(kind): \(reason)")
        }
      }
    }
    #expect(rendered > 200 && refused > 80, "\(rendered) rendered, \(refused) refused")
  }

  /// What the interpreter does not know is named with its line, and never rendered otherwise.
  @Test(arguments: [
    ("a\n{% include 'x' %}", "include"), ("\n\n{% block x %}{% endblock %}", "block"),
    ("{% extends 'x' %}", "extends"), ("{% import 'x' as y %}", "import"),
    ("{% autoescape true %}{% endautoescape %}", "autoescape"), ("{{ 'a' | urlize }}", "urlize"),
    ("{{ [1] | random }}", "random"), ("{{ lipsum() }}", "lipsum"), ("\n{{ 'a'.encode() }}", "encode"),
    ("{{ ('<' | safe) + '>' }}", "safe"), ("{{ 99999999999999999999 }}", "64 bits"),
    ("{{ 9223372036854775807 + 1 }}", "64 bits"), ("{{ '\\N{DASH}' }}", "\\N"),
    ("{{ [1] | map('string') }}", "generator"), ("{{ strftime_now('%Q') }}", "%Q"),
    ("{{ {(1, 2): 3} }}", "tuple"), ("{{ 10 ** 40 }}", "64 bits"), ("{{ (1).real }}", "real"),
  ])
  func unknownConstructsAreNamed(_ template: String, _ word: String) throws {
    let outcome = try Self.render(template, [:])
    guard case .fault(let kind, let reason, let line) = outcome else {
      Issue.record("\(template) gave \(outcome)")
      return
    }
    #expect(kind == .unsupported, "\(template): \(kind) \(reason)")
    #expect(reason.contains(word), "\(template): \(reason)")
    let lines = template.split(separator: "\n", omittingEmptySubsequences: false)
    #expect(line == (lines.lastIndex { !$0.isEmpty } ?? 0) + 1, "\(template)")
  }

  /// An unknown filter in a branch that is not taken is not met, as in Jinja.
  @Test func filtersAreRefusedWhereTheyAreReached() throws {
    let template = "{% if x %}{{ 'a' | nosuch }}{% else %}b{% endif %}"
    #expect(try Self.render(template, ["x": false]) == .text("b", []))
    guard case .fault(.failed, let reason, 1) = try Self.render(template, ["x": true]) else {
      Issue.record("the filter was not refused")
      return
    }
    #expect(reason.contains("nosuch"))
  }
}
