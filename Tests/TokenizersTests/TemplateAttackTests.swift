import JSON
import Runtime
import Testing

@testable import Tokenizers

/// Templates that want more than a prompt can need end with an error, soon and without a crash.
struct TemplateAttackTests {
  static func repeated(_ text: String, _ count: Int) -> String { String(repeating: text, count: count) }

  static let attacks: [(name: String, template: String)] = [
    ("nested brackets", "{{ " + repeated("(", 100_000) + "1" + repeated(")", 100_000) + " }}"),
    ("nested lists", "{{ " + repeated("[", 5000) + repeated("]", 5000) + " }}"),
    ("nested blocks", repeated("{% if 1 %}", 5000) + repeated("{% endif %}", 5000)),
    ("a row of not", "{{ " + repeated("not ", 100_000) + "1 }}"),
    ("a row of minus", "{{ " + repeated("- ", 100_000) + "1 }}"),
    ("a row of sums", "{{ 1" + repeated(" + 1", 100_000) + " }}"),
    ("a row of filters", "{{ 'a'" + repeated(" | trim", 100_000) + " }}"),
    ("a row of attributes", "{{ a" + repeated(".a", 100_000) + " }}"),
    ("a row of conditions", "{{ 1" + repeated(" if 1 else 1", 100_000) + " }}"),
    ("endless macro", "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}"),
    (
      "two endless macros",
      "{% macro a() %}{{ b() }}{% endmacro %}{% macro b() %}{{ a() }}{% endmacro %}{{ a() }}"
    ),
    ("endless recursive loop", "{% set x = [1] %}{% for y in x recursive %}{{ loop(x) }}{% endfor %}"),
    (
      "nested loops",
      "{% for a in range(99999) %}{% for b in range(99999) %}{% for c in range(99999) %}{% endfor %}{% endfor %}{% endfor %}"
    ),
    (
      "loops that print",
      "{% for a in range(99999) %}{% for b in range(99999) %}aaaaaaaaaaaaaaaa{% endfor %}{% endfor %}"
    ),
    ("huge range", "{{ range(100000000) }}"), ("huge range list", "{{ range(1, 9999999999, 1) | list }}"),
    ("repetition", "{{ 'a' * 1000000000 }}"), ("repetition of repetition", "{{ 'a' * 1000000 * 1000000 }}"),
    ("overflowing repetition", "{{ 'ab' * 9223372036854775807 }}"),
    ("repeated list", "{{ [1] * 1000000000 }}"),
    (
      "doubling",
      "{% set ns = namespace(x='a') %}{% for i in range(99) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}"
    ),
    (
      "doubled list",
      "{% set ns = namespace(x=[1]) %}{% for i in range(99) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}{{ ns.x }}"
    ),
    (
      "doubled list as JSON",
      "{% set ns = namespace(x=[1]) %}{% for i in range(99) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}{{ ns.x | tojson }}"
    ),
    (
      "doubled lists compared",
      "{% set a = namespace(x=[1], y=[1]) %}{% for i in range(99) %}{% set a.x = [a.x, a.x] %}{% set a.y = [a.y, a.y] %}{% endfor %}{{ a.x == a.y }}"
    ),
    ("width", "{{ '%1000000000d' % 1 }}"), ("width of braces", "{{ '{:1000000000}'.format(1) }}"),
    ("precision", "{{ '%.1000000000f' % 1 }}"), ("center", "{{ 'a' | center(1000000000) }}"),
    ("ljust", "{{ 'a'.ljust(1000000000) }}"), ("zfill", "{{ '1'.zfill(1000000000) }}"),
    ("indent", "{{ 'a\\nb' | indent(1000000000) }}"),
    ("indent of JSON", "{{ [[1]] | tojson(indent=1000000000) }}"),
    ("replacement", "{{ ('a' * 100000) | replace('a', 'b' * 100000) }}"),
    ("replacement of nothing", "{{ ('a' * 1000000).replace('', 'b' * 1000000) }}"),
    ("join", "{{ range(99999) | join('a' * 1000000) }}"), ("power", "{{ 10 ** 10 ** 10 }}"),
    ("slices", "{{ [1] | slice(1000000000) | list }}"), ("batch", "{{ [1] | batch(1000000000, 1) | list }}"),
    ("unterminated tag", "{{ 1" + repeated(" ", 100_000)),
    ("unterminated text", "{{ '" + repeated("a", 100_000)),
    ("unterminated comment", repeated("{#", 20_000)),
    ("unterminated raw", "{% raw %}" + repeated("{% ", 20_000)),
    ("unterminated block", repeated("{% for x in y %}", 90)), ("a backslash at the end", "{{ '\\"),
    ("internals", "{{ ''.__class__.__mro__ }}"), ("internals by name", "{{ ''['__class__'] }}"),
    ("internals by filter", "{{ '' | attr('__class__') }}"),
    ("internals by format", "{{ '{0.__class__}'.format(1) }}"),
    ("internals of a macro", "{% macro m() %}{% endmacro %}{{ m.__globals__ }}"),
  ]

  @Test(arguments: attacks.indices) func endsWithAnError(_ index: Int) throws {
    let attack = Self.attacks[index]
    let start = Machine.seconds
    let outcome = try TemplateTests.render(attack.template, [:])
    guard case .fault(let kind, let reason, let line) = outcome else {
      Issue.record("\(attack.name) was rendered")
      return
    }
    #expect(line != nil && !reason.isEmpty, "\(attack.name): \(kind)")
    #expect(Machine.seconds - start < 20, "\(attack.name): \(reason)")
  }

  /// What is deep but allowed stays on the stack.
  @Test func theDeepestAllowedWorks() throws {
    let deep = JinjaParser.depth - 4
    let brackets = "{{ " + Self.repeated("(", deep) + "1" + Self.repeated(")", deep) + " }}"
    #expect(try TemplateTests.render(brackets, [:]) == .text("1", []))
    let sums = "{{ 1" + Self.repeated(" + 1", JinjaParser.row) + " }}"
    #expect(try TemplateTests.render(sums, [:]) == .text("\(JinjaParser.row + 1)", []))
    let macro = "{% macro m(n) %}{% if n %}{{ m(n - 1) }}{% endif %}x{% endmacro %}{{ m(60) }}"
    #expect(try TemplateTests.render(macro, [:]) == .text(Self.repeated("x", 61), []))
    var nested: JSONValue = 1
    for _ in 0..<200 { nested = [nested] }
    guard case .text(let text, _) = try TemplateTests.render("{{ x | tojson }}", ["x": nested]) else {
      Issue.record("nested data were refused")
      return
    }
    #expect(text == Self.repeated("[", 200) + "1" + Self.repeated("]", 200))
  }
}
