/// Results of the timings that write reports: `Bench compare` and `Bench growth`.
enum BenchSchemas {
  static let entries: [SchemaRegistry.Entry] = [
    .init(
      kind: "bench.compare", summary: "Jobs here, beside what people use for them now",
      text: #"""
        {
          "type": "object", "required": ["machine", "rounds", "rows"],
          "properties": {
            "machine": {"type": "object"}, "rounds": {"$ref": "#/$defs/count"},
            "rows": {
              "type": "array",
              "items": {
                "type": "object",
                "required": ["job", "title", "peer", "unit", "kind", "here", "there", "ratio", "reach", "better", "reached", "missing"],
                "properties": {
                  "job": {"type": "string"}, "title": {"type": "string"},
                  "peer": {"type": "string", "description": "Empty where the aim is a number by itself"},
                  "unit": {"type": "string"},
                  "kind": {
                    "enum": ["rate", "speedup", "share", "floor", "value", "excess"],
                    "description": "rate, share: here over there; speedup: there over here; floor, value: here; excess: here minus there"
                  },
                  "here": {"type": "array", "items": {"type": "number"}, "description": "One number a round"},
                  "there": {"type": "array", "items": {"type": "number"}},
                  "here_median": {"$ref": "#/$defs/optional_number"}, "there_median": {"$ref": "#/$defs/optional_number"},
                  "ratio": {"$ref": "#/$defs/optional_number"}, "reach": {"$ref": "#/$defs/optional_number"},
                  "better": {"$ref": "#/$defs/optional_number"},
                  "reached": {"type": ["boolean", "null"]}, "is_better": {"type": ["boolean", "null"]},
                  "note": {"type": "string"}, "missing": {"type": ["string", "null"]},
                  "load_average": {"$ref": "#/$defs/optional_number"}
                }
              }
            }
          }
        }
        """#),
    .init(
      kind: "bench.growth", summary: "How cost grows with work, and what it comes to on larger models",
      text: #"""
        {
          "type": "object", "required": ["machine", "rates", "tolerance", "curves", "estimates"],
          "properties": {
            "machine": {"type": "object"}, "rates": {"type": "object"}, "quick": {"type": "boolean"},
            "tolerance": {"type": "number", "minimum": 0},
            "curves": {
              "type": "array",
              "items": {
                "type": "object",
                "required": ["name", "title", "of", "work_unit", "points", "exponent", "tail_exponent", "grows_too_fast"],
                "properties": {
                  "name": {"type": "string"}, "title": {"type": "string"},
                  "of": {"type": "string", "description": "What grows from point to point, such as tokens of a text"},
                  "work_unit": {"enum": ["operations", "bytes", "tokens"]},
                  "cost": {"enum": ["seconds", "bytes"]},
                  "points": {
                    "type": "array", "minItems": 1,
                    "items": {
                      "type": "object", "required": ["at", "work", "cost", "rate"],
                      "properties": {
                        "at": {"type": "number"}, "label": {"type": "string"}, "work": {"type": "number"},
                        "cost": {"type": "number"}, "rate": {"type": "number"}, "rate_unit": {"type": "string"},
                        "load_average": {"$ref": "#/$defs/optional_number"}
                      }
                    }
                  },
                  "exponent": {"$ref": "#/$defs/optional_number", "description": "Of cost against work, all points"},
                  "tail_exponent": {"$ref": "#/$defs/optional_number", "description": "The same over the larger half"},
                  "judged": {"type": "boolean"}, "grows_too_fast": {"type": "boolean"}
                }
              }
            },
            "estimates": {
              "type": "array",
              "items": {
                "type": "object", "required": ["model", "job", "cores", "seconds"],
                "properties": {
                  "model": {"type": "string"}, "job": {"type": "string"}, "cores": {"$ref": "#/$defs/count"},
                  "seconds": {"type": "number"}, "per_second": {"$ref": "#/$defs/optional_number"},
                  "rate_unit": {"type": "string"}, "memory_bytes": {"$ref": "#/$defs/count"},
                  "limit": {"type": "string"}
                }
              }
            },
            "assumptions": {"type": "array", "items": {"type": "string"}}
          }
        }
        """#),
  ]
}
