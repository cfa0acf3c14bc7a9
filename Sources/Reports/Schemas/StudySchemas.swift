/// Schemas of trainings and of the study of self-distillation.
enum StudySchemas {
  static let entries: [SchemaRegistry.Entry] = [train, distill]

  private static let train = SchemaRegistry.Entry(
    kind: "train", summary: "One network trained from a recipe",
    text: #"""
      {
        "type": "object",
        "properties": {
          "parameters": {"$ref": "#/$defs/count", "description": "Numbers that are trained"},
          "epochs": {"$ref": "#/$defs/count"},
          "resumed_epochs": {"$ref": "#/$defs/count", "description": "Epochs that an interrupted run had done"},
          "ended_early": {"type": "boolean"},
          "best_epoch": {"type": ["integer", "null"], "description": "From 0: whose weights are used, where validation chose"},
          "history": {
            "type": "array",
            "items": {
              "type": "object", "required": ["epoch", "loss", "error", "true_probability"],
              "properties": {
                "epoch": {"$ref": "#/$defs/count"},
                "loss": {"type": "number", "description": "Mean loss against the targets, nats, as items were seen"},
                "error": {"$ref": "#/$defs/fraction"}, "true_probability": {"$ref": "#/$defs/fraction"},
                "batch_size": {"type": "integer", "minimum": 1, "description": "Items of a pass after the epoch"},
                "validation_loss": {"type": "number"}, "validation_error": {"$ref": "#/$defs/fraction"}
              }
            }
          },
          "data": {
            "type": "object", "required": ["kind", "shape", "classes", "train"],
            "properties": {
              "kind": {"type": "string"}, "shape": {"type": "array", "items": {"$ref": "#/$defs/count"}},
              "classes": {"$ref": "#/$defs/count"}, "train": {"$ref": "#/$defs/count"},
              "validation": {"$ref": "#/$defs/count"}, "test": {"$ref": "#/$defs/count"}
            }
          },
          "seconds": {"type": "number"},
          "answers": {"type": "object", "description": "Reliability and risk–coverage by part: validation, test"},
          "steps": {"$ref": "#/$defs/count"}, "seconds_per_step": {"type": "number"},
          "estimated_seconds": {"type": "number", "description": "Of a dry run"},
          "state_bytes": {"$ref": "#/$defs/count"}, "items": {"type": "object"},
          "language": {
            "description": "Of a decoder",
            "type": "object", "required": ["sequences", "tokens", "steps"],
            "properties": {
              "sequences": {"$ref": "#/$defs/count"},
              "tokens": {"$ref": "#/$defs/count", "description": "Tokens that count in the files to learn from"},
              "steps": {"$ref": "#/$defs/count"}, "resumed_steps": {"$ref": "#/$defs/count"},
              "held_out": {"type": "array", "items": {"type": "string"}, "description": "Files of held-out texts"},
              "held_out_nats": {
                "type": "array", "items": {"type": "number"},
                "description": "Mean loss of each, nats a token, of the model as it is stored"
              },
              "history": {
                "type": "array",
                "items": {
                  "type": "object", "required": ["steps", "loss", "learning_rate", "validation"],
                  "properties": {
                    "steps": {"$ref": "#/$defs/count"},
                    "loss": {"type": "number", "description": "Mean of the steps since the entry before, nats a token"},
                    "learning_rate": {"type": "number"},
                    "validation": {"type": "array", "items": {"type": "number"}, "description": "By held-out file"}
                  }
                }
              }
            }
          }
        }
      }
      """#)

  private static let distill = SchemaRegistry.Entry(
    kind: "distill", summary: "Self-distillation against its baselines, over seeds and settings",
    text: #"""
      {
        "type": "object",
        "properties": {
          "data": {"type": "object"},
          "seeds": {"type": "array", "items": {"$ref": "#/$defs/count"}},
          "trainings": {"$ref": "#/$defs/count"},
          "verdicts": {
            "type": "array",
            "items": {
              "type": "object", "required": ["setting", "text"],
              "properties": {"setting": {"type": "string"}, "text": {"type": "string"}}
            }
          },
          "settings": {
            "type": "array",
            "items": {
              "type": "object", "required": ["name", "network", "training", "arms"],
              "properties": {
                "name": {"type": "string"}, "network": {"type": "object"}, "training": {"type": "object"},
                "parameters": {"$ref": "#/$defs/optional_count"},
                "arms": {"type": "array", "items": {"$ref": "#/$defs/arm"}}
              }
            }
          },
          "past_costs": {
            "type": "array", "description": "What keeping past answers costs, by way of keeping them",
            "items": {
              "type": "object", "required": ["past", "bytes", "epoch_seconds"],
              "properties": {
                "past": {"enum": ["f32", "f16", "top", "network"]}, "bytes": {"$ref": "#/$defs/count"},
                "epoch_seconds": {"type": "number"}
              }
            }
          },
          "estimated_seconds": {"type": ["number", "null"]}, "seconds": {"type": "number"},
          "threads": {"$ref": "#/$defs/count"}, "parameters": {"$ref": "#/$defs/count"}, "items": {"type": "object"},
          "by_arm": {"type": "array", "items": {"type": "object"}}
        },
        "$defs": {
          "estimate": {
            "type": ["object", "null"], "required": ["mean", "lower", "upper", "n"],
            "description": "A mean over seeds with Student's 95 % interval; null where no seed has a value",
            "properties": {
              "mean": {"type": "number"}, "lower": {"$ref": "#/$defs/optional_number"},
              "upper": {"$ref": "#/$defs/optional_number"}, "n": {"$ref": "#/$defs/count"},
              "seeds": {"type": "array", "items": {"$ref": "#/$defs/optional_number"}}
            }
          },
          "scores": {
            "type": "object", "required": ["validation", "test"],
            "properties": {
              "validation": {"type": "object", "additionalProperties": {"$ref": "#/$defs/estimate"}},
              "test": {"type": "object", "additionalProperties": {"$ref": "#/$defs/estimate"}}
            }
          },
          "arm": {
            "type": "object", "required": ["name", "arm", "scores", "scaled_scores", "against", "temperature"],
            "properties": {
              "name": {"type": "string"}, "arm": {"type": "object"},
              "past_true_probability": {
                "$ref": "#/$defs/optional_number",
                "description": "What the epoch before the last gave the true class: above .95 past answers are labels"
              },
              "temperature": {"$ref": "#/$defs/estimate"}, "epochs": {"$ref": "#/$defs/estimate"},
              "seconds": {"type": "number"},
              "scores": {"$ref": "#/$defs/scores"},
              "scaled_scores": {"$ref": "#/$defs/scores", "description": "At each seed's own fitted temperature"},
              "against": {
                "type": "array",
                "items": {
                  "type": "object", "required": ["other", "score", "difference", "lower", "upper", "n", "p"],
                  "properties": {
                    "other": {"type": "string"}, "score": {"type": "string"},
                    "difference": {"type": "number", "description": "This arm minus the other, paired by seed"},
                    "lower": {"$ref": "#/$defs/optional_number"}, "upper": {"$ref": "#/$defs/optional_number"},
                    "n": {"$ref": "#/$defs/count"},
                    "p": {"type": "number", "description": "Two-sided, by flips of signs: 2/2^n at least"}
                  }
                }
              },
              "reliability": {"type": "array", "items": {"type": "object"}},
              "risk_coverage": {"type": "array", "items": {"type": "object"}},
              "learning": {"type": "array", "items": {"type": "object"}}
            }
          }
        }
      }
      """#)
}
