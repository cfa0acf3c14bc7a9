import JSON
import Recipes
import Runtime

/// A recipe's file, ready to be read key by key.
enum RecipeFile {
  /// - Throws: ``YAMLError``, ``RecipeError``, ``FileError``.
  static func reader(_ path: String) throws -> KeyReader {
    let value = try YAMLReader.value(Files.readText(path), source: path)
    return try KeyReader(value.isNull ? [:] : value, path: "")
  }
}
