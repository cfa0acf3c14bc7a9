/// Results of the commands about the program itself.
enum ProgramSchemas {
  static let entries: [SchemaRegistry.Entry] = [
    .init(
      kind: "doctor", summary: "Whether this machine and build can do the work",
      text: #"""
        {
          "type": "object", "required": ["checks"],
          "properties": {"checks": {"type": "array", "items": {"$ref": "#/$defs/check"}}}
        }
        """#),
    .init(
      kind: "ls", summary: "What there is of a kind of thing",
      text: #"""
        {
          "type": "object", "required": ["what", "items"],
          "properties": {
            "what": {"type": "string"},
            "items": {
              "type": "array",
              "items": {
                "type": "object", "required": ["name"],
                "properties": {"name": {"type": "string"}, "summary": {"type": "string"}, "reference": {"type": "string"}}
              }
            }
          }
        }
        """#),
    .init(
      kind: "report.render", summary: "A report turned into a page",
      text: #"""
        {
          "type": "object", "required": ["rendered"],
          "properties": {
            "rendered": {"type": ["string", "null"], "description": "The kind of the report"},
            "bytes": {"$ref": "#/$defs/count"}
          }
        }
        """#),
    .init(
      kind: "schema", summary: "The JSON Schema of a kind",
      text: #"""
        {
          "type": "object", "required": ["kind", "schema"],
          "properties": {"kind": {"type": "string"}, "schema": {"type": "object"}}
        }
        """#),
  ]
}
