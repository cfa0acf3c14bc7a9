/// The shape of a recipe of `surgeon operate`. An unknown key is an error, so that no misspelt setting is passed over.
enum RecipeSchema {
  static let entry = SchemaRegistry.Entry(
    kind: "recipe", summary: "A recipe of surgeon operate (YAML or JSON)",
    text: #"""
      {
        "type": "object", "required": ["model", "behaviour"],
        "properties": {
          "name": {"type": "string"},
          "model": {"type": "string", "minLength": 1, "description": "A checkpoint folder, or organism"},
          "seed": {"type": "integer", "minimum": 0},
          "behaviour": {
            "type": "object", "required": ["name"],
            "properties": {
              "name": {"type": "string", "minLength": 1},
              "wanted": {"type": "string", "description": "What replies should be instead"},
              "positive": {"$ref": "#/$defs/files", "description": "Texts with the behaviour"},
              "negative": {"$ref": "#/$defs/files", "description": "Texts without it"},
              "group": {"type": "string", "description": "The field that must not be split: template, author, ..."},
              "pool": {"type": "string", "description": "mean, mean+bos, last, reply, prompt-end"},
              "limit": {"type": "integer", "minimum": 1}
            },
            "additionalProperties": false
          },
          "probe": {
            "type": "object",
            "properties": {
              "file": {"type": "string", "description": "A trained probe instead of training one"},
              "kinds": {"type": "array", "minItems": 1, "items": {"type": "string"}},
              "sites": {"$ref": "#/$defs/names"},
              "site": {"type": "string", "description": "The site whose direction is edited with"},
              "kind": {"type": "string", "description": "The kind whose direction is edited with"}
            },
            "additionalProperties": false
          },
          "locate": {
            "type": "object",
            "properties": {
              "space": {"enum": ["faithful", "gain-corrected", "per-layer", "site"]},
              "rows": {"$ref": "#/$defs/amount"},
              "blocks": {"type": ["string", "integer", "array"], "description": "all, 0-31, -1, or a list"},
              "role": {"type": "string", "description": "The matrix whose rows are edited; mlp.gate where there is one"}
            },
            "additionalProperties": false
          },
          "sweep": {
            "type": "object",
            "properties": {
              "strength": {"type": "array", "minItems": 1, "items": {"type": "number"}},
              "alpha": {"type": "array", "minItems": 1, "items": {"type": "number"}},
              "rows": {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/amount"}},
              "spaces": {"type": "array", "minItems": 1, "items": {"type": "string"}},
              "controls": {"type": "integer", "minimum": 0, "description": "Draws of each kind of control"}
            },
            "additionalProperties": false
          },
          "prompts": {
            "type": "object",
            "properties": {
              "target": {"$ref": "#/$defs/files", "description": "Prompts that bring the behaviour out"},
              "neutral": {"$ref": "#/$defs/files", "description": "Text on which nothing should change"},
              "other": {"type": "object", "additionalProperties": {"$ref": "#/$defs/files"},
                "description": "More kinds of prompts by name"},
              "facts": {"$ref": "#/$defs/files"},
              "temperature": {"type": "number", "minimum": 0},
              "max_tokens": {"type": "integer", "minimum": 1},
              "replies": {"type": "integer", "minimum": 1, "description": "Replies to each prompt"},
              "judge": {
                "type": "object", "required": ["kind"],
                "properties": {
                  "kind": {"enum": ["lexicon", "classifier", "probe", "grammar"]},
                  "file": {"$ref": "#/$defs/files"}
                },
                "additionalProperties": false
              }
            },
            "additionalProperties": false
          },
          "gates": {
            "description": "Conditions that must hold, by metric: neutral_perplexity_rise: \"<= 5%\"",
            "type": "object", "additionalProperties": {"type": "string", "minLength": 2}
          }
        },
        "additionalProperties": false,
        "$defs": {
          "files": {
            "description": "One file or several",
            "oneOf": [
              {"type": "string", "minLength": 1},
              {"type": "array", "minItems": 1, "items": {"type": "string", "minLength": 1}}
            ]
          },
          "names": {
            "oneOf": [{"type": "string", "minLength": 1}, {"type": "array", "minItems": 1, "items": {"type": "string"}}]
          },
          "amount": {
            "description": "A number of rows, or a share such as 4.65%",
            "anyOf": [{"type": "number", "exclusiveMinimum": 0}, {"type": "string", "minLength": 1}]
          }
        }
      }
      """#, isReport: false)
}
