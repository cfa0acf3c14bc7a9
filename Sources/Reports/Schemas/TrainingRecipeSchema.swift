/// The shapes of the recipes of `surgeon train` and `surgeon distill`. Kinds and their settings are those of
/// `surgeon ls networks`, `data`, `optimisers`, `schedules`, `augmentations` and `arms`; an unknown key is an error.
enum TrainingRecipeSchema {
  static let entries: [SchemaRegistry.Entry] = [
    .init(
      kind: "recipe.training", summary: "A recipe of surgeon train (YAML or JSON)",
      text:
        #"{"type": "object", "properties": {\#(common)}, "additionalProperties": false, "$defs": {\#(defs)}}"#,
      isReport: false),
    .init(
      kind: "recipe.language", summary: "A recipe of surgeon train for a language model (YAML or JSON)",
      text: #"""
        {
          "type": "object", "required": ["data", "network"],
          "properties": {
            "data": {
              "type": "object", "required": ["kind", "files"],
              "properties": {
                "kind": {"const": "text"},
                "files": {"$ref": "#/$defs/files", "description": ".jsonl (text, or prompt and reply), else a text a file"},
                "validation": {"$ref": "#/$defs/files", "description": "Held-out texts, each file measured by itself"},
                "packing": {
                  "enum": ["windows", "documents"], "default": "windows",
                  "description": "All texts end to end, or each alone; cut after length tokens"
                },
                "length": {"type": "integer", "minimum": 1, "default": 256},
                "end": {"type": "boolean", "default": true, "description": "Whether the end token follows every text"}
              },
              "additionalProperties": false
            },
            "network": {
              "type": "object", "required": ["kind"],
              "properties": {
                "kind": {"const": "decoder"},
                "model": {"type": "string", "description": "Checkpoint folder to train on from"},
                "config": {"type": "string", "description": "config.json of a new model"},
                "tokenizer": {"type": "string", "description": "Folder whose tokenizer a new model takes"},
                "initial": {"$ref": "#/$defs/choice", "description": "family (deviation) or fan-in (gain, table)"}
              },
              "additionalProperties": false
            },
            "training": {"$ref": "#/$defs/training"},
            "steps": {"type": "integer", "minimum": 1, "description": "In place of training.epochs"},
            "dtype": {"enum": ["f32", "f16", "bf16"], "default": "f32", "description": "Type of the stored weights"},
            "keep_every": {"type": "integer", "minimum": 1, "default": 200, "description": "Steps between states"},
            "seed": {"type": "integer", "minimum": 0, "default": 0}
          },
          "additionalProperties": false,
          "$defs": {
            "files": {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]},
            \#(defs)
          }
        }
        """#, isReport: false),
    .init(
      kind: "recipe.distill", summary: "A recipe of surgeon distill (YAML or JSON)",
      text: #"""
        {
          "type": "object",
          "properties": {
            \#(common),
            "arms": {
              "description": "What is trained towards; cross-entropy must be among them. name tells two of a kind apart",
              "type": "array", "minItems": 1, "items": {"$ref": "#/$defs/choice"}
            },
            "settings": {
              "description": "Named settings; each changes keys of network and training",
              "type": "object",
              "additionalProperties": {
                "type": "object",
                "properties": {"network": {"$ref": "#/$defs/choice"}, "training": {"$ref": "#/$defs/training"}},
                "additionalProperties": false
              }
            }
          },
          "additionalProperties": false,
          "$defs": {\#(defs)}
        }
        """#, isReport: false),
  ]

  private static let common = #"""
    "data": {
      "$ref": "#/$defs/choice",
      "description": "Kind with its files; test_items and validation_items (numbers or shares), shuffle (a seed), standardise, classes"
    },
    "network": {"$ref": "#/$defs/choice", "description": "Kind with its settings"},
    "training": {"$ref": "#/$defs/training"},
    "keep_every": {"type": "integer", "minimum": 1, "default": 10, "description": "Epochs between states"},
    "seed": {"type": "integer", "minimum": 0},
    "seeds": {
      "description": "How many, from 0, or a list",
      "anyOf": [
        {"type": "integer", "minimum": 1}, {"type": "array", "minItems": 1, "items": {"type": "integer", "minimum": 0}}
      ]
    }
    """#

  private static let defs = #"""
    "choice": {
      "description": "A kind, or a mapping of kind and settings",
      "anyOf": [
        {"type": "string"},
        {"type": "object", "properties": {"kind": {"type": "string"}}, "additionalProperties": true}
      ]
    },
    "training": {
      "type": "object",
      "properties": {
        "epochs": {"type": "integer", "minimum": 1, "default": 100},
        "batch_size": {"type": "integer", "minimum": 1, "default": 128},
        "accumulation": {"type": "integer", "minimum": 1, "default": 1, "description": "Passes averaged into a step"},
        "batch_growth": {
          "type": "object", "description": "AdAdaGrad: the batch grows until its gradient's noise is a share of its length",
          "properties": {
            "test": {"enum": ["unbiased", "published"], "default": "unbiased"},
            "tolerance": {"type": "number", "minimum": 0.001, "maximum": 10, "default": 0.1},
            "maximum": {"type": "integer", "minimum": 1, "default": 4096},
            "interval": {"type": "integer", "minimum": 1, "default": 1, "description": "Steps between tests"}
          },
          "additionalProperties": false
        },
        "learning_rate": {"type": "number", "exclusiveMinimum": 0, "default": 0.1},
        "schedule": {"$ref": "#/$defs/choice"},
        "warm_up": {"type": "number", "minimum": 0, "exclusiveMaximum": 1, "description": "Share of the training"},
        "optimiser": {"$ref": "#/$defs/choice"},
        "clip": {"type": "number", "exclusiveMinimum": 0, "description": "Length that gradients are scaled down to"},
        "augmentation": {
          "anyOf": [{"$ref": "#/$defs/choice"}, {"type": "array", "items": {"$ref": "#/$defs/choice"}}]
        },
        "sharpness": {"type": "number", "minimum": 0, "description": "Radius of SAM"},
        "averaging": {"$ref": "#/$defs/choice", "description": "exponential (decay) or last (epochs)"},
        "patience": {"type": "integer", "minimum": 1, "description": "Epochs without a lower validation loss"}
      },
      "additionalProperties": false
    }
    """#
}
