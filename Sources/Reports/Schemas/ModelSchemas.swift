/// Results of the commands that look at one model and run it.
enum ModelSchemas {
  static let entries: [SchemaRegistry.Entry] = [
    .init(
      kind: "inspect", summary: "What a checkpoint folder holds and which of it is understood",
      text: #"""
        {
          "type": "object", "required": ["family", "supported"],
          "properties": {
            "family": {"type": ["string", "null"], "description": "The family that was recognised"},
            "supported": {"type": "boolean"},
            "unsupported": {
              "type": "array",
              "items": {
                "type": "object", "required": ["what", "reason"],
                "properties": {"what": {"type": "string"}, "reason": {"type": "string"}}
              }
            },
            "parameters": {"$ref": "#/$defs/count"},
            "blocks": {"$ref": "#/$defs/count"},
            "width": {"$ref": "#/$defs/count"},
            "dtypes": {"type": "object", "additionalProperties": {"$ref": "#/$defs/count"},
              "description": "Parameters of each dtype"},
            "tied": {"type": "array", "items": {"type": "array", "items": {"type": "string"}}},
            "values_read": {"type": "boolean", "description": "Whether NaN and infinity were looked for"},
            "warnings": {
              "type": "array", "description": "What works here and breaks elsewhere",
              "items": {
                "type": "object", "required": ["code", "message", "suggestion", "tensors"],
                "properties": {
                  "code": {"type": "string"}, "message": {"type": "string"}, "suggestion": {"type": "string"},
                  "tensors": {"type": "array", "items": {"type": "string"}}
                }
              }
            },
            "quantisation": {
              "type": ["object", "null"], "required": ["method", "bits", "config"],
              "properties": {
                "method": {"type": "string"}, "bits": {"$ref": "#/$defs/optional_count"},
                "tensors": {"$ref": "#/$defs/count"}, "evidence": {"type": "string"},
                "config": {"type": ["object", "null"], "description": "quantization_config as it stands"}
              }
            },
            "tensors": {
              "type": "array",
              "items": {
                "type": "object", "required": ["name", "shape", "dtype"],
                "properties": {
                  "name": {"type": "string"},
                  "role": {"type": ["string", "null"]},
                  "block": {"type": ["integer", "null"], "minimum": 0},
                  "shape": {"type": "array", "items": {"$ref": "#/$defs/count"}},
                  "dtype": {"type": "string"},
                  "bytes": {"$ref": "#/$defs/count"}
                }
              }
            }
          }
        }
        """#),
    .init(
      kind: "parity", summary: "Hidden states and logits against a recorded reference",
      text: #"""
        {
          "type": "object", "required": ["passed", "sites"],
          "properties": {
            "passed": {"type": "boolean"},
            "tolerance": {"type": "number", "minimum": 0},
            "sites": {
              "type": "array",
              "items": {
                "type": "object", "required": ["site", "max_abs", "limit", "passed"],
                "properties": {
                  "site": {"type": "string"},
                  "max_abs": {"$ref": "#/$defs/optional_number", "description": "Largest absolute difference"},
                  "max_abs_reference": {"$ref": "#/$defs/optional_number"},
                  "limit": {"type": "number", "minimum": 0, "description": "What max_abs may be"},
                  "passed": {"type": "boolean"}
                }
              }
            }
          }
        }
        """#),
    .init(
      kind: "generate", summary: "Replies to prompts",
      text: #"""
        {
          "type": "object", "required": ["replies"],
          "properties": {
            "sampling": {"type": "object", "description": "temperature, top_k, top_p, seed, max_tokens"},
            "replies": {
              "type": "array",
              "items": {
                "type": "object", "required": ["prompt", "reply"],
                "properties": {
                  "prompt": {"type": "string"}, "reply": {"type": "string"},
                  "tokens": {"$ref": "#/$defs/count"},
                  "stopped": {"type": "string", "description": "Why it ended: end, length, stop text"}
                }
              }
            }
          }
        }
        """#),
    .init(
      kind: "perplexity", summary: "Perplexity of texts, and KL from a reference model where one is given",
      text: #"""
        {
          "type": "object", "required": ["protocol"],
          "properties": {
            "protocol": {"type": "object", "description": "Everything the number depends on: window, stride, BOS, ..."},
            "documents": {"$ref": "#/$defs/count"},
            "tokens": {"$ref": "#/$defs/count"},
            "kl": {"type": ["object", "null"], "description": "KL(reference, model) by quantile, in nats a token"}
          }
        }
        """#),
    .init(
      kind: "cache", summary: "Hidden states of many sites written for probes",
      text: #"""
        {
          "type": "object", "required": ["sites", "texts"],
          "properties": {
            "sites": {"type": "array", "items": {"type": "string"}},
            "texts": {"$ref": "#/$defs/count"},
            "tokens": {"$ref": "#/$defs/count"},
            "pooling": {"type": "string"},
            "width": {"$ref": "#/$defs/count"},
            "resumed_texts": {"$ref": "#/$defs/count", "description": "Texts that were there from an earlier run"}
          }
        }
        """#),
  ]
}
