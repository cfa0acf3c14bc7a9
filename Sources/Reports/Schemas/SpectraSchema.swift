/// The `spectra` of `importance`, a property of its results.
enum SpectraSchema {
  /// `"spectra": […]`, `"permuted"` and `"resamples"`.
  static let properties = #"""
    "permuted": {"$ref": "#/$defs/count", "description": "Permuted copies of each matrix"},
    "resamples": {"$ref": "#/$defs/count", "description": "Of the eigenvalues, for the intervals"},
    "spectra": {
      "type": "array", "description": "A line a matrix, in network order",
      "items": {
        "type": "object",
        "required": ["role", "outputs", "inputs", "fit", "hill", "why", "rank", "largest", "eigenvalues"],
        "properties": {
          "role": {"type": "string"}, "block": {"$ref": "#/$defs/optional_count"},
          "kind": {"type": ["string", "null"]}, "expert": {"$ref": "#/$defs/optional_count"},
          "outputs": {"$ref": "#/$defs/count"}, "inputs": {"$ref": "#/$defs/count"},
          "fit": {"$ref": "#/$defs/power_law"}, "hill": {"$ref": "#/$defs/power_law"},
          "why": {"type": ["string", "null"], "description": "Why there is no fit, or what to beware of"},
          "rank": {"$ref": "#/$defs/count"},
          "stable_rank": {"$ref": "#/$defs/optional_number"}, "entropy": {"$ref": "#/$defs/optional_number"},
          "log_norm": {"$ref": "#/$defs/optional_number", "description": "log10 of the sum of eigenvalues"},
          "log_spectral_norm": {"$ref": "#/$defs/optional_number"},
          "alpha_weighted": {"$ref": "#/$defs/optional_number"},
          "log_alpha_norm": {"$ref": "#/$defs/optional_number"},
          "largest": {"type": "number", "minimum": 0},
          "eigenvalues": {
            "type": "array", "description": "Ascending; 400 evenly spread ones of a longer spectrum",
            "items": {"type": "number", "minimum": 0}
          },
          "fingers": {
            "type": "object", "required": ["count", "alpha"],
            "properties": {"count": {"$ref": "#/$defs/count"}, "alpha": {"type": "number"}}
          },
          "bulk": {
            "type": "object", "required": ["deviation", "lower", "upper", "edge", "spikes"],
            "properties": {
              "deviation": {"type": "number"}, "lower": {"type": "number"}, "upper": {"type": "number"},
              "edge": {"type": "number", "description": "99 % of random matrices stay below"},
              "spikes": {"$ref": "#/$defs/count"}, "soft_rank": {"$ref": "#/$defs/optional_number"}
            }
          },
          "permuted": {
            "type": "object", "required": ["copies", "largest", "spikes", "p"],
            "properties": {
              "copies": {"$ref": "#/$defs/count"}, "largest": {"type": "number"},
              "alpha": {"$ref": "#/$defs/optional_number"},
              "alpha_lower": {"$ref": "#/$defs/optional_number"},
              "alpha_upper": {"$ref": "#/$defs/optional_number"},
              "spikes": {"$ref": "#/$defs/optional_count"}, "p": {"$ref": "#/$defs/optional_number"},
              "eigenvalues": {"type": "array", "items": {"type": "number", "minimum": 0}}
            }
          }
        }
      }
    }
    """#

  /// `"power_law": …` for `$defs`.
  static let definitions = #"""
    "power_law": {
      "type": ["object", "null"],
      "required": ["alpha", "xmin", "distance", "tail"],
      "properties": {
        "alpha": {"type": "number"}, "lower": {"$ref": "#/$defs/optional_number"},
        "upper": {"$ref": "#/$defs/optional_number"}, "sigma": {"type": "number"},
        "xmin": {"type": "number"}, "distance": {"type": "number", "minimum": 0, "maximum": 1},
        "tail": {"$ref": "#/$defs/count"}
      }
    }
    """#
}
