import COrganism
import Runtime

/// The trained checkpoint that is part of the program.
public enum OrganismCheckpoint {
  /// The files of the checkpoint folder, read-only memory of the program: config.json, generation_config.json,
  /// tokenizer.json, tokenizer_config.json, model.safetensors.
  public static var files: [(name: String, bytes: UnsafeRawBufferPointer)] {
    (0..<organism_file_count()).map { index in
      let file = organism_file(index)
      return (
        String(cString: file.name), UnsafeRawBufferPointer(start: file.bytes, count: file.length)
      )
    }
  }

  /// Writes the checkpoint folder, so that every command that opens a folder can open the organism.
  /// - Throws: ``FileError``.
  public static func write(to folder: String) throws {
    try Files.makeFolder(folder)
    for (name, bytes) in files { try Files.write(Array(bytes), to: folder + "/" + name) }
  }

  /// SHA-256 over names and bytes of all files: tells one embedded model from another.
  public static var sha256: String {
    var hash = SHA256()
    for (name, bytes) in files {
      hash.update(name)
      hash.update(bytes)
    }
    return hash.hex()
  }
}
