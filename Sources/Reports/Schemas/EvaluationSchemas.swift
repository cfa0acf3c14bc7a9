/// Results of the commands that evaluate a model.
enum EvaluationSchemas {
  static let entries: [SchemaRegistry.Entry] = [
    .init(
      kind: "evaluate", summary: "Multiple-choice tasks, and calibration of next-token predictions",
      text: #"""
        {
          "type": "object", "required": ["tasks", "texts"],
          "$defs": {
            "bins": {
              "type": "array",
              "items": {
                "type": "object", "required": ["lower", "upper", "count", "confidence", "accuracy"],
                "properties": {
                  "lower": {"type": "number"}, "upper": {"type": "number"}, "count": {"$ref": "#/$defs/count"},
                  "confidence": {"$ref": "#/$defs/optional_number", "description": "Mean probability of the top token"},
                  "accuracy": {"$ref": "#/$defs/optional_number", "description": "How often the top token came"}
                }
              }
            }
          },
          "properties": {
            "tasks": {
              "type": "array",
              "items": {
                "type": "object",
                "required": ["name", "path", "layout", "questions", "shots", "headline", "chance", "acc", "acc_stderr"],
                "properties": {
                  "name": {"type": "string"}, "path": {"type": "string"}, "layout": {"type": "string"},
                  "questions": {"$ref": "#/$defs/count"}, "questions_in_file": {"$ref": "#/$defs/count"},
                  "shots": {"$ref": "#/$defs/count"}, "truncated": {"$ref": "#/$defs/count"},
                  "scored_tokens": {"$ref": "#/$defs/count"},
                  "headline": {"enum": ["acc", "acc_norm"], "description": "The number that is usually quoted"},
                  "chance": {"type": "number", "minimum": 0, "maximum": 1},
                  "acc": {"type": "number", "minimum": 0, "maximum": 1},
                  "acc_stderr": {"$ref": "#/$defs/optional_number"},
                  "acc_norm": {"type": "number", "minimum": 0, "maximum": 1},
                  "acc_norm_stderr": {"$ref": "#/$defs/optional_number"}
                }
              }
            },
            "texts": {
              "type": ["object", "null"], "required": ["protocol", "documents", "tokens", "reliability"],
              "properties": {
                "protocol": {"type": "object"}, "documents": {"$ref": "#/$defs/count"}, "tokens": {"$ref": "#/$defs/count"},
                "reliability": {
                  "type": "object", "required": ["bins_10", "bins_15"],
                  "properties": {"bins_10": {"$ref": "#/$defs/bins"}, "bins_15": {"$ref": "#/$defs/bins"}}
                }
              }
            },
            "dry_run": {"type": "object"}
          }
        }
        """#)
  ]
}
