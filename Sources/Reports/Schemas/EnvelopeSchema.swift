/// The shape that all reports share.
enum EnvelopeSchema {
  static let text = #"""
    {
      "type": "object",
      "required": ["schema", "schema_version", "kind", "tool", "run", "system", "inputs", "outputs", "metrics", "gates",
        "results", "warnings"],
      "properties": {
        "schema": {"type": "string", "description": "The identifier of this schema"},
        "schema_version": {"const": "1.0", "description": "Within one major version keys are only added"},
        "kind": {"type": "string", "minLength": 1, "description": "The command path, such as edit.apply"},
        "tool": {
          "type": "object", "required": ["name", "version", "build"],
          "properties": {
            "name": {"type": "string"}, "version": {"type": "string"},
            "build": {"type": "object", "additionalProperties": {"type": "string"}}
          }
        },
        "run": {"$ref": "#/$defs/run"},
        "system": {
          "type": "object", "required": ["os", "cpu", "isa", "ram_bytes"],
          "properties": {
            "os": {"type": "string"}, "cpu": {"type": "string"},
            "isa": {"type": "array", "items": {"type": "string"}},
            "ram_bytes": {"$ref": "#/$defs/count"},
            "openblas_core": {"type": ["string", "null"], "description": "What OpenBLAS says its kernels are for"},
            "compute": {
              "enum": ["f32", "bf16", null], "description": "Products of the models' linear layers; null where none ran"
            }
          }
        },
        "inputs": {"type": "array", "items": {"$ref": "#/$defs/artefact"}},
        "outputs": {"type": "array", "items": {"$ref": "#/$defs/artefact"}},
        "metrics": {"type": "array", "items": {"$ref": "#/$defs/metric"}},
        "gates": {"type": "array", "items": {"$ref": "#/$defs/gate"}},
        "results": {"type": "object", "description": "What is special to the kind"},
        "warnings": {
          "type": "array",
          "items": {
            "type": "object", "required": ["code", "message"],
            "properties": {"code": {"type": "string"}, "message": {"type": "string"}}
          }
        }
      },
      "additionalProperties": false,
      "if": {"properties": {"run": {"properties": {"status": {"const": "ok"}}, "required": ["status"]}}},
      "then": {"properties": {"results": {"$ref": "#/$defs/results"}}}
    }
    """#

  static let definitions = #"""
    {
      "count": {"type": "integer", "minimum": 0},
      "optional_count": {"type": ["integer", "null"], "minimum": 0},
      "optional_number": {"type": ["number", "null"]},
      "fraction": {"type": ["number", "null"], "minimum": 0, "maximum": 1},
      "sha256": {"type": ["string", "null"], "description": "64 hexadecimal digits; null where it was not computed"},
      "interval": {
        "description": "A confidence interval",
        "type": ["object", "null"], "required": ["lower", "upper"],
        "properties": {
          "lower": {"type": "number"}, "upper": {"type": "number"},
          "level": {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1},
          "method": {"type": "string", "description": "wilson, bootstrap, ..."}
        }
      },
      "metric": {
        "description": "One measured number with all that is needed to read it",
        "type": "object", "required": ["name", "value", "unit", "n", "higher_is_better", "interval"],
        "properties": {
          "name": {"type": "string", "minLength": 1},
          "value": {"type": ["number", "null"]},
          "unit": {"type": "string"},
          "n": {"type": "integer", "minimum": 0, "description": "Documents or prompts it rests on, never tokens"},
          "higher_is_better": {"type": ["boolean", "null"]},
          "interval": {"$ref": "#/$defs/interval"},
          "reason": {"type": "string", "description": "Why there is no value, or what to beware of"}
        },
        "additionalProperties": false,
        "if": {"properties": {"value": {"const": null}}},
        "then": {"required": ["reason"]}
      },
      "gate": {
        "type": "object", "required": ["gate", "metric", "comparison", "threshold", "value", "fails_when_true", "held"],
        "properties": {
          "gate": {"type": "string"}, "metric": {"type": "string"},
          "comparison": {"enum": ["<", "<=", ">", ">=", "==", "!="]},
          "threshold": {"type": "number"}, "value": {"type": ["number", "null"]},
          "fails_when_true": {"type": "boolean"}, "held": {"type": "boolean"}, "reason": {"type": "string"}
        }
      },
      "artefact": {
        "description": "A file or folder that was read or written; more facts about it may stand beside these",
        "type": "object", "required": ["role", "path", "files"],
        "properties": {
          "role": {"type": "string"}, "path": {"type": "string"},
          "files": {
            "type": "array",
            "items": {
              "type": "object", "required": ["name", "bytes", "sha256"],
              "properties": {
                "name": {"type": "string"}, "bytes": {"$ref": "#/$defs/count"}, "sha256": {"$ref": "#/$defs/sha256"}
              }
            }
          }
        }
      },
      "check": {
        "description": "Something that was looked at and is so or not",
        "type": "object", "required": ["id", "passed"],
        "properties": {
          "id": {"type": "string"}, "passed": {"type": ["boolean", "null"]}, "detail": {"type": "string"}
        }
      },
      "run": {
        "type": "object",
        "required": ["id", "argv", "config_resolved", "seed", "threads", "started", "finished", "wall_seconds",
          "peak_rss_bytes", "peak_anonymous_bytes", "bytes_read", "bytes_written", "status", "exit_code", "error"],
        "properties": {
          "id": {"type": "string"},
          "argv": {"type": "array", "items": {"type": "string"}},
          "config_resolved": {"type": "object", "description": "Every setting as it was used"},
          "seed": {"type": ["integer", "string"], "minimum": 0, "description": "A string beyond 63 bits"},
          "threads": {"type": "integer", "minimum": 1},
          "started": {"type": "string", "description": "UTC, ISO 8601"},
          "finished": {"type": ["string", "null"]},
          "wall_seconds": {"type": ["number", "null"], "minimum": 0},
          "peak_rss_bytes": {"$ref": "#/$defs/optional_count"},
          "peak_anonymous_bytes": {"$ref": "#/$defs/optional_count"},
          "bytes_read": {"$ref": "#/$defs/optional_count"},
          "bytes_written": {"$ref": "#/$defs/optional_count"},
          "status": {"enum": ["running", "ok", "failed", "interrupted"]},
          "exit_code": {"enum": [0, 2, 64, 65, 66, 69, 70, 73, 74, 75, null]},
          "error": {
            "type": ["object", "null"], "required": ["code", "message", "found", "expected", "hint"],
            "properties": {
              "code": {"type": "string"}, "message": {"type": "string"}, "found": {"type": "string"},
              "expected": {"type": "string"}, "hint": {"type": "string"}
            }
          }
        },
        "additionalProperties": false,
        "if": {"properties": {"status": {"const": "ok"}}},
        "then": {"properties": {"error": {"const": null}, "exit_code": {"enum": [0, 2]}}}
      }
    }
    """#
}
