/// Results of `importance`, in each of its modes.
enum ImportanceSchemas {
  static let entries: [SchemaRegistry.Entry] = [
    .init(
      kind: "importance", summary: "Scores of weights, rows, neurons, heads and blocks, and where they agree",
      text: #"""
        {
          "type": "object",
          "anyOf": [
            {"required": ["grain", "scores", "matrices"]},
            {"required": ["grain", "scores", "aggregation"]},
            {"required": ["grain", "scores", "top_share", "overlap"]},
            {"required": ["curve"]}, {"required": ["spectra"]}, {"required": ["dry_run"]}
          ],
          "properties": {
            "grain": {
              "enum": ["weight", "pattern", "row", "column", "matrix", "neuron", "head", "expert", "block"]
            },
            "aggregation": {"enum": ["sum", "mean", "max"]},
            "scores": {
              "type": "array", "minItems": 1,
              "items": {
                "anyOf": [
                  {"type": "string"},
                  {
                    "type": "object", "required": ["score", "units", "lowest", "highest", "places"],
                    "properties": {
                      "score": {"type": "string"}, "units": {"$ref": "#/$defs/count"},
                      "lowest": {"type": "array", "items": {"$ref": "#/$defs/unit_score"}},
                      "highest": {"type": "array", "items": {"$ref": "#/$defs/unit_score"}},
                      "places": {
                        "type": "array",
                        "items": {
                          "type": "object", "required": ["place", "block", "units", "mean"],
                          "properties": {
                            "place": {"type": "string"}, "block": {"$ref": "#/$defs/count"},
                            "units": {"$ref": "#/$defs/count"}, "mean": {"type": "number"},
                            "minimum": {"$ref": "#/$defs/optional_number"},
                            "maximum": {"$ref": "#/$defs/optional_number"}
                          }
                        }
                      }
                    }
                  }
                ]
              }
            },
            "matrices": {
              "type": "array",
              "items": {
                "type": "object", "required": ["role", "block", "outputs", "inputs", "scores"],
                "properties": {
                  "role": {"type": "string"}, "block": {"$ref": "#/$defs/count"},
                  "kind": {"type": ["string", "null"]}, "expert": {"$ref": "#/$defs/optional_count"},
                  "outputs": {"$ref": "#/$defs/count"}, "inputs": {"$ref": "#/$defs/count"},
                  "scores": {
                    "type": "array", "description": "One a score; null where it says nothing of the matrix",
                    "items": {
                      "type": ["object", "null"],
                      "required": ["mean", "minimum", "low", "median", "high", "maximum", "zero_share"],
                      "properties": {
                        "mean": {"type": "number"}, "minimum": {"type": "number"},
                        "low": {"type": "number", "description": "5 % of the scores lie below"},
                        "median": {"type": "number"},
                        "high": {"type": "number", "description": "95 % of the scores lie below"},
                        "maximum": {"type": "number"},
                        "zero_share": {"type": "number", "minimum": 0, "maximum": 1}
                      }
                    }
                  }
                }
              }
            },
            "top_share": {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1},
            "overlap": {
              "type": "array", "description": "Pairs of scores by role and block, then by role over all blocks",
              "items": {
                "type": "object",
                "required": ["role", "block", "first", "second", "units", "top", "overlap", "removed"],
                "properties": {
                  "role": {"type": "string"},
                  "block": {"$ref": "#/$defs/optional_count", "description": "null: all blocks together"},
                  "first": {"type": "string"}, "second": {"type": "string"},
                  "units": {"$ref": "#/$defs/count"}, "top": {"$ref": "#/$defs/count"},
                  "correlation": {"$ref": "#/$defs/optional_number", "description": "Spearman"},
                  "overlap": {"type": "number", "minimum": 0, "maximum": 1,
                    "description": "Share of the first score's highest among the second's highest"},
                  "removed": {"type": "number", "minimum": 0, "maximum": 1,
                    "description": "Share of the first score's highest among the second's lowest"},
                  "removed_back": {"type": "number", "minimum": 0, "maximum": 1}
                }
              }
            },
            "curve": {
              "type": "object", "required": ["group", "epsilon", "shares", "metric", "scores"],
              "properties": {
                "group": {"type": "string"}, "epsilon": {"type": "number"}, "resamples": {"$ref": "#/$defs/count"},
                "shares": {"type": "array", "minItems": 1, "items": {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1}},
                "metric": {
                  "type": "object", "required": ["kind", "unit", "higher_is_better", "items", "detail", "base"],
                  "properties": {
                    "kind": {"enum": ["nll", "kl", "accuracy", "behaviour"]}, "unit": {"type": "string"},
                    "higher_is_better": {"type": "boolean"}, "items": {"$ref": "#/$defs/count"},
                    "item": {"type": "string"}, "detail": {"type": "string"},
                    "base": {"$ref": "#/$defs/optional_number", "description": "The unchanged model's value"}
                  }
                },
                "scores": {
                  "type": "array", "minItems": 1,
                  "items": {
                    "type": "object", "required": ["score", "parts"],
                    "properties": {
                      "score": {"type": "string"},
                      "parts": {
                        "type": "array", "minItems": 1, "description": "All matrices first, then the parts asked for",
                        "items": {
                          "type": "object", "required": ["part", "scope", "block", "role", "weights", "knee", "points"],
                          "properties": {
                            "part": {"type": "string"}, "scope": {"enum": ["whole", "block", "role", "matrix"]},
                            "block": {"$ref": "#/$defs/optional_count"}, "role": {"type": ["string", "null"]},
                            "weights": {"$ref": "#/$defs/count"},
                            "knee": {
                              "type": ["object", "null"], "required": ["share", "damage", "next"],
                              "properties": {
                                "share": {"type": "number", "minimum": 0, "exclusiveMaximum": 1},
                                "damage": {"$ref": "#/$defs/optional_number"},
                                "next": {"$ref": "#/$defs/optional_number", "description": "The first share that does not count"}
                              }
                            },
                            "points": {
                              "type": "array",
                              "items": {
                                "type": "object", "required": ["arm", "share", "removed", "value", "damage", "lower", "upper"],
                                "properties": {
                                  "arm": {"enum": ["smallest", "largest", "random"]},
                                  "share": {"type": "number"}, "removed": {"$ref": "#/$defs/count"},
                                  "value": {"$ref": "#/$defs/optional_number"},
                                  "damage": {"$ref": "#/$defs/optional_number", "description": "Positive is worse than unchanged"},
                                  "lower": {"$ref": "#/$defs/optional_number"},
                                  "upper": {"$ref": "#/$defs/optional_number"}
                                }
                              }
                            }
                          }
                        }
                      }
                    }
                  }
                }
              }
            },
            \#(SpectraSchema.properties),
            "dry_run": {"type": "object"}
          },
          "$defs": {
            \#(SpectraSchema.definitions),
            "unit_score": {
              "type": "object", "required": ["unit", "block", "index", "score"],
              "properties": {
                "unit": {"type": "string"}, "block": {"$ref": "#/$defs/count"},
                "expert": {"type": ["integer", "null"], "description": "-1: the shared expert"},
                "index": {"type": "integer", "minimum": -1}, "score": {"type": "number"}
              }
            }
          }
        }
        """#)
  ]
}
