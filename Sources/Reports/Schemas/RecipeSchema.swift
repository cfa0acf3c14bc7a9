/// The shape of a recipe of `surgeon operate`. An unknown key is an error, so that no misspelt setting is passed over.
enum RecipeSchema {
  static let entry = SchemaRegistry.Entry(
    kind: "recipe", summary: "A recipe of surgeon operate (YAML or JSON)",
    text: #"""
      {
        "type": "object",
        "properties": {
          "model": {"type": "string", "minLength": 1, "description": "A checkpoint folder, or organism", "default": "organism"},
          "seed": {"type": "integer", "minimum": 0, "default": 0},
          "chat_template": {"$ref": "#/$defs/file", "description": "Template of messages; default: the model's own"},
          "chat_date": {"type": ["string", "null"], "description": "Day that the template is told, such as 2024-07-26"},
          "behaviour": {
            "type": "object",
            "properties": {
              "name": {"type": "string", "minLength": 1, "description": "What replies should stop being"},
              "opposite": {"type": "string", "minLength": 1, "description": "What they should be instead"},
              "positive": {"$ref": "#/$defs/file", "description": "Texts with the behaviour"},
              "negative": {"$ref": "#/$defs/file", "description": "Texts without it"},
              "group": {"type": "string", "description": "The field that must not be split: template, author, ..."},
              "pool": {"$ref": "#/$defs/pooling"}
            },
            "additionalProperties": false
          },
          "probe": {
            "type": "object",
            "properties": {
              "kinds": {"$ref": "#/$defs/names", "description": "Probe kinds of the layer curve"},
              "sites": {"$ref": "#/$defs/names", "description": "Sites of the layer curve, such as blocks.*.output"},
              "pool": {"$ref": "#/$defs/pooling", "description": "Pooling of the layer curve"},
              "directions": {"$ref": "#/$defs/names", "description": "Probe kinds whose directions are edited with"},
              "direction_site": {"type": "string"},
              "direction_pool": {"$ref": "#/$defs/pooling"}
            },
            "additionalProperties": false
          },
          "locate": {
            "type": "object",
            "properties": {
              "edit": {
                "description": "Kinds of edits, swept side by side",
                "anyOf": [{"$ref": "#/$defs/edit"}, {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/edit"}}]
              },
              "norms": {
                "description": "Of ablations: which lines of the matrices keep their length, an arm each",
                "anyOf": [{"$ref": "#/$defs/norms"}, {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/norms"}}]
              },
              "writes": {
                "description": "Of ablations: what loses the direction",
                "anyOf": [{"$ref": "#/$defs/writer"}, {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/writer"}}]
              },
              "block_strength": {
                "description": "Of ablations: factor of each block, such as 1, a list, or triangle:PEAK,REACH,EDGE",
                "anyOf": [{"type": ["number", "string"]}, {"type": "array", "minItems": 1, "items": {"type": "number"}}]
              },
              "space": {
                "anyOf": [{"$ref": "#/$defs/space"}, {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/space"}}]
              },
              "rows": {"$ref": "#/$defs/amounts"},
              "blocks": {"type": ["string", "null"], "description": "all, or such as 0-31,-1"}
            },
            "additionalProperties": false
          },
          "sweep": {
            "type": "object",
            "properties": {
              "strength": {
                "description": "Fractions of the selected rows' median norm",
                "anyOf": [
                  {"type": "number", "exclusiveMinimum": 0},
                  {"type": "array", "minItems": 1, "items": {"type": "number", "exclusiveMinimum": 0}}
                ]
              },
              "ablation_strength": {
                "description": "Shares of the direction that ablations take out",
                "anyOf": [
                  {"type": "number", "exclusiveMinimum": 0},
                  {"type": "array", "minItems": 1, "items": {"type": "number", "exclusiveMinimum": 0}}
                ]
              },
              "rows": {"$ref": "#/$defs/amounts"},
              "points": {"type": "integer", "minimum": 1, "description": "Points of the sweep at most"},
              "controls": {"type": "integer", "minimum": 0, "description": "Draws of controls"},
              "mirror": {"type": "boolean", "description": "Try the opposite sign too"}
            },
            "additionalProperties": false
          },
          "prompts": {
            "type": "object",
            "properties": {
              "target": {"$ref": "#/$defs/file", "description": "Prompts that bring the behaviour out"},
              "target_test": {"$ref": "#/$defs/file", "description": "More of them, used once at the end"},
              "neutral": {"$ref": "#/$defs/file", "description": "Text on which nothing should change"},
              "facts": {"$ref": "#/$defs/file"},
              "validation_count": {"type": "integer", "minimum": 1},
              "test_count": {"type": "integer", "minimum": 1},
              "neutral_count": {"type": "integer", "minimum": 1},
              "max_tokens": {"type": "integer", "minimum": 1},
              "temperature": {"type": "number", "minimum": 0},
              "judge": {
                "type": "object",
                "properties": {
                  "kind": {"enum": ["lexicon", "classifier", "probe", "grammar"]},
                  "file": {"$ref": "#/$defs/file"}
                },
                "additionalProperties": false
              }
            },
            "additionalProperties": false
          },
          "gates": {
            "description": "Conditions that a point must keep, by quantity: neutral_perplexity_rise: \"<= 5%\"",
            "type": "object", "additionalProperties": {"type": "string", "minLength": 2}
          }
        },
        "additionalProperties": false,
        "if": {"properties": {"model": {"const": "organism"}}},
        "else": {
          "required": ["behaviour", "prompts"],
          "properties": {
            "behaviour": {"required": ["positive", "negative"]}, "prompts": {"required": ["target", "neutral"]}
          }
        },
        "$defs": {
          "file": {"type": ["string", "null"], "minLength": 1},
          "names": {
            "description": "One name or several",
            "anyOf": [{"type": "string", "minLength": 1}, {"type": "array", "minItems": 1, "items": {"type": "string"}}]
          },
          "pooling": {"enum": ["mean", "mean+bos", "last", "reply", "prompt-end"]},
          "edit": {"enum": ["add-rows", "ablate"]},
          "norms": {"enum": ["none", "vectors", "rows"]},
          "writer": {"enum": ["embeddings", "positions", "attention", "mlp"]},
          "space": {"enum": ["faithful", "gain-corrected", "per-layer"]},
          "amount": {
            "description": "A number of rows, or a share such as 4.65%",
            "anyOf": [{"type": "integer", "minimum": 1}, {"type": "string", "minLength": 1}]
          },
          "amounts": {
            "anyOf": [{"$ref": "#/$defs/amount"}, {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/amount"}}]
          }
        }
      }
      """#, isReport: false)
}
