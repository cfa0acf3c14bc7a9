/// Results of `diff`, `convert` and `probe.import`.
enum TrustSchemas {
  static let entries: [SchemaRegistry.Entry] = [
    .init(
      kind: "diff", summary: "Tensors, rows and side files in which two checkpoints differ",
      text: #"""
        {
          "type": "object", "required": ["verdict", "tensors", "edits"],
          "properties": {
            "verdict": {
              "enum": ["identical", "side files only", "rounded to another type", "model surgery",
                "directional ablation", "low rank", "dense", "mixed", null]
            },
            "identical_tensors": {"$ref": "#/$defs/count"},
            "relative_norm": {"$ref": "#/$defs/optional_number",
              "description": "Norm of the change over the norm of the tensors that moved"},
            "edits": {
              "type": "array", "description": "Edits recognised by their form",
              "items": {
                "type": "object", "required": ["kind", "strength", "direction", "tensors", "rows"],
                "properties": {
                  "kind": {"enum": ["model surgery", "directional ablation"]},
                  "space": {"type": ["string", "null"]},
                  "strength": {"type": "number",
                    "description": "Fraction of the rows' median norm; of an ablation the share removed"},
                  "strength_lower": {"type": "number"}, "strength_upper": {"type": "number"},
                  "added_length": {"$ref": "#/$defs/optional_number"},
                  "rows": {"$ref": "#/$defs/count"},
                  "direction": {"type": "array", "items": {"type": "number"},
                    "description": "Of length 1; empty where every block has its own"},
                  "tensors": {
                    "type": "array",
                    "items": {
                      "type": "object", "required": ["name", "cosine"],
                      "properties": {
                        "name": {"type": "string"}, "cosine": {"type": "number"},
                        "added_length": {"type": "number"}, "strength": {"type": "number"},
                        "rows": {"type": "array", "items": {"$ref": "#/$defs/count"}},
                        "transposed": {"type": "boolean"}, "side": {"enum": ["outputs", "inputs"]}
                      }
                    }
                  }
                }
              }
            },
            "probes": {
              "type": "array",
              "items": {
                "type": "object", "required": ["probe", "site", "cosine"],
                "properties": {
                  "probe": {"type": "string"}, "site": {"type": "string"},
                  "cosine": {"$ref": "#/$defs/optional_number"}, "alpha": {"$ref": "#/$defs/optional_number"},
                  "nearest": {"type": ["object", "null"]}
                }
              }
            },
            "tensors": {
              "type": "array", "description": "The tensors that moved",
              "items": {
                "type": "object", "required": ["name", "rows_changed", "values_changed", "form"],
                "properties": {
                  "name": {"type": "string"}, "role": {"type": ["string", "null"]}, "dtype": {"type": "string"},
                  "shape": {"type": "array", "items": {"$ref": "#/$defs/count"}},
                  "rows": {"$ref": "#/$defs/count"}, "rows_changed": {"$ref": "#/$defs/count"},
                  "columns_changed": {"$ref": "#/$defs/count"}, "values_changed": {"$ref": "#/$defs/count"},
                  "not_finite": {"$ref": "#/$defs/count"},
                  "norm": {"$ref": "#/$defs/optional_number"},
                  "relative_norm": {"$ref": "#/$defs/optional_number"},
                  "cosine": {"$ref": "#/$defs/optional_number"}, "largest": {"$ref": "#/$defs/optional_number"},
                  "form": {"enum": ["row addition", "directional ablation", "low rank", "other"]},
                  "rank": {"$ref": "#/$defs/optional_count",
                    "description": "Singular values above what rounding alone could reach"},
                  "rank_is_lower_bound": {"type": ["boolean", "null"]},
                  "stable_rank": {"$ref": "#/$defs/optional_number"},
                  "rounding_floor": {"$ref": "#/$defs/optional_number"},
                  "singular_values": {"type": "array", "items": {"type": "number"}},
                  "largest_rows": {
                    "type": "array",
                    "items": {
                      "type": "object", "required": ["row", "norm"],
                      "properties": {
                        "row": {"$ref": "#/$defs/count"}, "norm": {"type": "number"},
                        "relative_norm": {"$ref": "#/$defs/optional_number"},
                        "cosine": {"$ref": "#/$defs/optional_number"}
                      }
                    }
                  },
                  "changed_rows": {"type": "array", "items": {"$ref": "#/$defs/count"}}
                }
              }
            },
            "retyped": {
              "type": "array",
              "items": {
                "type": "object", "required": ["name", "first", "second"],
                "properties": {
                  "name": {"type": "string"}, "first": {"type": "string"}, "second": {"type": "string"},
                  "relative_norm": {"$ref": "#/$defs/optional_number"}, "is_rounding": {"type": "boolean"}
                }
              }
            },
            "only_in_first": {"type": "array", "items": {"type": "string"}},
            "only_in_second": {"type": "array", "items": {"type": "string"}},
            "files": {
              "type": "object",
              "properties": {
                "changed": {"type": "array", "items": {"type": "string"}},
                "only_in_first": {"type": "array", "items": {"type": "string"}},
                "only_in_second": {"type": "array", "items": {"type": "string"}}
              }
            }
          }
        }
        """#),
    .init(
      kind: "convert", summary: "PyTorch state dicts written as safetensors; sparse files made and expanded",
      text: #"""
        {
          "type": "object", "required": ["files", "checks"],
          "properties": {
            "files": {
              "type": "array",
              "items": {
                "type": "object", "required": ["from", "to"],
                "properties": {"from": {"type": "string"}, "to": {"type": "string"}}
              }
            },
            "tensors": {"$ref": "#/$defs/count"},
            "shared": {"type": "array", "items": {"type": "string"},
              "description": "Tensors that were views of others and are written whole"},
            "dropped": {"type": "array", "items": {"type": "string"}, "description": "Keys without tensors"},
            "model_hash": {"$ref": "#/$defs/sha256"},
            "sparse": {
              "type": "object", "required": ["bytes_before", "bytes_after", "values", "nonzero", "note"],
              "properties": {
                "bytes_before": {"$ref": "#/$defs/count", "description": "Of the dense weight files"},
                "bytes_after": {"$ref": "#/$defs/count", "description": "Of the sparse file"},
                "values": {"$ref": "#/$defs/count"},
                "nonzero": {"$ref": "#/$defs/count", "description": "Values with a bit that is not zero"},
                "note": {"type": "string"},
                "tensors": {
                  "type": "array",
                  "items": {
                    "type": "object", "required": ["name", "encoding", "values", "nonzero", "bytes_before", "bytes_after"],
                    "properties": {
                      "name": {"type": "string"},
                      "encoding": {"type": "string", "description": "dense, bitmask, gaps, or N-of-M"},
                      "values": {"$ref": "#/$defs/count"}, "nonzero": {"$ref": "#/$defs/count"},
                      "bytes_before": {"$ref": "#/$defs/count"}, "bytes_after": {"$ref": "#/$defs/count"}
                    }
                  }
                }
              }
            },
            "checks": {"type": "array", "items": {"$ref": "#/$defs/check"}}
          }
        }
        """#),
    .init(
      kind: "probe.import", summary: "A probe of another program as one of this program",
      text: #"""
        {
          "type": "object", "required": ["name", "site", "width", "norm"],
          "properties": {
            "name": {"type": "string"}, "site": {"type": "string"}, "pooling": {"type": "string"},
            "width": {"$ref": "#/$defs/count"}, "norm": {"type": "number", "exclusiveMinimum": 0},
            "bias": {"type": "number"}, "row": {"type": "string"},
            "noise_share": {"$ref": "#/$defs/optional_number",
              "description": "Share of the raw row that is its random start"},
            "tensors": {"type": "array", "items": {"type": "string"}}
          }
        }
        """#),
  ]
}
