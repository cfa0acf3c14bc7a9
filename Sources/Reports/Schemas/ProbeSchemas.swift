/// Results of `probe`.
enum ProbeSchemas {
  static let entries: [SchemaRegistry.Entry] = [
    .init(
      kind: "probe.train", summary: "Probes of one behaviour over kinds and sites",
      text: #"""
        {
          "type": "object", "required": ["probes"],
          "properties": {
            "behaviour": {"type": "string"},
            "pooling": {"type": "string"},
            "chosen": {"type": ["object", "null"], "description": "The probe that was kept: kind, site, why"},
            "probes": {
              "type": "array",
              "items": {
                "type": "object", "required": ["kind", "site"],
                "properties": {
                  "kind": {"type": "string"}, "site": {"type": "string"},
                  "auroc": {"$ref": "#/$defs/fraction"},
                  "interval": {"$ref": "#/$defs/interval"}
                }
              }
            },
            "controls": {"type": "array", "items": {"type": "object"},
              "description": "Shuffled labels, bag of words, random features"}
          }
        }
        """#),
    .init(
      kind: "probe.eval", summary: "A probe on labelled texts it was not fitted on",
      text: #"""
        {
          "type": "object", "required": ["texts"],
          "properties": {
            "texts": {"$ref": "#/$defs/count"},
            "site": {"type": "string"},
            "groups": {"type": "array", "items": {"type": "object"}}
          }
        }
        """#),
    .init(
      kind: "probe.score", summary: "A probe's scores of texts",
      text: #"""
        {
          "type": "object", "required": ["texts"],
          "properties": {
            "texts": {"$ref": "#/$defs/count"},
            "scores": {
              "type": "array",
              "items": {
                "type": "object", "required": ["score"],
                "properties": {
                  "id": {"type": ["string", "integer"]}, "text": {"type": "string"},
                  "score": {"$ref": "#/$defs/optional_number"},
                  "probability": {"$ref": "#/$defs/fraction"}
                }
              }
            }
          }
        }
        """#),
    .init(
      kind: "probe.ls", summary: "The probes in some folders",
      text: #"""
        {
          "type": "object", "required": ["probes"],
          "properties": {"probes": {"type": "array", "items": {"type": "object"}}}
        }
        """#),
    .init(
      kind: "probe.export", summary: "A probe written for another program",
      text: #"""
        {
          "type": "object", "required": ["format"],
          "properties": {
            "format": {"type": "string"},
            "directions": {"type": "array", "items": {"type": "object"}}
          }
        }
        """#),
  ]
}
