/// Schemas of the commands around training.
enum TrainingSchemas {
  static let entries: [SchemaRegistry.Entry] = [
    .init(
      kind: "distill.eval", summary: "Scores of a table of logits: error, NLL, calibration, risk–coverage",
      text: #"""
        {
          "type": "object", "required": ["items", "classes", "values", "as_given"],
          "properties": {
            "items": {"$ref": "#/$defs/count"},
            "classes": {"$ref": "#/$defs/count"},
            "values": {"enum": ["logits", "probabilities", "answers"]},
            "temperature": {"type": ["number", "null"], "description": "What the logits of scaled are divided by"},
            "as_given": {"$ref": "#/$defs/answers"},
            "scaled": {"anyOf": [{"$ref": "#/$defs/answers"}, {"type": "null"}]},
            "against": {
              "type": ["object", "null"],
              "properties": {
                "file": {"type": "string"},
                "mcnemar": {
                  "type": "object", "required": ["only_first_right", "only_second_right", "mid_p"],
                  "properties": {
                    "only_first_right": {"$ref": "#/$defs/count"}, "only_second_right": {"$ref": "#/$defs/count"},
                    "mid_p": {"type": "number"}
                  }
                }
              }
            }
          },
          "$defs": {
            "bins": {
              "type": "array",
              "items": {
                "type": "object", "required": ["lower", "upper", "items", "confidence", "accuracy"],
                "properties": {
                  "lower": {"type": "number"}, "upper": {"type": "number"}, "items": {"type": "number"},
                  "confidence": {"type": ["number", "null"]}, "accuracy": {"type": ["number", "null"]}
                }
              }
            },
            "answers": {
              "type": "object", "required": ["reliability", "risk_coverage"],
              "properties": {
                "reliability": {
                  "type": "object", "required": ["equal_width_10", "equal_mass_15"],
                  "properties": {
                    "equal_width_10": {"$ref": "#/$defs/bins"}, "equal_mass_15": {"$ref": "#/$defs/bins"}
                  }
                },
                "risk_coverage": {
                  "type": "array",
                  "items": {
                    "type": "object", "required": ["coverage", "risk"],
                    "properties": {"coverage": {"type": "number"}, "risk": {"type": "number"}}
                  }
                }
              }
            }
          }
        }
        """#)
  ]
}
