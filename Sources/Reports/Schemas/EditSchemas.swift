/// Results of `locate`, `sweep` and `edit`.
enum EditSchemas {
  private static let tensors = #"""
    "tensors": {
      "type": "array",
      "description": "The tensors that changed, with what changed in them",
      "items": {
        "type": "object", "required": ["name"],
        "properties": {
          "name": {"type": "string"},
          "rows_changed": {"$ref": "#/$defs/count"},
          "rows": {"$ref": "#/$defs/count"},
          "edit": {"type": "string", "description": "add-rows, ablate, sparse"},
          "places": {"$ref": "#/$defs/count", "description": "Places that a sparse edit gives values"},
          "sha256_before": {"$ref": "#/$defs/sha256"},
          "sha256_after": {"$ref": "#/$defs/sha256"}
        }
      }
    }
    """#
  private static let checks = #"""
    "checks": {"type": "array", "items": {"$ref": "#/$defs/check"}}
    """#

  static let entries: [SchemaRegistry.Entry] = [
    .init(
      kind: "locate", summary: "The rows that carry a direction",
      text: #"""
        {
          "type": "object", "required": ["space", "rows", "rows_per_block"],
          "properties": {
            "edit": {"type": "string", "description": "add-rows (where absent), ablate"},
            "space": {"type": "string", "description": "faithful, gain-corrected, per-layer, norms-none, ..."},
            "direction": {"type": "string"},
            "site": {"type": "string"},
            "rows": {"$ref": "#/$defs/count", "description": "Rows chosen"},
            "rows_total": {"$ref": "#/$defs/count", "description": "Rows to choose from"},
            "rows_per_block": {"$ref": "#/$defs/rows_per_block"}
          },
          "$defs": {
        \#(OperateSchema.rowsPerBlock)
          }
        }
        """#),
    .init(
      kind: "sweep", summary: "Behaviour against damage over strengths and rows, at run time",
      text: #"""
        {
          "type": "object", "required": ["base", "points"],
          "properties": {
            "base": {"$ref": "#/$defs/measurement"},
            "points": {"type": "array", "items": {"$ref": "#/$defs/point"}},
            "pareto": {"type": "array", "items": {"$ref": "#/$defs/count"},
              "description": "Indices into points that no other point beats in both effect and damage"},
            "controls": {"type": "array", "items": {"$ref": "#/$defs/control"}},
            "chosen": {"type": ["integer", "null"], "minimum": 0, "description": "Index into points"}
          },
          "$defs": {
        \#(OperateSchema.measurements)
          }
        }
        """#),
    .init(
      kind: "edit.build", summary: "A plan at one strength, or the difference to an edited copy, as a patch",
      text: #"""
        {
          "type": "object", "required": ["tensors", "strength"],
          "properties": {
            \#(tensors),
            "strength": {"type": "number", "description": "Fraction of the rows' median length, or of the direction taken out"},
            "alpha": {"$ref": "#/$defs/optional_number"},
            "edit": {"type": "string"},
            "rounding": {"$ref": "#/$defs/rounding"}
          },
          "$defs": {
        \#(OperateSchema.rounding)
          }
        }
        """#),
    .init(
      kind: "edit.apply", summary: "A patch written into a copy of a checkpoint",
      text: #"""
        {
          "type": "object", "required": ["tensors", "checks"],
          "properties": {
            \#(tensors),
            \#(checks),
            "rounding": {"$ref": "#/$defs/rounding"},
            "undo": {"type": ["string", "null"], "description": "The file that restores every byte"}
          },
          "$defs": {
        \#(OperateSchema.rounding)
          }
        }
        """#),
    .init(
      kind: "edit.revert", summary: "Every byte of an edit taken back",
      text: #"""
        {"type": "object", "required": ["tensors", "checks"], "properties": {\#(tensors), \#(checks)}}
        """#),
    .init(
      kind: "edit.verify", summary: "Whether an edited checkpoint is what its patch says",
      text: #"""
        {
          "type": "object", "required": ["passed", "checks"],
          "properties": {"passed": {"type": "boolean"}, \#(tensors), \#(checks)}
        }
        """#),
    .init(
      kind: "edit.compose", summary: "Several patches as one",
      text: #"""
        {
          "type": "object", "required": ["patches"],
          "properties": {"patches": {"$ref": "#/$defs/count"}, \#(tensors)}
        }
        """#),
    .init(
      kind: "edit.export", summary: "A patch written for another program",
      text: #"""
        {
          "type": "object", "required": ["format"],
          "properties": {"format": {"type": "string"}, \#(tensors)}
        }
        """#),
  ]
}
