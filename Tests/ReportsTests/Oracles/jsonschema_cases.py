#!/usr/bin/env python3
"""Records what the Python package `jsonschema` (Draft 2020-12) says about schemas and values of the subset that
Reports.JSONSchema knows: whether the value fits, and at which places it does not.

    python3 jsonschema_cases.py > ../Fixtures/jsonschema-cases.json

Half of the cases are written by hand, half are drawn from a seed.
"""
import json
import random

from jsonschema import Draft202012Validator

HAND = [
    ({}, [None, 1, "x", [], {}]),
    (True, [None, {}]),
    (False, [None, {}]),
    ({"type": "integer"}, [1, 1.0, 1.5, True, "1", None, -3, 1e300]),
    ({"type": "number"}, [1, 1.5, False, "1"]),
    ({"type": ["string", "null"]}, ["", None, 0, [], {}]),
    ({"type": "boolean"}, [True, 0, 1, "true"]),
    ({"enum": [1, "a", None, [1, 2], {"x": 1, "y": 2}, True]},
     [1, 1.0, "a", None, [1, 2], [2, 1], {"y": 2, "x": 1}, True, False, 0, "b"]),
    ({"enum": [0]}, [0, False, 0.0, None]),
    ({"const": {"a": [1, {"b": 2.0}]}}, [{"a": [1, {"b": 2}]}, {"a": [1.0, {"b": 2}]}, {"a": [1, {"b": 3}]}]),
    ({"const": 1}, [1, True, 1.0, "1"]),
    ({"minimum": 0, "exclusiveMaximum": 1}, [0, -0.0, 0.5, 1, -1, "x", None]),
    ({"exclusiveMinimum": 0, "maximum": 1}, [0, 0.5, 1, 1.0000001]),
    ({"minItems": 1, "maxItems": 2}, [[], [1], [1, 2], [1, 2, 3], {}, "abc"]),
    ({"minLength": 2}, ["", "a", "ab", "\u00e9", "\U0001f642", "\U0001f642x", 7]),
    ({"required": ["a", "b"]}, [{}, {"a": 1}, {"a": 1, "b": None}, [], None]),
    ({"properties": {"a": {"type": "string"}}, "additionalProperties": False},
     [{}, {"a": "x"}, {"a": 1}, {"b": 1}, {"a": 1, "b": 1, "c": 2}, []]),
    ({"properties": {"a": True}, "additionalProperties": {"type": "integer"}},
     [{"a": "x"}, {"b": 1}, {"b": "x", "c": "y"}, {"a/b": "x", "m~n": "x"}]),
    ({"items": {"type": "object", "required": ["n"]}}, [[], [{"n": 1}], [{}, {"n": 1}, 3], {}]),
    ({"items": False}, [[]]),  # of a longer list jsonschema names the list, not the element
    ({"allOf": [{"type": "object"}, {"required": ["a"]}]}, [{"a": 1}, {}, 3]),
    ({"anyOf": [{"type": "string"}, {"type": "integer", "minimum": 3}]}, ["x", 3, 2, None]),
    ({"oneOf": [{"type": "number"}, {"type": "integer"}]}, [1, 1.5, "x"]),
    ({"properties": {"x": {"oneOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}}},
     [{"x": "a"}, {"x": ["a"]}, {"x": ["a", 1]}, {"x": 3}]),
    ({"if": {"properties": {"s": {"const": "ok"}}}, "then": {"required": ["r"]}, "else": {"required": ["e"]}},
     [{"s": "ok"}, {"s": "ok", "r": 1}, {"s": "no"}, {"s": "no", "e": 1}, {}, 3]),
    ({"if": {"required": ["a"]}, "then": {"properties": {"a": {"type": "integer"}}}}, [{"a": 1}, {"a": "x"}, {}]),
    ({"$defs": {"n": {"type": "integer", "minimum": 0}}, "properties": {"a": {"$ref": "#/$defs/n"}}},
     [{"a": 0}, {"a": -1}, {"a": "x"}]),
    ({"$defs": {"n": {"type": "integer"}}, "$ref": "#/$defs/n", "minimum": 3}, [3, 2, "x", 2.5]),
    ({"type": "object", "properties": {"next": {"$ref": "#"}, "v": {"type": "integer"}}, "required": ["v"]},
     [{"v": 1}, {"v": 1, "next": {"v": 2}}, {"v": 1, "next": {"v": "x", "next": {}}}]),
]


def random_schema(r, depth):
    if depth == 0 or r.random() < 0.25:
        return r.choice([
            {"type": r.choice(["string", "integer", "number", "boolean", "null", "array", "object"])},
            {"type": r.sample(["string", "integer", "number", "boolean", "null", "array", "object"], 2)},
            {"enum": r.sample([0, 1, 2.5, "a", "b", None, True, False, []], 3)},
            {"const": r.choice([0, 1, "a", None, [1], {"a": 1}])},
            {"minimum": r.randint(-1, 2)}, {"exclusiveMaximum": r.randint(0, 3)},
            {"minLength": r.randint(0, 2)}, True, {"$ref": "#/$defs/d"},
        ])
    schema = {}
    for word in r.sample(["type", "properties", "required", "additionalProperties", "items", "minItems", "maxItems", "allOf",
                          "anyOf", "oneOf", "if"], r.randint(1, 4)):
        sub = lambda: random_schema(r, depth - 1)
        if word == "type":
            schema[word] = r.choice([["object", "array"], "object", "array", ["object", "array", "integer", "string"]])
        elif word == "properties":
            schema[word] = {k: sub() for k in r.sample("abc", r.randint(1, 3))}
        elif word == "required":
            schema[word] = r.sample("abcd", r.randint(1, 2))
        elif word == "additionalProperties":
            schema[word] = r.choice([False, sub()])
        elif word == "items":
            schema[word] = sub()
        elif word in ("minItems", "maxItems"):
            schema[word] = r.randint(0, 3)
        elif word == "if":
            schema["if"] = sub()
            if r.random() < 0.7:
                schema["then"] = sub()
            if r.random() < 0.5:
                schema["else"] = sub()
        else:
            schema[word] = [sub() for _ in range(r.randint(1, 3))]
    return schema


def random_value(r, depth):
    if depth == 0 or r.random() < 0.4:
        return r.choice([None, True, False, 0, 1, 2, -1, 2.5, 1.0, "", "a", "b", "\u00e9\u00e9"])
    if r.random() < 0.6:
        return {k: random_value(r, depth - 1) for k in r.sample("abcd", r.randint(0, 3))}
    return [random_value(r, depth - 1) for _ in range(r.randint(0, 3))]


def pointer(path):
    return "".join("/" + str(p).replace("~", "~0").replace("/", "~1") for p in path)


def main():
    cases = [(s, v) for s, values in HAND for v in values]
    r = random.Random(20)
    for _ in range(200):
        schema = random_schema(r, 3)
        if isinstance(schema, bool):
            continue
        schema["$defs"] = {"d": random_schema(r, 0) if r.random() < 0.5 else {"type": "object"}}
        if schema["$defs"]["d"] == {"$ref": "#/$defs/d"}:
            schema["$defs"]["d"] = True
        for _ in range(3):
            cases.append((schema, random_value(r, 3)))
    grouped = []
    for schema, value in cases:
        errors = sorted({pointer(e.absolute_path) for e in Draft202012Validator(schema).iter_errors(value)})
        if not grouped or grouped[-1]["schema"] is not schema:
            grouped.append({"schema": schema, "tries": []})
        grouped[-1]["tries"].append({"value": value, "wrong_at": errors})
    print("[")
    print(",\n".join(json.dumps(g, ensure_ascii=False) for g in grouped))
    print("]")


if __name__ == "__main__":
    main()
