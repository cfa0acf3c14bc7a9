import JSON
import OrderedCollections
import Runtime

/// A file or folder that a run read or wrote.
public struct Artefact: Sendable, Equatable {
  /// One file of it.
  public struct File: Sendable, Equatable {
    /// Its path within the artefact; the bare name for a single file.
    public var name: String
    /// Size in bytes.
    public var bytes: Int
    /// SHA-256 in hexadecimal; nil where it was not computed.
    public var sha256: String?

    /// One file.
    public init(name: String, bytes: Int, sha256: String?) {
      self.name = name
      self.bytes = bytes
      self.sha256 = sha256
    }
  }

  /// What it is for, such as `base_model`, `patch`, `texts`.
  public var role: String
  /// Where it is, as the user wrote it.
  public var path: String
  /// Its files, sorted by name.
  public var files: [File]
  /// More about it, such as `model_hash` or `tokenizer_sha256`.
  public var facts: JSONValue

  /// An artefact whose files are known.
  public init(role: String, path: String, files: [File], facts: JSONValue = .object([:])) {
    self.role = role
    self.path = path
    self.files = files
    self.facts = facts
  }

  /// Looks at a file, or at a folder and all in it; hidden files and partial ones are left out. With `hashing` every
  /// file is read whole for its SHA-256.
  /// - Throws: ``FileError``, ``Interrupted``.
  public init(role: String, at path: String, hashing: Bool = true, facts: JSONValue = .object([:])) throws {
    var files: [File] = []
    func add(_ place: String, as name: String) throws {
      try Cancellation.check()
      if Files.isFolder(place) {
        for entry in try Files.list(place) where !entry.hasPrefix(".") && !Files.isPartial(entry) {
          try add(place + "/" + entry, as: name.isEmpty ? entry : name + "/" + entry)
        }
      } else {
        files.append(
          File(
            name: name.isEmpty ? Files.name(of: place) : name, bytes: try Files.size(place),
            sha256: hashing ? try Files.sha256(place) : nil))
      }
    }
    try add(path, as: "")
    self.init(role: role, path: path, files: files, facts: facts)
  }

  var json: JSONValue {
    var json: JSONValue = [
      "role": .string(role), "path": .string(path),
      "files": .array(
        files.map {
          ["name": .string($0.name), "bytes": .integer($0.bytes), "sha256": .optional($0.sha256)]
        }),
    ]
    for (key, value) in facts.object ?? [:] { json[key] = value }
    return json
  }
}
