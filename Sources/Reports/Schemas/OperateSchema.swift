/// Results of `surgeon operate`, and the shapes of measurements that `locate`, `sweep` and `edit` share with it.
/// Sources/Reports/README.md says in words what each means.
enum OperateSchema {
  static let rowsPerBlock = #"""
    "rows_per_block": {
      "type": "array",
      "items": {
        "type": "object", "required": ["block", "rows"],
        "properties": {
          "block": {"$ref": "#/$defs/count"},
          "rows": {"type": "integer", "minimum": 0, "description": "Rows changed in this block"},
          "of": {"type": "integer", "minimum": 0, "description": "Rows the block has"},
          "tensor": {"type": "string"},
          "cosine_min": {"$ref": "#/$defs/optional_number"},
          "cosine_max": {"$ref": "#/$defs/optional_number"},
          "behaviour_rate_without": {"$ref": "#/$defs/fraction",
            "description": "The behaviour's rate when this block is left out of the edit"}
        }
      }
    }
    """#

  static let rounding = #"""
    "rounding": {
      "description": "What the stored dtype did to the edit",
      "type": ["object", "null"],
      "properties": {
        "dtype": {"type": "string"},
        "values": {"type": "integer", "minimum": 0, "description": "Values in the edited rows"},
        "values_unchanged": {"$ref": "#/$defs/count"},
        "rows_unchanged": {"$ref": "#/$defs/count"},
        "strength_reached": {"$ref": "#/$defs/optional_number",
          "description": "Norm of the change that was written over the norm that was asked for"},
        "relative_error": {"$ref": "#/$defs/optional_number"}
      }
    }
    """#

  /// Fields of a measurement; spliced into points, controls and comparisons, which add their own.
  private static let measured = #"""
    "label": {"type": "string"},
    "split": {"enum": ["train", "validation", "test"]},
    "n": {"$ref": "#/$defs/count"},
    "behaviour_rate": {"$ref": "#/$defs/fraction"},
    "wanted_rate": {"$ref": "#/$defs/fraction"},
    "mixed_rate": {"$ref": "#/$defs/fraction"},
    "broken_rate": {"$ref": "#/$defs/fraction"},
    "on_topic_rate": {"$ref": "#/$defs/fraction"},
    "facts_accuracy": {"$ref": "#/$defs/fraction"},
    "task_accuracy": {"$ref": "#/$defs/fraction"},
    "perplexity": {"$ref": "#/$defs/optional_number"},
    "perplexity_rise": {"$ref": "#/$defs/optional_number"},
    "kl_mean": {"$ref": "#/$defs/optional_number"},
    "kl_p99": {"$ref": "#/$defs/optional_number"},
    "top1_agreement": {"$ref": "#/$defs/fraction"},
    "intervals": {"type": "object", "additionalProperties": {"$ref": "#/$defs/interval"}}
    """#

  static let measurements = #"""
    "measurement": {
      "description": "Behaviour and damage of one model on one set of prompts; rates are fractions, KL in nats a token",
      "type": "object", "required": ["n", "behaviour_rate"],
      "properties": {
        \#(measured)
      }
    },
    "point": {
      "description": "One cell of a sweep",
      "type": "object", "required": ["n", "behaviour_rate", "strength", "rows"],
      "properties": {
        \#(measured),
        "edit": {"type": "string", "description": "add-rows, ablate, ..."},
        "space": {"type": "string"},
        "direction": {"type": "string"},
        "strength": {"type": "number"},
        "alpha": {"$ref": "#/$defs/optional_number"},
        "rows": {"$ref": "#/$defs/count"},
        "rows_fraction": {"$ref": "#/$defs/fraction"},
        "passed": {"type": ["boolean", "null"], "description": "Whether every gate holds here"},
        "chosen": {"type": "boolean"},
        "remeasured": {"type": "boolean", "description": "Measured with rounded rows instead of at run time"}
      }
    },
    "control": {
      "description": "The same measurement for an edit that should do nothing",
      "type": "object", "required": ["n", "behaviour_rate", "control"],
      "properties": {
        \#(measured),
        "control": {"type": "string", "description": "random_direction, random_rows, opposite_rows, ..."},
        "draw": {"$ref": "#/$defs/count"},
        "paired": {
          "description": "Wanted replies of the edit against the control's on the same prompts",
          "type": ["object", "null"], "required": ["p"],
          "properties": {
            "only_edit": {"$ref": "#/$defs/count"}, "only_control": {"$ref": "#/$defs/count"},
            "p": {"$ref": "#/$defs/fraction"}, "test": {"type": "string"}
          }
        },
        "strength": {"type": ["number", "null"]},
        "rows": {"$ref": "#/$defs/count"}
      }
    },
    "comparison": {
      "description": "The same measurement for another way to change the behaviour",
      "type": "object", "required": ["n", "behaviour_rate", "method"],
      "properties": {
        \#(measured),
        "method": {"type": "string", "description": "ablation, addition, ..."},
        "site": {"type": "string"},
        "strength": {"type": ["number", "null"]}
      }
    }
    """#

  static let entry = SchemaRegistry.Entry(
    kind: "operate", summary: "A whole operation: probe, rows, sweep, patch, proof",
    text: #"""
      {
        "type": "object",
        "required": ["behaviour", "question_answers", "base", "chosen", "sweep", "controls", "test"],
        "properties": {
          "behaviour": {
            "type": "object", "required": ["name"],
            "properties": {
              "name": {"type": "string", "description": "What replies should stop being, such as hostile"},
              "wanted": {"type": ["string", "null"], "description": "What they should be instead, such as civil"},
              "prompts": {"type": "string", "description": "What the target prompts are, such as provoking"},
              "model": {"type": "string"},
              "judge": {
                "type": "object", "required": ["kind"],
                "properties": {"kind": {"type": "string"}, "detail": {"type": "string"}}
              }
            }
          },
          "question_answers": {
            "type": "array",
            "items": {
              "type": "object", "required": ["id", "question", "passed"],
              "properties": {
                "id": {"type": "string"},
                "question": {"type": "string"},
                "passed": {"type": ["boolean", "null"], "description": "null: measured, nothing was asked of it"},
                "value": {"$ref": "#/$defs/optional_number"},
                "unit": {"type": "string", "description": "fraction is shown in percent, points as percentage points"},
                "interval": {"$ref": "#/$defs/interval"},
                "comparison": {"enum": ["<", "<=", ">", ">=", "==", "!="]},
                "threshold": {"$ref": "#/$defs/optional_number"},
                "detail": {"type": "string"}
              }
            }
          },
          "base": {
            "description": "The unedited model on the target prompts of each split",
            "type": "object", "required": ["test"],
            "properties": {
              "validation": {"$ref": "#/$defs/measurement"}, "test": {"$ref": "#/$defs/measurement"}
            }
          },
          "chosen": {
            "description": "null where no point keeps every gate",
            "type": ["object", "null"], "required": ["space", "direction", "strength", "rows"],
            "properties": {
              "edit": {"type": "string", "description": "add-rows, ablate, ..."},
              "space": {"type": "string"},
              "direction": {"type": "string", "description": "The probe kind it comes from"},
              "site": {"type": "string"},
              "pooling": {"type": "string"},
              "strength": {"type": "number", "description": "Fraction of the selected rows' median norm"},
              "alpha": {"type": ["number", "null"], "description": "The paper's factor for the unnormalised direction"},
              "rows": {"$ref": "#/$defs/count"},
              "rows_total": {"$ref": "#/$defs/count"},
              "rows_fraction": {"$ref": "#/$defs/fraction"},
              "role": {"type": "string"},
              "blocks": {"type": "string"},
              "sweep_index": {"type": ["integer", "null"], "minimum": 0},
              "reason": {"type": "string", "description": "Why this point was chosen"}
            }
          },
          "layer_curve": {
            "description": "How well each site's probe reads the behaviour on texts that fitted and chose nothing",
            "type": ["object", "null"], "required": ["sites", "kinds"],
            "properties": {
              "sites": {"type": "array", "items": {"type": "string"}},
              "pooling": {"type": "string"},
              "n": {"$ref": "#/$defs/count"},
              "kinds": {
                "description": "By probe kind, one value a site, in the order of sites",
                "type": "object",
                "additionalProperties": {
                  "type": "array",
                  "items": {
                    "type": "object", "required": ["auroc"],
                    "properties": {
                      "auroc": {"$ref": "#/$defs/fraction"}, "lower": {"$ref": "#/$defs/fraction"},
                      "upper": {"$ref": "#/$defs/fraction"}
                    }
                  }
                }
              },
              "references": {
                "description": "Levels to compare with: bag_of_words, shuffled_labels, ...",
                "type": "object", "additionalProperties": {"$ref": "#/$defs/fraction"}
              },
              "chosen_site": {"type": ["string", "null"]}
            }
          },
          "sweep": {"type": "array", "items": {"$ref": "#/$defs/point"}},
          "pareto": {"type": "array", "items": {"$ref": "#/$defs/count"}, "description": "Indices into sweep"},
          "controls": {"type": "array", "items": {"$ref": "#/$defs/control"}},
          "test": {
            "description": "The written checkpoint on the target prompts of the test split, used once",
            "type": "object", "required": ["edited"],
            "properties": {
              "edited": {"$ref": "#/$defs/measurement"},
              "base_greedy": {"$ref": "#/$defs/measurement", "description": "The same prompts at temperature 0"},
              "edited_greedy": {"$ref": "#/$defs/measurement"},
              "effects": {
                "description": "Differences edited - base with paired intervals",
                "type": "array", "items": {"$ref": "#/$defs/metric"}
              }
            }
          },
          "prompt_kinds": {
            "type": "array",
            "items": {
              "type": "object", "required": ["name", "base", "edited"],
              "properties": {
                "name": {"type": "string"},
                "is_target": {"type": "boolean"},
                "base": {"$ref": "#/$defs/measurement"},
                "edited": {"$ref": "#/$defs/measurement"}
              }
            }
          },
          "samples": {
            "type": "array",
            "items": {
              "type": "object", "required": ["prompt", "before", "after"],
              "properties": {
                "kind": {"type": "string", "description": "The kind of prompt"},
                "prompt": {"type": "string"}, "before": {"type": "string"}, "after": {"type": "string"},
                "verdict_before": {"type": "string", "description": "behaviour, wanted, mixed, broken or a name"},
                "verdict_after": {"type": "string"},
                "hits_before": {"$ref": "#/$defs/hits"},
                "hits_after": {"$ref": "#/$defs/hits"}
              }
            }
          },
          "rows_per_block": {"$ref": "#/$defs/rows_per_block"},
          "row_map": {
            "description": "Rows changed in each run of row indices: counts[block][bin]",
            "type": ["object", "null"], "required": ["bin_rows", "counts"],
            "properties": {
              "bin_rows": {"type": "integer", "minimum": 1, "description": "Rows in one bin"},
              "counts": {"type": "array", "items": {"type": "array", "items": {"$ref": "#/$defs/count"}}}
            }
          },
          "comparisons": {"type": "array", "items": {"$ref": "#/$defs/comparison"}},
          "rounding": {"$ref": "#/$defs/rounding"},
          "wanted_texts": {
            "description": "Texts that are as they should be: whether the edit makes them less likely",
            "type": ["object", "null"], "required": ["perplexity_base", "perplexity"],
            "properties": {
              "perplexity_base": {"$ref": "#/$defs/optional_number"}, "perplexity": {"$ref": "#/$defs/optional_number"},
              "texts": {"$ref": "#/$defs/count"}
            }
          },
          "checks": {"type": "array", "items": {"$ref": "#/$defs/check"}},
          "stages": {
            "type": "array",
            "items": {
              "type": "object", "required": ["name"],
              "properties": {
                "name": {"type": "string"}, "output": {"type": ["string", "null"]},
                "seconds": {"type": ["number", "null"], "minimum": 0}, "resumed": {"type": "boolean"}
              }
            }
          }
        },
        "$defs": {
          "hits": {
            "description": "What the judge found, as UTF-8 offsets into the reply",
            "type": "array",
            "items": {
              "type": "object", "required": ["start", "end", "class"],
              "properties": {
                "start": {"$ref": "#/$defs/count"}, "end": {"$ref": "#/$defs/count"},
                "class": {"type": "string", "description": "behaviour or wanted"}
              }
            }
          },
      \#(measurements),
      \#(rowsPerBlock),
      \#(rounding)
        }
      }
      """#)
}
