/// Results of `prune`.
enum PruneSchemas {
  static let entries: [SchemaRegistry.Entry] = [
    .init(
      kind: "prune", summary: "The least important weights made zero in a copy of a checkpoint",
      text: #"""
        {
          "type": "object", "required": ["score", "group", "budget", "sequential", "calibration", "matrices", "checks"],
          "properties": {
            "score": {"type": "string"}, "group": {"type": "string"}, "budget": {"type": "string"},
            "sequential": {"type": "boolean", "description": "A pruned block's outputs fed the next"},
            "sparsity_asked": {"$ref": "#/$defs/optional_number", "description": "Share to remove; null for a list"},
            "weights": {"$ref": "#/$defs/count", "description": "Weights of all pruned matrices"},
            "pruned": {"$ref": "#/$defs/count", "description": "Those that went"},
            "zeros": {"$ref": "#/$defs/count", "description": "Zeros there are now, those of before included"},
            "calibration": {
              "type": ["object", "null"],
              "required": ["texts", "length", "tokens", "seed", "tokens_sha256"],
              "properties": {
                "file": {"type": "string"}, "texts": {"$ref": "#/$defs/count"},
                "length": {"$ref": "#/$defs/count", "description": "Tokens of a text"},
                "tokens": {"$ref": "#/$defs/count"}, "seed": {"$ref": "#/$defs/count"},
                "documents": {"$ref": "#/$defs/count"}, "documents_long_enough": {"$ref": "#/$defs/count"},
                "tokens_sha256": {"$ref": "#/$defs/sha256"}
              }
            },
            "matrices": {
              "type": "array",
              "items": {
                "type": "object",
                "required": ["role", "tensor", "outputs", "inputs", "asked", "pruned", "sparsity", "zeros"],
                "properties": {
                  "role": {"type": "string"}, "tensor": {"type": "string"},
                  "outputs": {"$ref": "#/$defs/count"}, "inputs": {"$ref": "#/$defs/count"},
                  "asked": {"$ref": "#/$defs/count"}, "pruned": {"$ref": "#/$defs/count"},
                  "sparsity": {"type": "number", "minimum": 0, "maximum": 1},
                  "zeros": {"$ref": "#/$defs/count"},
                  "tokens": {"$ref": "#/$defs/optional_count", "description": "Calibration tokens that reached it"},
                  "dead_inputs": {"$ref": "#/$defs/optional_count"},
                  "damping": {
                    "type": ["object", "null"], "required": ["asked", "used", "added"],
                    "properties": {
                      "asked": {"type": "number"}, "used": {"type": "number"}, "added": {"type": "number"},
                      "pivot_ratio": {"type": "number",
                        "description": "Largest over smallest squared pivot: a lower bound of the condition number"}
                    }
                  },
                  "error_masked": {"$ref": "#/$defs/optional_number",
                    "description": "Share of the output's energy that the mask alone loses on the calibration texts"},
                  "error": {"$ref": "#/$defs/optional_number", "description": "The same of what was written"}
                }
              }
            },
            "tensors": {
              "type": "array",
              "items": {
                "type": "object", "required": ["name", "rows_changed", "sha256_before", "sha256_after"],
                "properties": {
                  "name": {"type": "string"}, "rows_changed": {"$ref": "#/$defs/count"},
                  "sha256_before": {"$ref": "#/$defs/sha256"}, "sha256_after": {"$ref": "#/$defs/sha256"}
                }
              }
            },
            "bytes": {
              "type": "object", "required": ["before", "after", "note"],
              "properties": {
                "before": {"$ref": "#/$defs/count"}, "after": {"$ref": "#/$defs/count"}, "note": {"type": "string"}
              }
            },
            "structured": {
              "type": "object",
              "required": ["unit", "removed", "of", "parameters_before", "parameters_after", "parts"],
              "properties": {
                "unit": {"enum": ["neurons", "heads"]}, "aggregation": {"enum": ["sum", "mean", "max"]},
                "removed": {"$ref": "#/$defs/count", "description": "Units that left each part"},
                "of": {"$ref": "#/$defs/count"}, "parameters_before": {"$ref": "#/$defs/count"},
                "parameters_after": {"$ref": "#/$defs/count"},
                "parts": {
                  "type": "array",
                  "items": {
                    "type": "object", "required": ["block", "expert", "removed"],
                    "properties": {
                      "block": {"$ref": "#/$defs/count"}, "expert": {"$ref": "#/$defs/optional_count"},
                      "removed": {"type": "array", "items": {"$ref": "#/$defs/count"}}
                    }
                  }
                }
              }
            },
            "cut_tensors": {
              "type": "array",
              "items": {
                "type": "object", "required": ["name", "shape_before", "shape_after"],
                "properties": {
                  "name": {"type": "string"},
                  "shape_before": {"type": "array", "items": {"$ref": "#/$defs/count"}},
                  "shape_after": {"type": "array", "items": {"$ref": "#/$defs/count"}}
                }
              }
            },
            "sparse": {"type": "object", "required": ["bytes_before", "bytes_after", "values", "nonzero", "note"]},
            "checks": {"type": "array", "items": {"$ref": "#/$defs/check"}}
          }
        }
        """#),
    .init(
      kind: "imatrix", summary: "llama.cpp's importance matrix of a model on some texts",
      text: #"""
        {
          "type": "object", "required": ["calibration", "entries"],
          "properties": {
            "calibration": {
              "type": "object", "required": ["texts", "length", "tokens", "seed", "tokens_sha256"]
            },
            "entries": {
              "type": "array",
              "items": {
                "type": "object", "required": ["name", "channels", "matrices", "tokens", "dead"],
                "properties": {
                  "name": {"type": "string"}, "channels": {"$ref": "#/$defs/count"},
                  "matrices": {"$ref": "#/$defs/count", "description": "More than one where experts are stacked"},
                  "tokens": {"$ref": "#/$defs/count"}, "dead": {"$ref": "#/$defs/count"}
                }
              }
            }
          }
        }
        """#),
  ]
}
