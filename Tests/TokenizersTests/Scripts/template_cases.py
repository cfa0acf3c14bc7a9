"""Small templates of every construct that the interpreter knows, and of what it must refuse.

`record_templates.py` renders them with jinja2 in the settings of transformers. A case is (name, template, context).
"""

CHAT = [
    {"role": "system", "content": " Be brief. "},
    {"role": "user", "content": "Grüße, 世界! 👩‍👩‍👧"},
    {"role": "assistant", "content": "\n Hello. \n"},
    {"role": "user", "content": "e\u0301 and é"},
]
TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "weather",
            "description": "Says the weather of a \"town\" <b>&</b> 'more'.",
            "parameters": {
                "type": "object",
                "properties": {"town": {"type": "string", "enum": ["Köln", "東京"]}, "days": {"type": "integer"}},
                "required": ["town"],
            },
        },
    }
]
PEOPLE = [
    {"name": "bea", "age": 30, "town": {"name": "Ulm"}},
    {"name": "Al", "age": 9, "town": {"name": "Bonn"}},
    {"name": "cy", "age": 30, "town": {"name": "ulm"}},
    {"name": "al", "age": 41, "town": {"name": "Aue"}},
]

CASES = []


def case(name, template, **context):
    CASES.append((name, template, context))


def many(group, templates, **context):
    for number, template in enumerate(templates):
        case(f"{group}-{number + 1}", template, **context)


# Text, tags and whitespace.
many("space", [
    "", "\n", "a\n", "a\n\n", "a\r\nb\rc\n", "  {% if true %}  x  {% endif %}  \n y",
    "{% if true %}\nx\n{% endif %}\ny", "a\n   {% if true %}\n   b\n   {% endif %}\n   c",
    "a  {%- if true -%}  b  {%- endif -%}  c", "a {%+ if true %} b {% endif +%}\n c",
    "   {%+ if true %}x{% endif %}", "\t {% set x = 1 %}\n\t{{ x }}\n", "x {{- ' y ' -}} z",
    "a{# comment #}b", "a\n  {# comment #}\nb", "a {#- c -#} b", "a {#+ c +#}\n b", "{# {{ nothing }} {% if %} #}z",
    "{% raw %}{{ x }} {% if %}{% endraw %}", "a\n  {% raw %}\n  {{ x }}\n  {% endraw %}\n b",
    "a {%- raw -%}  x  {%- endraw -%} b", "{{ '{{' }}{{ '}}' }}{{ \"{%\" }}", "{{ {'a': {'b': 1}}['a']['b'] }}",
    "{{ {'a': {'b': 1}} }}", "  x\n  {{ 1 }}\n  y  ", "{% if true %} {% endif %}\n\n{% if true %}\n\n{% endif %}",
    "a\u00a0\u2003{%- if true %}b{% endif %}", "a\n\u2003{% if true %}b{% endif %}",
    "{%if true%}a{%endif%}{{1}}", "{{ 1 }}\n{{ 2 }}\n", "{{ 'a\nb' }}", "{{ 'a\r\nb' }}",
    "\n  {% for x in [1, 2] %}\n  - {{ x }}\n  {% endfor %}\n", "{% if true: %}colon{% endif %}",
])

# Literals.
many("literal", [
    "{{ 'it''s' }}", "{{ 'a' \"b\" 'c' }}", r"{{ 'a\n\t\\\'\"\x41\u00e9\U0001F600\101\q' }}", r"{{ 'é\é' }}",
    "{{ 1 }} {{ 1_000 }} {{ 0x1F }} {{ 0b101 }} {{ 0o17 }} {{ 1.5 }} {{ 1e3 }} {{ 1.5e-7 }} {{ 2E+20 }}",
    "{{ true }} {{ True }} {{ false }} {{ none }} {{ None }}", "{{ [1, 'a', none, true, 1.0, [], {}] }}",
    "{{ () }} {{ (1,) }} {{ (1, 2) }} {{ 1, 2 }}", "{{ {'a': 1, 2: 'b', none: [1], true: 0} }}",
    "{{ {1: 'a', 1.0: 'b', true: 'c'} }}", "{{ [1, 2,] }} {{ {'a': 1,} }}",
    "{{ 0.1 + 0.2 }} {{ 1e16 }} {{ 123456789012345680.0 }} {{ 1e-5 }} {{ 0.0001 }} {{ 1e22 }} {{ 5e-324 }}",
    "{{ -0.0 }} {{ 1e300 * 1e10 }} {{ 100.0 }} {{ 1234567.891 }}", "{{ \"it's\" | list }}",
    r"{{ ['it\'s', 'say \"x\"', '\'\"', 'a\\b', 'tab\t', '\x00\x7f\xa0\xad\u200b\u2028', 'é世👩‍👧'] }}",
])

# Names, attributes, items.
many("lookup", [
    "{{ messages[0].role }}{{ messages[0]['content'] }}{{ messages[-1].role }}", "{{ messages[9] is defined }}",
    "{{ messages[0].nothing }}|{{ messages[0]['nothing'] }}|{{ nothing }}|", "{{ nothing is defined }}",
    "{{ messages[0].items() | list | length }}{{ messages[0]['items'] is defined }}", "{{ 'abc'[1] }}{{ 'abc'[-1] }}",
    "{{ 'abc'[9] is defined }}", "{{ {'items': 1}['items'] }}", "{{ {'items': 1}.items is callable }}",
    "{{ (1, 2).0 }}{{ [[1, 2], [3]].0.1 }}", "{{ {'a': none}.a }}", "{{ 'é世'[1] }}{{ 'e\u0301'|length }}",
    "{{ {'é': 1}['e\u0301'] is defined }}{{ 'é' == 'e\u0301' }}", "{{ range(3) }}{{ range(1, 9, 2) | list }}",
    "{{ range(5, 0, -2) | list }}{{ range(3)[1] }}{{ range(0) | list }}", "{{ {}.get('a') }}{{ {}.get('a', 2) }}",
    "{{ dict(a=1, b=2) }}{{ dict({'a': 1}, b=3) }}", "{{ messages[1:][0].content }}", "{{ none.x is defined }}",
    "{{ {1: 'x'}[true] }}{{ {1: 'x'}[1.0] }}", "{{ 5 .x is defined }}", "{{ [][:1] }}{{ {}[[]] is defined }}",
], messages=CHAT)
many("slice", [
    "{{ x[1:3] }}{{ x[:2] }}{{ x[2:] }}{{ x[:] }}{{ x[::2] }}{{ x[::-1] }}", "{{ x[-2:] }}{{ x[:-1] }}{{ x[5:] }}",
    "{{ x[3:0:-1] }}{{ x[-1:-4:-2] }}{{ x[10:-10:-1] }}", "{{ 'hello'[1:3] }}{{ 'hello'[::-1] }}{{ 'héllo'[1:2] }}",
    "{{ (1, 2, 3)[1:] }}", "{{ x[none:none:none] }}{{ x[true:] }}", "{{ x[1:2][0:1] }}", "{{ x[1 + 1:4 - 1] }}",
    "{{ x[9:1] }}{{ x[::100] }}{{ x[::-100] }}",
], x=[0, 1, 2, 3, 4])

# Operators.
many("arithmetic", [
    "{{ 1 + 2 * 3 - 4 }}", "{{ 7 / 2 }} {{ 6 / 2 }} {{ 7 // 2 }} {{ -7 // 2 }} {{ 7 % 3 }} {{ -7 % 3 }} {{ 7 % -3 }}",
    "{{ 2 ** 10 }} {{ 2 ** -1 }} {{ -2 ** 2 }} {{ 2 ** 3 ** 2 }}", "{{ 7.5 // 2 }} {{ -7.5 % 2 }} {{ 7 % 2.5 }}",
    "{{ 1 + 1.0 }} {{ true + 1 }} {{ -true }} {{ +false }} {{ - 3 }}", "{{ 'a' + 'b' }} {{ 'ab' * 3 }} {{ 2 * 'x' }}",
    "{{ [1] + [2] }} {{ [0] * 3 }} {{ (1,) + (2,) }} {{ (1, 2) * 2 }}", "{{ 'a' * 0 }}|{{ 'a' * -1 }}|",
    "{{ 1 ~ 2 ~ 'a' ~ none ~ true ~ nothing ~ [1] ~ 1.0 }}", "{{ 1 ~ 2 + 3 }}", "{{ '1' ~ 2 * 3 }}",
    "{{ 10 - 2 - 3 }} {{ 100 / 10 / 2 }} {{ 2 * 3 % 4 }}", "{{ (1 + 2) * 3 }}", "{{ 9007199254740993 + 1 }}",
    "{{ 1e3 // 7 }} {{ -1.5 // 0.5 }} {{ 5.0 % -3 }} {{ 0.0 * -1 }}", "{{ 3 * 'ab' + 'c' }}",
    "{{ '%s and %r' % ('a', 'b') }} {{ '%d%%' % 5 }} {{ '%05.1f|%-5d|%+d' % (3.14159, 4, 5) }} {{ '%x' % 255 }}",
    "{{ '%s' % none }} {{ '%(a)s' % {'a': 1} }} {{ '%5s|%-5s|%.2s' % ('a', 'b', 'cde') }} {{ '%e' % 12345.678 }}",
])
many("compare", [
    "{{ 1 == 1.0 }} {{ 1 == true }} {{ 'a' == 'a' }} {{ none == false }} {{ [1] == [1.0] }} {{ (1,) == [1] }}",
    "{{ 1 < 2 < 3 }} {{ 1 < 3 < 2 }} {{ 3 > 2 >= 2 }} {{ 1 != 2 }} {{ 1 <= 1 }}", "{{ 'a' < 'b' }} {{ 'Z' < 'a' }}",
    "{{ 'é' > 'z' }} {{ 'ab' < 'abc' }} {{ [1, 2] < [1, 3] }} {{ (1,) < (1, 0) }}", "{{ 1 in [1, 2] }} {{ 'b' in 'abc' }}",
    "{{ 'a' in {'a': 1} }} {{ 3 not in [1] }} {{ 'x' not in 'abc' }} {{ '' in 'a' }} {{ 1 in range(3) }}",
    "{{ nothing == nothing2 }} {{ nothing == none }} {{ nothing != '' }} {{ 1 in nothing }}",
    "{{ {'a': 1, 'b': 2} == {'b': 2, 'a': 1} }} {{ {} == [] }}", "{{ not 1 == 2 }} {{ not true }} {{ not not '' }}",
    "{{ 1 and 2 }} {{ 0 and 2 }} {{ 0 or 'x' }} {{ '' or none or [] }} {{ 1 or nothing.x }}",
    "{{ true and not false or false }}", "{{ 1 == 1 in [true] }}", "{{ 2 > 1 and 'yes' or 'no' }}",
    "{{ 'a' if true else 'b' }} {{ 'a' if false else 'b' }} {{ 'a' if false }}|{{ 1 if 0 else 2 if 0 else 3 }}",
    "{{ ('a' if false) is defined }}", "{{ (1 if true else 2) + 3 }}", "{{ 'x' if messages else 'y' }}",
])

# Statements.
many("if", [
    "{% if 1 %}a{% endif %}{% if 0 %}b{% else %}c{% endif %}", "{% if 0 %}a{% elif 1 %}b{% elif 1 %}c{% else %}d{% endif %}",
    "{% if nothing %}a{% else %}b{% endif %}{% if [] %}c{% endif %}{% if 'x' %}d{% endif %}{% if 0.0 %}e{% endif %}",
    "{% if 1 %}{% if 0 %}x{% else %}y{% endif %}{% endif %}", "{% if x %}{% set y = 1 %}{% endif %}{{ y }}",
    "{% if {} or () %}a{% elif range(0) %}b{% elif range(1) %}c{% endif %}", "{% if not x is defined %}u{% endif %}",
    "{% if 1, %}t{% endif %}",
])
many("for", [
    "{% for x in [1, 2, 3] %}{{ x }},{% endfor %}", "{% for x in [] %}a{% else %}b{% endfor %}", "{% for c in 'aé世' %}[{{ c }}]{% endfor %}",
    "{% for k in {'a': 1, 'b': 2} %}{{ k }}{% endfor %}{% for k, v in {'a': 1}.items() %}{{ k }}={{ v }}{% endfor %}",
    "{% for x in [1, 2, 3] %}{{ loop.index }}{{ loop.index0 }}{{ loop.revindex }}{{ loop.revindex0 }}{{ loop.first }}{{ loop.last }}{{ loop.length }};{% endfor %}",
    "{% for x in 'abc' %}{{ loop.previtem }}<{{ x }}>{{ loop.nextitem }};{% endfor %}", "{% for x in 'abc' %}{{ loop.previtem is defined }}{{ loop.nextitem is defined }}{% endfor %}",
    "{% for x in [1, 2, 3, 4] if x is even %}{{ x }}/{{ loop.length }}/{{ loop.last }} {% endfor %}",
    "{% for x in [1, 3] if x is even %}{{ x }}{% else %}none{% endfor %}", "{% for x in range(5) %}{% if x == 3 %}{% break %}{% endif %}{{ x }}{% endfor %}",
    "{% for x in range(5) %}{% if x is odd %}{% continue %}{% endif %}{{ x }}{% endfor %}",
    "{% for x in [1] %}{% continue %}{% else %}else{% endfor %}{% for x in [1] %}{% break %}{% else %}else{% endfor %}{% for x in [1, 2] %}{% if x == 2 %}{% break %}{% endif %}{% else %}else{% endfor %}",
    "{% for a, b in [[1, 2], (3, 4)] %}{{ a }}{{ b }}{% endfor %}{% for a, (b, c) in [(1, (2, 3))] %}{{ a }}{{ b }}{{ c }}{% endfor %}",
    "{% set x = 1 %}{% for i in [1, 2] %}{{ x }}{% set x = x + 1 %}{{ x }} {% endfor %}{{ x }}",
    "{% for i in [1, 2] %}{% for j in [1, 2] %}{{ loop.index }}{{ i }}{{ j }} {% endfor %}{{ loop.index }}{% endfor %}",
    "{% for x in [1, 2] %}{{ loop.cycle('a', 'b', 'c') }}{{ loop.changed(x // 2) }}{% endfor %}",
    "{% for x in [[1, [2, [3]]], 4] recursive %}{{ loop.depth }}{{ loop.depth0 }}{% if x is iterable %}({{ loop(x) }}){% else %}{{ x }}{% endif %}{% endfor %}",
    "{% for i in [1, 2, 3] %}{{ loop.index }}:{% for m in messages if m.role == 'user' %}{{ m.content }}|{{ loop.index }}{% endfor %}\n{% endfor %}",
    "{% for x in nothing %}a{% else %}empty{% endfor %}", "{% for x in [1, 2] %}{% set ns = namespace(a=x) %}{{ ns.a }}{% endfor %}{{ ns is defined }}",
    "{% for x in 1, 2 %}{{ x }}{% endfor %}", "{% for x in ([1, 2] if true else []) %}{{ x }}{% endfor %}",
    "{% for x in [3, 1] | sort %}{{ x }}{{ loop }}{% endfor %}", "{% for x in {'a': 1}.values() %}{{ x }}{{ loop.length }}{% endfor %}",
    "{% for x in [1, 2, 3] | map('string') %}{{ x }}{{ loop.last }}{{ loop.length }}{% endfor %}",
    "{% for x in [1,2,3] %}{% if loop.last %}!{% else %}{{ loop.length - loop.index }}{% endif %}{% endfor %}",
    "{% set ns = namespace(stop=false) %}{% for x in [1, 2, 3, 4] if not ns.stop %}{{ x }}{% if x == 2 %}{% set ns.stop = true %}{% endif %}{% endfor %}",
    "{% set ns = namespace(stop=false) %}{% for x in [1, 2, 3, 4] if not ns.stop %}{{ x }}{{ loop.last }}{% if x == 2 %}{% set ns.stop = true %}{% endif %}{% endfor %}",
    "{% for x in range(2) %}{% for y in range(2) %}{% if y == 1 %}{% break %}{% endif %}{{ x }}{{ y }}{% endfor %}{% endfor %}",
], messages=CHAT)
many("set", [
    "{% set x = 1 %}{{ x }}{% set x = x + 1 %}{{ x }}", "{% set a, b = 1, 2 %}{{ a }}{{ b }}", "{% set a, (b, c) = [1, 'xy'] %}{{ a }}{{ b }}{{ c }}",
    "{% set x %}  block {{ 1 + 1 }}\n{% endset %}[{{ x }}]", "{% set x | upper | trim %} ab {% endset %}[{{ x }}]",
    "{% set ns = namespace(a=1, b='x') %}{% set ns.a = ns.a + 1 %}{{ ns.a }}{{ ns.b }}{{ ns.c is defined }}{{ ns['a'] }}",
    "{% set ns = namespace({'a': 1}) %}{% for i in range(3) %}{% set ns.a = ns.a * 2 %}{% endfor %}{{ ns.a }}",
    "{% set ns = namespace() %}{% set ns.x %}abc{% endset %}{{ ns.x }}", "{% set x = 1, 2 %}{{ x }}", "{% set messages = messages[1:] %}{{ messages | length }}{{ messages[0].role }}",
    "{% set x = 'a' if nothing else 'b' %}{{ x }}", "{% set ns = namespace(l=[]) %}{% for i in [1, 2] %}{% set ns.l = ns.l + [i] %}{% endfor %}{{ ns.l }}",
    "{% with a = 1, b = 2 %}{{ a }}{{ b }}{% set a = 5 %}{{ a }}{% endwith %}{{ a is defined }}", "{% set a = 1 %}{% with a = 2, b = a %}{{ a }}{{ b }}{% endwith %}{{ a }}", "{% with %}{% set z = 1 %}{{ z }}{% endwith %}{{ z }}",
    "{% set loop = 1 %}{{ loop }}", "{% if true %}{% set y %}in{% endset %}{% endif %}{{ y }}", "{% set ns = namespace(a=1) %}{% set ns.a, b = 5, 6 %}{{ ns.a }}{{ b }}",
], messages=CHAT)
many("macro", [
    "{% macro m(a, b=2) %}{{ a }}-{{ b }}{% endmacro %}{{ m(1) }} {{ m(1, 3) }} {{ m(b=4, a=5) }}", "{% macro m(a) %}[{{ a }}]{% endmacro %}{{ m() }}{{ m(none) }}",
    "{% macro m() %}{{ varargs }}{{ kwargs }}{% endmacro %}{{ m(1, 2, x=3) }}", "{% macro m(a, b=a) %}{{ a }}{{ b }}{% endmacro %}{{ m(1) }}",
    "{% macro m() %}<{{ caller() }}>{% endmacro %}{% call m() %}body{% endcall %}", "{% macro m(xs) %}{% for x in xs %}{{ caller(x, loop.index) }}{% endfor %}{% endmacro %}{% call(x, i) m([5, 6]) %}{{ i }}:{{ x }} {% endcall %}",
    "{% macro f(n) %}{{ n }}{% if n > 0 %}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(3) }}", "{% macro m() %}  x  {% endmacro %}[{{ m() | trim }}]{{ m().strip() | length }}",
    "{% set x = 1 %}{% macro m() %}{{ x }}{% endmacro %}{{ m() }}{% set x = 2 %}{{ m() }}", "{% macro m(a) %}{% set a = a + 1 %}{{ a }}{% endmacro %}{{ m(1) }}{{ a is defined }}",
    "{% for i in [1, 2] %}{% macro m() %}{{ i }}{{ loop.index }}{% endmacro %}{{ m() }}{% endfor %}", "{% macro m(a, b) %}{{ m.name }}{{ m.arguments }}{{ a }}{{ b }}{% endmacro %}{{ m(*[1, 2]) }}{{ m(**{'b': 1, 'a': 2}) }}{{ m(1, *[2]) }}",
    "{% macro a() %}A{{ b() }}{% endmacro %}{% macro b() %}B{% endmacro %}{{ a() }}", "{% macro m() %}{{ caller is defined }}{% endmacro %}{{ m() }}",
    "{% set x = 'out' %}{% macro m() %}{{ caller() }}{% endmacro %}{% call m() %}{{ x }}{% set x = 'in' %}{{ x }}{% endcall %}{{ x }}",
    "{%- macro render(content) -%}\n  {%- if content is string -%}{{ content }}{%- else -%}{%- for part in content -%}{%- if part.type == 'text' -%}{{ part.text }}{%- else -%}<image>{%- endif -%}{%- endfor -%}{%- endif -%}\n{%- endmacro -%}{{ render('a') }}{{ render([{'type': 'text', 'text': 'b'}, {'type': 'image'}]) }}",
    "{% macro m(caller=none) %}{{ caller() if caller else 'no' }}{% endmacro %}{{ m() }}{% call m() %}x{% endcall %}",
])
many("block", [
    "{% filter upper %}ab{{ 'c' }}{% endfilter %}", "{% filter trim | replace('a', 'b') %}  aa {% endfilter %}|", "{% print 1, 'a' %}",
    "{% generation %}abc{% endgeneration %}", "x{% for i in [1, 2] %}é{% generation %}<{{ i }}👩>{% endgeneration %}y{% endfor %}",
    "{% set x = 1 %}{% generation %}{% set x = 2 %}{{ x }}{% endgeneration %}{{ x }}", "{%- generation -%}  a  {%- endgeneration -%}",
    "{% for i in [1, 2] %}{% if i == 2 %}{% generation %}{{ i }}{% endgeneration %}{% else %}{{ i }}{% endif %}{% endfor %}",
])

# Filters.
many("filter-text", [
    "[{{ ' a b ' | trim }}][{{ 'xxaxx' | trim('x') }}][{{ '\u3000a\x1c' | trim }}]", "{{ 'aßé' | upper }}{{ 'AÉΣ' | lower }}{{ 'ΑΣ Σ ΑΣΑ' | lower }}",
    "{{ 'hello WORLD foo-bar (baz) x' | title }}", "{{ 'hELLO wORLD' | capitalize }}{{ 'ǆx' | capitalize }}{{ '' | capitalize }}", "{{ 'aaa' | replace('a', 'b', 2) }}{{ 'abc' | replace('', '-') }}{{ 1 | replace(1, 2) }}",
    "{{ 'a\nb\n\nc' | indent }}|{{ 'a\nb' | indent(2, true) }}|{{ 'a\n\nb' | indent(1, blank=true) }}|{{ 'a\nb' | indent('> ') }}|{{ 'a\n' | indent }}|",
    "[{{ 'a' | center(6) }}][{{ 'ab' | center(5) }}][{{ 'abc' | center(2) }}]", "{{ '%s=%s' | format('a', 1) }}{{ '%(x)s' | format(x=2) }}", "{{ 'hello big wide world' | truncate(12) }}|{{ 'hello big wide world' | truncate(12, true) }}|{{ 'abc def' | truncate(6, false, '~', 0) }}|{{ 'short' | truncate(3) }}",
    "{{ 'one two, three_four é-x' | wordcount }}", "{{ '<a href=\"x\">&\\'' | e }}{{ '<' | escape | e }}{{ '<b>' | safe }}{{ ('<' | safe) ~ '>' }}{{ 'a' | safe is string }}{{ 'ab' | safe | length }}", "{{ 12 | string ~ none | string }}{{ [1] | string }}{{ nothing | string }}|",
    "{{ nothing | trim }}{{ none | trim }}{{ 5 | upper }}{{ true | lower }}", "{{ 'x' | default('y') }}{{ nothing | default('y') }}{{ '' | default('y') }}{{ '' | default('y', true) }}{{ none | d('z', boolean=true) }}{{ nothing | default }}|{{ nothing.x | default(1) if false }}",
    "{{ '42' | int }}{{ '4.7' | int }}{{ 'x' | int }}{{ 'x' | int(default=7) }}{{ 3.9 | int }}{{ -3.9 | int }}{{ true | int }}{{ none | int }}{{ ' 5 ' | int }}{{ '1_0' | int }}{{ 'ff' | int(base=16) }}{{ '0x1f' | int(0, 16) }}{{ [] | int }}",
    "{{ '4.5' | float }}{{ 'x' | float }}{{ 'x' | float(1.5) }}{{ 3 | float }}{{ ' 1e3 ' | float }}{{ none | float }}{{ 'inf' | float }}{{ 'nan' | float }}", "{{ 2.5 | round }}{{ 3.5 | round }}{{ 2.675 | round(2) }}{{ 42.55 | round(1, 'floor') }}{{ 42.51 | round(1, method='ceil') }}{{ 7 | round }}{{ -2.5 | round }}{{ 1.005 | round(2) }}{{ 0.5 | round | int }}",
    "{{ -3 | abs }}{{ (-3) | abs }}{{ 2.5 | abs }}{{ (-2.5) | abs }}{{ true | abs }}", "{{ 'abc' | length }}{{ [1] | count }}{{ {} | length }}{{ nothing | length }}{{ '👩‍👧' | length }}",
    "{{ 'abc' | reverse }}{{ [1, 2] | reverse | list }}{{ {'a': 1, 'b': 2} | reverse | list }}{{ 'abc' | first }}{{ 'abc' | last }}{{ 'abc' | list }}", "{{ 'a' | attr('upper') is callable }}{{ {'a': 1} | attr('a') is defined }}",
])
many("filter-list", [
    "{{ [3, 1, 2] | sort }}{{ ['b', 'A', 'c'] | sort }}{{ ['b', 'A', 'a'] | sort(case_sensitive=true) }}{{ [1, 2] | sort(reverse=true) }}", "{{ people | sort(attribute='name') | map(attribute='name') | join(',') }} {{ people | sort(attribute='age,name') | map(attribute='name') | list }} {{ people | sort(true, attribute='town.name') | map(attribute='name') | list }}",
    "{{ [1, 2] | join }}{{ [1, none, 'x', true] | join(', ') }}{{ people | join('|', attribute='name') }}{{ 'abc' | join('-') }}{{ nothing | join }}|", "{{ [1, 2, 3] | first }}{{ [1, 2, 3] | last }}{{ [] | first }}|{{ [] | last is defined }}{{ nothing | last is defined }}{{ 'y' if nothing | reverse else 'n' }}",
    "{{ [1, 2, 2, 'a', 'A', 1.0] | unique | list }}{{ ['a', 'A'] | unique(true) | list }}{{ people | unique(attribute='age') | map(attribute='name') | list }}", "{{ [3, 1, 2] | min }}{{ [3, 1, 2] | max }}{{ ['b', 'A'] | min }}{{ [] | max }}|{{ people | max(attribute='age') }}{{ people | min(attribute='age') | attr('name') }}",
    "{{ [1, 2, 3] | sum }}{{ people | sum(attribute='age') }}{{ [1.5, 2] | sum(start=10) }}{{ [[1], [2]] | sum(start=[]) }}{{ [] | sum }}", "{{ [1, 2, 3] | select('odd') | list }}{{ [1, 2, 3] | reject('odd') | list }}{{ [0, 1, '', 'a', none] | select | list }}{{ [1, 5, 9] | select('gt', 4) | list }}{{ [1, 2] | select('in', [2]) | list }}{{ ['a'] | select('equalto', 'a') | list }}",
    "{{ people | selectattr('age', 'equalto', 30) | map(attribute='name') | list }}{{ people | rejectattr('age', '>', 10) | map(attribute='name') | list }}{{ messages | selectattr('role', '==', 'user') | list | length }}{{ people | selectattr('town.name', 'in', ['Ulm']) | list | length }}{{ people | selectattr('nothing') | list }}{{ people | selectattr('name', 'defined') | list | length }}",
    "{{ ['a', ' b '] | map('trim') | map('upper') | list }}{{ people | map(attribute='town.name') | list }}{{ people | map(attribute='x', default='-') | join }}{{ [[1, 2], [3]] | map('join', '+') | list }}{{ [[1, 2]] | map(attribute=0) | list }}{{ [1, 2] | map('string') | join(',') }}",
    "{% set g = [1, 2, 3] | map('string') %}{{ g | list }}{{ g | list }}", "{{ {'b': 1, 'A': 2} | dictsort }}{{ {'b': 1, 'A': 2} | dictsort(true) }}{{ {'b': 1, 'a': 2} | dictsort(by='value') }}{{ {'b': 1, 'a': 2} | dictsort(reverse=true) }}", "{{ {'a': 1} | items | list }}{{ nothing | items | list }}{% for k, v in {'a': [1]} | items %}{{ k }}{{ v }}{% endfor %}",
    "{{ [1, 2, 3, 4, 5] | batch(2) | list }}{{ [1, 2, 3] | batch(2, 0) | list }}{{ [1, 2, 3, 4, 5] | slice(2) | list }}{{ [1, 2, 3] | slice(2, 'x') | list }}{{ [1, 2] | slice(2, 'x') | list }}", "{% for k, group in people | groupby('age') %}{{ k }}:{{ group | map(attribute='name') | join(',') }};{% endfor %}{% for k, group in people | groupby('town.name') %}{{ k }}{{ group | length }}{% endfor %}",
    "{{ 'abc' | list }}{{ {'a': 1} | list }}{{ (1, 2) | list }}{{ range(3) | list }}{{ nothing | list }}", "{{ [1, 2] | length }}{{ {'a': 1}.items() | list | length }}{{ {'a': 1}.keys() }}{{ {'a': 1}.values() }}{{ {'a': 1}.items() }}", "{{ [[3, 'x'], [1, 'y']] | sort(attribute=1) }}{{ [(1, 'b'), (1, 'a')] | sort }}",
], people=PEOPLE, messages=CHAT)
many("tojson", [
    "{{ x | tojson }}", "{{ x | tojson(indent=2) }}", "{{ x | tojson(ensure_ascii=true) }}", "{{ x | tojson(separators=(',', ':')) }}", "{{ x | tojson(sort_keys=true) }}", "{{ x | tojson(indent='\t') }}", "{{ tools | tojson(indent=4) }}", "{{ tools[0].function | tojson }}",
    "{{ [] | tojson }}{{ {} | tojson(indent=2) }}{{ [[], {}] | tojson(indent=1) }}{{ 'é\u2028</script>\x7f\x01' | tojson }}{{ none | tojson }}{{ true | tojson }}{{ 1.0 | tojson }}{{ 1e20 | tojson }}{{ (1, 2) | tojson }}{{ {1: 2, none: 3, true: 4, 1.5: 5} | tojson }}", "{{ x | tojson(indent=0) }}", "{{ x | tojson | length }}", "{{ 1e16 | tojson }}{{ 0.00001 | tojson }}{{ -0.0 | tojson }}",
], x={"b": [1, 2.5, None, True, {"c": "d\"\\\n"}], "a": "Grüße 👩‍👧", "e": [], "f": {}}, tools=TOOLS)

# Tests.
many("test", [
    "{{ 1 is odd }}{{ 2 is even }}{{ 6 is divisibleby 3 }}{{ 6 is divisibleby(4) }}{{ 7 is not even }}", "{{ x is defined }}{{ x is undefined }}{{ y is defined }}{{ x.a is defined }}{{ x.b is defined }}", "{{ none is none }}{{ 1 is not none }}{{ true is boolean }}{{ 1 is boolean }}{{ true is true }}{{ 1 is true }}{{ false is false }}",
    "{{ 1 is integer }}{{ true is integer }}{{ 1.0 is integer }}{{ 1.0 is float }}{{ 1 is number }}{{ true is number }}{{ 'a' is number }}", "{{ 'a' is string }}{{ 1 is string }}{{ {} is mapping }}{{ [] is mapping }}{{ [] is sequence }}{{ 'a' is sequence }}{{ {} is sequence }}{{ 1 is sequence }}{{ nothing is sequence }}",
    "{{ [] is iterable }}{{ 'a' is iterable }}{{ 1 is iterable }}{{ none is iterable }}{{ nothing is iterable }}{{ {} is iterable }}{{ range(1) is iterable }}", "{{ 'a' is lower }}{{ 'A' is upper }}{{ 'Ab' is lower }}{{ '1' is upper }}", "{{ 1 is eq 1 }}{{ 1 is ne 2 }}{{ 1 is lt 2 }}{{ 2 is ge 2 }}{{ 2 is gt 1 }}{{ 1 is le 1 }}{{ 1 is equalto 1.0 }}{{ 3 is greaterthan 2 }}{{ 3 is lessthan(2) }}",
    "{{ 1 is in [1] }}{{ 'a' is in 'abc' }}{{ 2 is not in [1] }}", "{{ true is sameas true }}{{ 1 is sameas true }}{{ none is sameas none }}", "{{ range is callable }}{{ 1 is callable }}{{ 'upper' is filter }}{{ 'nope' is filter }}{{ 'odd' is test }}", "{{ 1 is defined and 2 is defined }}{{ not nothing is defined }}{{ nothing is defined or 'x' }}{{ 'a' if x is defined else 'b' }}", "{{ 'a' is escaped }}{{ ('a' | safe) is escaped }}", "{{ (1 if 1 is number) is number }}{{ [1, 2] is sequence and [1, 2] is not string and [1, 2] is not mapping }}",
], x={"a": 1})

# Methods.
many("method-text", [
    "[{{ '  a '.strip() }}][{{ '  a '.lstrip() }}][{{ '  a '.rstrip() }}][{{ 'xyax'.strip('xy') }}][{{ '\n a\n'.strip('\n') }}]", "{{ 'a,b,,c'.split(',') }}{{ ' a  b '.split() }}{{ 'a b c'.split(' ', 1) }}{{ 'a b c'.split(None, 1) }}{{ 'a b c'.rsplit(' ', 1) }}{{ ' a b  c '.rsplit(None, 1) }}{{ ' a b c '.split(None, 1) }}{{ ''.split() }}{{ ''.split(',') }}{{ 'a</think>b'.split('</think>')[-1] }}{{ 'aXbXc'.split('X', maxsplit=1) }}",
    "{{ 'abc'.startswith('ab') }}{{ 'abc'.endswith('bc') }}{{ 'abc'.startswith(('x', 'a')) }}{{ 'abc'.startswith('b', 1) }}{{ 'abc'.endswith('b', 0, 2) }}{{ 'abc'.startswith('') }}", "{{ 'aXbX'.replace('X', '-') }}{{ 'aaa'.replace('a', 'b', 1) }}", "{{ 'aé'.upper() }}{{ 'AÉ'.lower() }}{{ \"they're bill's\".title() }}{{ 'hELLO'.capitalize() }}{{ 'aB'.swapcase() }}",
    "{{ 'abcabc'.find('c') }}{{ 'abc'.find('x') }}{{ 'abcabc'.rfind('c') }}{{ 'abcabc'.index('b') }}{{ 'abcabc'.count('bc') }}{{ 'aaa'.count('') }}{{ 'abcabc'.find('a', 1) }}{{ 'abc'.find('', 5) }}", "{{ ','.join(['a', 'b']) }}{{ '-'.join('abc') }}", "{{ 'a\nb\r\nc\x0bd'.splitlines() }}{{ 'a\nb'.splitlines(true) }}{{ ''.splitlines() }}{{ 'a\n'.splitlines() }}",
    "{{ 'a=b=c'.partition('=') }}{{ 'a=b=c'.rpartition('=') }}{{ 'abc'.partition('=') }}{{ 'abc'.rpartition('=') }}", "{{ 'abc'.removeprefix('a') }}{{ 'abc'.removesuffix('c') }}{{ 'abc'.removeprefix('x') }}", "{{ '12'.isdigit() }}{{ 'ab'.isalpha() }}{{ 'a1'.isalnum() }}{{ ' '.isspace() }}{{ ''.isdigit() }}{{ '½'.isnumeric() }}{{ '²'.isdigit() }}{{ '²'.isdecimal() }}{{ 'ab'.islower() }}{{ 'AB'.isupper() }}{{ 'é'.isascii() }}",
    "[{{ 'a'.ljust(3) }}][{{ 'a'.rjust(3, '-') }}][{{ 'ab'.center(5, '*') }}][{{ '-5'.zfill(4) }}][{{ '7'.zfill(3) }}]", "{{ '{} {}'.format('a', 1) }}{{ '{0}{1}{0}'.format('a', 'b') }}{{ '{x}'.format(x=1) }}{{ '{{}}'.format() }}{{ '{:>5}|{:<5}|{:^5}|{:*^5}'.format('a', 'b', 'c', 'd') }}{{ '{:.2f} {:05d} {:,} {:+d} {:x}'.format(3.14159, 42, 1234567, 5, 255) }}{{ '{!r}'.format('a') }}{{ '{:e} {:.3} {:%}'.format(1234.5, 'abcdef', 0.25) }}",
    "{{ 'a'.__class__ if false }}x", "{{ messages[1].content.split('!')[0].strip() }}{{ messages[2]['content'].strip().startswith('Hello') }}", "{{ 'ab' 'cd'.upper() }}", "{{ ('a' ~ 1).upper() }}{{ 'a-b'.split('-')[1].upper() }}",
], messages=CHAT)
many("method-list", [
    "{{ {'a': 1}.get('a') }}{{ {'a': 1}.get('b', 'x') }}{{ {'a': 1}.keys() | list }}{{ {'a': 1}.values() | list }}{{ {'a': 1, 'b': 2}.items() | list }}", "{{ [1, 2, 1].count(1) }}{{ [1, 2].index(2) }}{{ (1, 2, 1).count(1) }}{{ [1].copy() }}{{ {'a': 1}.copy() }}", "{{ [1].append is defined }}{{ {}.update is defined }}", "{% set j = joiner(', ') %}{{ j() }}a{{ j() }}b{{ j() }}c", "{% set c = cycler('a', 'b') %}{{ c.next() }}{{ c.next() }}{{ c.next() }}{{ c.current }}{{ c.reset() }}{{ c.current }}",
    "{{ messages | map(attribute='role') | list }}{{ (messages | last).role }}{{ messages | length - 1 }}", "{% for m in messages[::-1] %}{{ m.role }}{% endfor %}{{ messages[::-1][0].role }}",
], messages=CHAT)
many("date", ["{{ strftime_now('%d %b %Y') }}", "{{ strftime_now('%Y-%m-%d %H:%M:%S %A %B %j %p %y %%') }}", "{% if strftime_now is defined %}{{ strftime_now('%B %d, %Y') }}{% endif %}"])

# Errors of the rendering.
many("fails", [
    "{{ raise_exception('No, thank you: é') }}", "a\n{% if true %}\n{{ raise_exception('Roles must ' + 'alternate') }}\n{% endif %}", "{{ nothing.x }}", "{{ nothing['x'] }}", "a\n\n{{ messages[0].nothing.more }}", "{{ nothing() }}", "{{ 'a' + 1 }}", "{{ 1 + 'a' }}", "{{ 1 / 0 }}", "{{ 'a' < 1 }}", "{{ nothing + 1 }}",
    "{{ [1] + 'a' }}", "{{ 5() }}", "{% for x in 5 %}{% endfor %}", "{% set a, b = [1] %}", "{% set a, b = [1, 2, 3] %}", "{{ [1, 'a'] | sort }}", "{{ {[]: 1} }}", "{{ [1].append(2) }}", "{{ {}.update({}) }}", "{% set ns = 1 %}{% set ns.x = 2 %}", "{{ 'a' | nosuch }}", "{{ 'a' is nosuch }}",
    "{% macro m(a) %}{% endmacro %}{{ m(1, 2) }}", "{% macro m(a) %}{% endmacro %}{{ m(b=2) }}", "{% set n = none %}{{ n[1:] }}", "{{ nothing | tojson }}", "{{ 'a'.index('x') }}", "{{ ''.split('') }}", "{{ range(1, 2, 0) }}", "{{ range(1000000) }}", "{{ 1 in 5 }}", "{{ 1 in 'a' }}", "{{ [1] | map('nosuch') | list }}", "{{ 5 | length }}", "{{ nothing | int }}", "{{ 'x'[::0] }}",
    "{{ {'a': 1} | sort(attribute='b.c') }}", "{{ loop.index }}", "{{ nothing - 1 }}", "{{ -nothing }}", "{{ -'a' }}", "{{ 'ab' % 1 }}", "{{ '%d' % 'a' }}", "{{ messages.foo.bar }}", "{{ 'a'.strip(1) }}", "{% for x in [1] %}{{ loop(x) }}{% endfor %}", "{{ messages[0](1) }}", "{{ dict(1) }}", "{{ namespace(_x=1) }}",
    "{% set ns = namespace() %}{% set ns._x = 1 %}", "{{ [] | batch }}", "{{ (1, 2) < 'a' }}", "{{ 'a' ~ nothing.b }}", "{% macro m() %}{{ caller() }}{% endmacro %}{{ m() }}",
], messages=CHAT)

# Errors of the language.
many("syntax", [
    "{{", "{{ 1", "{% if", "{% if 1 %}", "a\nb\n{% if 1 %}\nc", "{% endif %}", "{% if 1 %}{% endfor %}", "{% for x in y %}", "{% for in y %}{% endfor %}", "{% nosuch %}", "\n\n{% nosuch %}", "{{ 1 + }}", "{{ (1 }}", "{{ [1) }}", "{{ 'a }}", "{{ a b }}", "{# open", "{% raw %}x", "{{ }}", "{% set %}", "{% set 1 = 2 %}",
    "{% set x = %}", "{% macro %}{% endmacro %}", "{% macro m(a=1, b) %}{% endmacro %}", "{{ ! }}", "{{ a.1b }}", "{{ a. }}", "{{ f(a=1, 2) }}", "{% else %}", "{% for x in y %}{% endif %}{% endfor %}", "{{ a is }}", "{{ a | }}", "{% call x %}{% endcall %}", "{% set true = 1 %}", "{{ {'a' 1} }}", "{% endset %}", "\n{{ 'a' 5 }}",
    "{{ a is b is c }}", "{% if 1 %}a{% else %}b{% else %}c{% endif %}", "line 1\nline 2 {{ x | nosuch }}", "{{ 1 if }}", "{{ not }}", "{{ a not b }}", "{% for loop in x %}{% endfor %}", "{% break %}", "{{ \x00 }}", "{% do x %}",
])
