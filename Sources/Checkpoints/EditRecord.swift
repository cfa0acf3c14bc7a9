import JSON
import Runtime

extension Checkpoint {
  /// The bytes of the folder's `surgeon.edit.json`; nil where it has none.
  /// - Throws: ``FileError``.
  public var editRecord: [UInt8]? {
    get throws {
      sideFiles.contains(CheckpointWriter.recordName)
        ? try Files.read("\(folder)/\(CheckpointWriter.recordName)") : nil
    }
  }

  /// A record with one more edit at its end, as `surgeon.edit.json` of a written copy; earlier edits are kept.
  /// - Throws: ``FileError``, ``JSONError`` for numbers that are not finite.
  public func editRecord(adding edit: JSONValue) throws -> [UInt8] {
    var value: JSONValue = ["format": 1]
    var edits: [JSONValue] = []
    if let bytes = try editRecord {
      let old = try? JSONValue(parsing: bytes)
      if let old, let list = old["edits"]?.array {
        value = old
        edits = list
      } else {
        value["previous"] = old ?? .string(String(decoding: bytes, as: UTF8.self))
      }
    }
    value["edits"] = .array(edits + [edit])
    return Array((try value.text(.pretty) + "\n").utf8)
  }

  /// What a careful reader should know about edits of these tensors: other uses of the same weights.
  func tieNotes(_ touched: [String], hashes: [String: String]) -> [String] {
    var notes: [String] = []
    let edited = Set(touched)
    let embeddings = ["embed_tokens.weight", "wte.weight", "word_embeddings.weight", "tok_embeddings.weight"]
    let separate = tensorNames.contains { $0.hasSuffix("lm_head.weight") || $0.hasSuffix("embed_out.weight") }
    for name in touched {
      if embeddings.contains(where: { name.hasSuffix($0) }), !separate,
        config["tie_word_embeddings"]?.bool != false
      {
        notes.append("\(name) serves as embeddings and as output matrix (tied): both uses are edited")
      }
      guard let hash = hashes[name], let entry = entry(name) else { continue }
      for other in tensorNames where !edited.contains(other) && hashes[other] == hash {
        guard let twin = self.entry(other), twin.shape == entry.shape, twin.dtype == entry.dtype else {
          continue
        }
        notes.append("\(other) held the same bytes as \(name) and is not edited: a stored tie is now broken")
      }
    }
    return notes
  }
}
