import JSON
import Organism
import Tokenizers

extension OrganismCheckpoint {
  /// The embedded model's chat template: `Mara: …` and `Tom: …`, a line each. `file` is taken in its place where given.
  /// - Throws: ``ChatTemplateError``, `JSONError`, `FileError`.
  static func chatTemplate(file: String? = nil) throws -> ChatTemplate {
    let name = "tokenizer_config.json"
    let bytes = files.first { $0.name == name }.map { Array($0.bytes) } ?? []
    let template = try ChatTemplate(
      tokenizerConfig: JSONValue(parsing: bytes, source: name), source: "the embedded model's \(name)")
    return try file.map { try ChatTemplate(file: $0, tokens: template.tokens) } ?? template
  }
}
