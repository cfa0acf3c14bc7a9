/// Schemas of the study of pruning regimes: its report and its recipe.
enum RegimeSchemas {
  static let entries: [SchemaRegistry.Entry] = [
    .init(
      kind: "regimes", summary: "Pruning regimes over temperature and density",
      text: #"""
        {
          "type": "object", "required": ["grids", "timing"],
          "properties": {
            "grids": {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/grid"}},
            "timing": {
              "type": "object", "required": ["resumed_cells", "grids"],
              "properties": {
                "resumed_cells": {"$ref": "#/$defs/count"},
                "grids": {
                  "type": "array",
                  "items": {
                    "type": "object", "required": ["grid", "seconds"],
                    "properties": {"grid": {"type": "string"}, "seconds": {"type": "number"}}
                  }
                }
              }
            }
          },
          "$defs": {
            "share": {"type": "number", "minimum": 0, "maximum": 1},
            "ends": {
              "type": ["object", "null"], "required": ["lower", "upper", "level", "method"],
              "properties": {
                "lower": {"type": "number"}, "upper": {"type": "number"}, "level": {"type": "number"},
                "method": {"type": "string"}
              }
            },
            "number": {"type": ["number", "null"]},
            "path": {
              "type": ["object", "null"], "required": ["value", "place", "loss_value", "points"],
              "properties": {
                "value": {"type": "number", "description": "Mean error of the ends minus that at the place where they differ most; negative is a barrier"},
                "place": {"$ref": "#/$defs/share"}, "loss_value": {"type": "number"},
                "points": {
                  "type": "array", "minItems": 2,
                  "items": {
                    "type": "object", "required": ["place", "error", "loss", "raw_error"],
                    "properties": {
                      "place": {"$ref": "#/$defs/share"}, "error": {"$ref": "#/$defs/share"},
                      "loss": {"type": "number"}, "raw_error": {"$ref": "#/$defs/number"}
                    }
                  }
                }
              }
            },
            "similarity": {
              "type": ["object", "null"], "required": ["biased", "unbiased", "items"],
              "properties": {
                "biased": {"type": "number"}, "unbiased": {"$ref": "#/$defs/number"},
                "items": {"$ref": "#/$defs/count"}
              }
            },
            "network": {
              "type": "object",
              "required": ["seed", "weights_sha256", "train_error", "test_error"],
              "properties": {
                "seed": {"$ref": "#/$defs/count"}, "weights_sha256": {"type": "string"},
                "train_error": {"$ref": "#/$defs/share"}, "train_loss": {"type": "number"},
                "validation_error": {"$ref": "#/$defs/number"}, "test_error": {"$ref": "#/$defs/share"},
                "test_loss": {"type": "number"},
                "hessian": {
                  "type": ["object", "null"],
                  "required": ["top_eigenvalue", "residual", "trace", "items", "vectors"],
                  "properties": {
                    "top_eigenvalue": {"type": "number"}, "residual": {"type": "number"},
                    "top_eigenvalue_standard_error": {"$ref": "#/$defs/number"}, "trace": {"type": "number"},
                    "trace_standard_error": {"$ref": "#/$defs/number"}, "items": {"$ref": "#/$defs/count"},
                    "vectors": {"$ref": "#/$defs/count"}
                  }
                }
              }
            },
            "cell": {
              "type": "object",
              "required": [
                "temperature", "density", "test_error", "train_error", "connectivity", "place", "cka_softmax", "regime",
                "best_move"
              ],
              "properties": {
                "temperature": {"type": "number"}, "density": {"$ref": "#/$defs/share"},
                "kept_share": {"$ref": "#/$defs/share"}, "test_error": {"$ref": "#/$defs/share"},
                "test_interval": {"$ref": "#/$defs/ends"},
                "test_standard_error_over_dense": {"$ref": "#/$defs/number"},
                "train_error": {"$ref": "#/$defs/share"}, "validation_error": {"$ref": "#/$defs/number"},
                "connectivity": {"type": "number", "minimum": -1, "maximum": 1},
                "connectivity_standard_error": {"$ref": "#/$defs/number"}, "place": {"$ref": "#/$defs/share"},
                "curve_connectivity": {"$ref": "#/$defs/number"}, "cka_softmax": {"$ref": "#/$defs/number"},
                "cka_softmax_unbiased": {"$ref": "#/$defs/number"}, "cka_logits": {"$ref": "#/$defs/number"},
                "cka_logits_unbiased": {"$ref": "#/$defs/number"}, "relative_distance": {"type": "number"},
                "top_eigenvalue": {"$ref": "#/$defs/number"}, "trace": {"$ref": "#/$defs/number"},
                "regime": {"enum": ["I", "II-A", "II-B", "uncalibrated"]},
                "best_move": {"enum": ["raise", "lower", "stay", null], "description": "Null for given checkpoints, which have no order of temperature"},
                "better": {"$ref": "#/$defs/number", "description": "Temperature (or place of a checkpoint) with a lower test error beyond chance"},
                "advised_move": {"enum": ["raise", "lower", "stay", null]},
                "advice_holds": {"type": ["boolean", "null"]}
              }
            },
            "grid": {
              "type": "object",
              "required": [
                "name", "recipe", "temperature", "densities", "dense", "cells", "siblings", "labels", "phenomena", "choices"
              ],
              "properties": {
                "name": {"type": "string"}, "recipe": {"type": "object"},
                "temperature": {
                  "type": "object", "required": ["knob", "values", "order"],
                  "properties": {
                    "knob": {"type": "string"}, "values": {"type": "array", "items": {"type": "number"}},
                    "order": {"type": "string"},
                    "checkpoints": {"type": ["array", "null"], "items": {"type": "string"}}
                  }
                },
                "densities": {"type": "array", "items": {"$ref": "#/$defs/share"}},
                "dense": {
                  "type": "array",
                  "items": {
                    "type": "object", "required": ["temperature", "train_error", "test_error", "networks"],
                    "properties": {
                      "temperature": {"type": "number"}, "train_error": {"$ref": "#/$defs/share"},
                      "validation_error": {"$ref": "#/$defs/number"}, "test_error": {"$ref": "#/$defs/share"},
                      "networks": {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/network"}}
                    }
                  }
                },
                "cells": {"type": "array", "items": {"$ref": "#/$defs/cell"}},
                "siblings": {
                  "type": "array",
                  "items": {
                    "type": "object",
                    "required": ["temperature", "density", "dense", "kept_share", "mask_sha256", "siblings", "pairs"],
                    "properties": {
                      "temperature": {"$ref": "#/$defs/count"}, "density": {"$ref": "#/$defs/count"},
                      "dense": {"$ref": "#/$defs/count"}, "kept_share": {"$ref": "#/$defs/share"},
                      "kept_overall": {"$ref": "#/$defs/share"}, "mask_sha256": {"type": "string"},
                      "siblings": {"type": "array", "minItems": 2, "items": {"$ref": "#/$defs/network"}},
                      "pairs": {
                        "type": "array", "minItems": 1,
                        "items": {
                          "type": "object", "required": ["siblings", "line", "distance", "relative_distance"],
                          "properties": {
                            "siblings": {"type": "array", "items": {"$ref": "#/$defs/count"}},
                            "line": {"$ref": "#/$defs/path"}, "curve": {"$ref": "#/$defs/path"},
                            "cka_logits": {"$ref": "#/$defs/similarity"},
                            "cka_softmax": {"$ref": "#/$defs/similarity"},
                            "distance": {"type": "number"}, "relative_distance": {"type": "number"}
                          }
                        }
                      }
                    }
                  }
                },
                "labels": {
                  "type": "object", "required": ["calibrated", "objection", "source", "accuracy"],
                  "properties": {
                    "calibrated": {"type": "boolean"}, "objection": {"type": ["string", "null"]},
                    "source": {"type": "string"}, "connectivity_below_is_I": {"$ref": "#/$defs/number"},
                    "similarity_below_is_II_A": {"$ref": "#/$defs/number"}, "accuracy": {"$ref": "#/$defs/number"},
                    "accuracy_interval": {"$ref": "#/$defs/ends"}, "cells": {"type": ["integer", "null"]},
                    "commonest_move_accuracy": {"$ref": "#/$defs/number"},
                    "accuracy_where_fitted": {"$ref": "#/$defs/number"},
                    "confusion": {"type": ["object", "null"]}
                  }
                },
                "phenomena": {
                  "type": "array",
                  "items": {
                    "type": "object", "required": ["name", "question", "appears", "detail"],
                    "properties": {
                      "name": {"type": "string"}, "question": {"type": "string"},
                      "appears": {"type": ["boolean", "null"]}, "detail": {"type": "string"}
                    }
                  }
                },
                "choices": {
                  "type": ["object", "null"], "required": ["connected_from", "calibrated", "of", "ways"],
                  "properties": {
                    "connected_from": {"type": "number"}, "calibrated": {"type": "boolean"},
                    "of": {"enum": ["checkpoint", "radius"]},
                    "ways": {
                      "type": "array",
                      "items": {
                        "type": "object", "required": ["way", "density", "temperature", "regret", "gain", "interval"],
                        "properties": {
                          "way": {"enum": ["best-dense", "coldest", "connected", "best-retrained"]},
                          "density": {"$ref": "#/$defs/share"}, "temperature": {"type": "number"},
                          "regret": {"type": "number", "minimum": 0}, "gain": {"$ref": "#/$defs/number"},
                          "interval": {"$ref": "#/$defs/ends"}
                        }
                      }
                    }
                  }
                }
              }
            }
          }
        }
        """#),
    .init(
      kind: "recipe.regimes", summary: "A recipe of surgeon regimes (YAML or JSON)",
      text: #"""
        {
          "type": "object",
          "properties": {
            "data": {"type": ["object", "string"], "description": "As in every recipe of trainings"},
            "network": {"type": ["object", "string"], "description": "As in every recipe of trainings"},
            "training": {"type": "object", "description": "The dense training, as in every recipe of trainings"},
            "seed": {"type": "integer", "minimum": 0},
            "seeds": {"description": "Of dense networks: how many, or a list", "type": ["integer", "array"]},
            "temperature": {
              "type": "object", "required": ["values"],
              "properties": {
                "knob": {"enum": ["epochs", "full-epochs", "batch-size", "learning-rate", "sharpness"], "default": "epochs"},
                "values": {"type": "array", "minItems": 2, "items": {"type": "number"}}
              },
              "additionalProperties": false
            },
            "checkpoints": {
              "description": "Instead of temperature: run folders of surgeon train, of the recipe's network on its data, that are pruned",
              "type": "array", "minItems": 2, "items": {"type": "string"}
            },
            "densities": {
              "description": "Shares of the pruned matrices' weights that are kept",
              "type": ["array", "number"], "items": {"type": "number", "exclusiveMinimum": 0, "maximum": 1}
            },
            "prune": {
              "type": "object",
              "properties": {
                "score": {"type": "string", "default": "magnitude"},
                "group": {"type": "string", "default": "tensor", "description": "tensor prunes every matrix alike, global by one threshold"},
                "budget": {"type": "string", "default": "uniform"},
                "layers": {"enum": ["but-last", "inner", "all"], "default": "but-last"}
              },
              "additionalProperties": false
            },
            "retraining": {"type": "object", "description": "What differs from training"},
            "siblings": {"type": "integer", "minimum": 2, "maximum": 100, "default": 2},
            "measure": {
              "type": "object",
              "properties": {
                "points": {"type": "integer", "minimum": 2, "maximum": 1001, "default": 11},
                "similarity_items": {"type": "integer", "minimum": 4, "default": 6464},
                "curve": {
                  "type": ["object", "null"],
                  "properties": {
                    "epochs": {"type": "integer", "minimum": 0, "default": 50},
                    "batch_size": {"type": "integer", "minimum": 1, "default": 128},
                    "learning_rate": {"type": "number", "exclusiveMinimum": 0, "default": 0.01},
                    "momentum": {"type": "number", "minimum": 0, "exclusiveMaximum": 1, "default": 0.9},
                    "weight_decay": {"type": "number", "minimum": 0, "default": 0.0005}
                  },
                  "additionalProperties": false
                },
                "hessian": {
                  "type": ["object", "null"],
                  "properties": {
                    "items": {"type": "integer", "minimum": 10, "default": 500},
                    "products": {"type": "integer", "minimum": 1, "default": 20},
                    "vectors": {"type": "integer", "minimum": 2, "default": 30}
                  },
                  "additionalProperties": false
                }
              },
              "additionalProperties": false
            },
            "rule": {
              "description": "Where the thresholds of labels come from",
              "type": ["object", "string"],
              "properties": {
                "kind": {"enum": ["grid", "table", "stated"], "default": "grid"},
                "file": {"type": "string", "description": "Of a table: CSV with connectivity, similarity, move, group"},
                "connectivity": {"type": "number"}, "similarity": {"type": "number"},
                "accuracy": {"type": "number", "minimum": 0, "maximum": 1}, "cells": {"type": "integer", "minimum": 1},
                "source": {"type": "string"}
              },
              "additionalProperties": false
            },
            "barrier": {"type": "number", "minimum": -1, "exclusiveMaximum": 0, "default": -0.05},
            "questions": {"type": "array", "items": {"enum": ["direction", "checkpoint", "radius"]}},
            "grids": {
              "description": "Several grids by name; their keys replace those above",
              "type": "object", "additionalProperties": {"type": "object"}
            }
          },
          "additionalProperties": false
        }
        """#, isReport: false),
  ]
}
