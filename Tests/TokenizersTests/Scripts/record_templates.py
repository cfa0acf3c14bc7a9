"""Records what jinja2 renders, in the settings and with the helpers of transformers, for the tests of chat templates.

    python record_templates.py [FOLDER WITH *.jinja]

writes Fixtures/Templates/cases.json (own templates with their output) and, where the folder is given,
Fixtures/Templates/chats.json: conversations, and hashes of what each template of the folder makes of them.
"""

import datetime
import hashlib
import json
import pathlib
import sys
import traceback

import jinja2
import transformers
from transformers.utils import chat_template_utils

from template_cases import CASES, TOOLS

FIXTURES = pathlib.Path(__file__).parent.parent / "Fixtures" / "Templates"
NOW = datetime.datetime(2024, 7, 26, 13, 5, 9)


class Clock(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return NOW


chat_template_utils.datetime = Clock
compile_template = chat_template_utils._cached_compile_jinja_template


def line_of(error):
    if isinstance(error, jinja2.TemplateSyntaxError):
        return error.lineno
    lines = [f.lineno for f in traceback.extract_tb(error.__traceback__) if f.filename in ("<template>", "<unknown>")]
    return lines[-1] if lines else None


def outcome(template, context):
    try:
        compiled = compile_template(template)
        blocks, places = [], []
        with compiled.environment.activate_tracker(blocks, places):
            for block in compiled.generate(**context):
                blocks.append(block)
        result = {"expected": "".join(blocks)}
        if places:
            result["generations"] = [list(place) for place in places]
        return result
    except Exception as error:  # every kind is an outcome
        result = {"error": type(error).__name__, "message": str(error)}
        line = line_of(error)
        if line is not None:
            result["line"] = line
        return result


def record_cases():
    names = [name for name, _, _ in CASES]
    assert len(names) == len(set(names))
    contexts, records = [], []
    for name, template, context in CASES:
        if context not in contexts:
            contexts.append(context)
        records.append(
            {"name": name, "template": template, "context": contexts.index(context), **outcome(template, context)}
        )
    write("cases.json", {"jinja2": jinja2.__version__, "contexts": contexts, "cases": records})


def chat(*messages):
    return [{"role": role, "content": content} for role, content in messages]


CALL = {"type": "function", "function": {"name": "weather", "arguments": {"town": "Köln", "days": 2}}}
CONVERSATIONS = {
    "one": {"messages": chat(("user", "Hello"))},
    "system": {"messages": chat(("system", "You are kind."), ("user", "Hello"))},
    "turns": {"messages": chat(("user", "Hello"), ("assistant", "Hi. How are you?"), ("user", "Fine."))},
    "all": {
        "messages": chat(
            ("system", "Be brief."), ("user", "1 + 1?"), ("assistant", "2"), ("user", "And 2 + 2?"), ("assistant", "4")
        )
    },
    "spaces": {
        "messages": chat(
            ("system", " \n Rules:\n\n- none \t"), ("user", "  two  \n\n\nlines \r\n"), ("assistant", "\n\n answer \n"),
            ("user", "\u00a0\u3000wide\u2028")
        )
    },
    "unicode": {
        "messages": chat(
            ("user", "Grüße, 世界! 👩‍👩‍👧 e\u0301 é ไทย हिन्दी \u200bzero"), ("assistant", "İstanbul ß ΑΣ \U0001F1E9\U0001F1EA"), ("user", "ﬁn")
        )
    },
    "empty": {"messages": chat(("user", ""), ("assistant", ""), ("user", " "))},
    "empty-system": {"messages": chat(("system", ""), ("user", "x"))},
    "tags": {"messages": chat(("user", "{{ 1 }} {% if %} </s> <|im_end|> [INST] 'q' \"d\" <b>&amp;"), ("assistant", "\\n {# c #}"))},
    "wrong-order": {"messages": chat(("user", "a"), ("user", "b"))},
    "assistant-first": {"messages": chat(("assistant", "a"), ("user", "b"))},
    "only-system": {"messages": chat(("system", "s"))},
    "late-system": {"messages": chat(("user", "a"), ("system", "s"), ("user", "b"))},
    "context": {"messages": chat(("system", "s"), ("context", " c "), ("user", "u"), ("assistant", "a"), ("user", "u2"))},
    "other-role": {"messages": chat(("user", "u"), ("bot", "b"), ("user", "u2"))},
    "tools": {"messages": chat(("user", "Weather?")), "tools": TOOLS},
    "tools-system": {"messages": chat(("system", "Use tools."), ("user", "Weather?")), "tools": TOOLS * 2},
    "no-tools": {"messages": chat(("user", "Weather?")), "tools": []},
    "calls": {
        "messages": [
            {"role": "user", "content": "Weather?"},
            {"role": "assistant", "content": "", "tool_calls": [CALL]},
            {"role": "tool", "name": "weather", "content": "{\"sun\": true}"},
            {"role": "tool", "name": "weather", "content": "rain"},
            {"role": "assistant", "content": "Sun and rain."},
        ],
        "tools": TOOLS,
    },
    "calls-said": {
        "messages": [
            {"role": "user", "content": "Weather?"},
            {"role": "assistant", "content": "I look.", "tool_calls": [CALL, CALL["function"]]},
            {"role": "tool", "content": "rain"},
        ],
        "tools": TOOLS,
    },
    "granite-roles": {
        "messages": chat(("user", "u"), ("assistant_tool_call", "[call]"), ("tool_response", "r"), ("assistant", "a"))
    },
    "no-content": {"messages": [{"role": "user", "content": "u"}, {"role": "assistant"}]},
    "parts": {"messages": [{"role": "user", "content": [{"type": "text", "text": "part"}]}]},
}
TOKENS = {"bos_token": "<s>", "eos_token": "</s>"}


def record_folder(folder):
    templates = {}
    for path in sorted(folder.glob("*.jinja")):
        text = path.read_text(encoding="utf-8")
        outcomes = {}
        for name, conversation in CONVERSATIONS.items():
            for prompt in (False, True):
                context = {
                    "messages": conversation["messages"], "tools": conversation.get("tools"), "documents": None,
                    "add_generation_prompt": prompt, **TOKENS,
                }
                result = outcome(text, context)
                key = name + ("+prompt" if prompt else "")
                if "expected" in result:
                    outcomes[key] = hashlib.sha256(result["expected"].encode()).hexdigest()
                elif result["error"] == "TemplateError":
                    outcomes[key] = "raises: " + result["message"]
                else:
                    outcomes[key] = "fails"
        templates[path.name] = {"sha256": hashlib.sha256(path.read_bytes()).hexdigest(), "outcomes": outcomes}
    write("chats.json", {
        "jinja2": jinja2.__version__, "transformers": transformers.__version__, "tokens": TOKENS,
        "conversations": CONVERSATIONS, "templates": templates,
    })


def write(name, value):
    text = json.dumps(value, ensure_ascii=False, indent=1)
    (FIXTURES / name).write_text(text + "\n", encoding="utf-8")
    print(name, len(text))


record_cases()
if len(sys.argv) > 1:
    record_folder(pathlib.Path(sys.argv[1]))
