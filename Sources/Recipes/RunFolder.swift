import JSON
import OrderedCollections
import Runtime

/// The folder of a run: what belongs to it, whether it can be resumed, and the sums of its files.
public struct RunFolder: Sendable {
  /// The path.
  public let path: String
  /// Whether the folder was there with the same recipe.
  public let resumed: Bool

  /// Opens a new folder, or one that the same key wrote.
  /// - Parameter key: the recipe with the hashes of its inputs.
  /// - Throws: ``RecipeError``, ``FileError``.
  public init(_ path: String, key: JSONValue) throws {
    let hash = SHA256.hex(try key.text())
    let record = path + "/run.json"
    if Files.exists(record) {
      guard try JSONValue(file: record)["recipe_sha256"]?.string == hash else {
        throw RecipeError.otherRecipe(folder: path)
      }
      resumed = true
    } else {
      if Files.exists(path) {
        // A failed run's report and a record whose writing was cut off are no obstacle.
        guard Files.isFolder(path),
          try Files.list(path).allSatisfy({ $0 == "report.json" || Files.isPartial($0) })
        else {
          throw RecipeError.notARun(folder: path)
        }
      }
      try Files.makeFolder(path)
      try Files.write(
        JSONValue.object(["format": 1, "recipe_sha256": .string(hash), "key": key]).text(.pretty), to: record)
      resumed = false
    }
    self.path = path
  }

  /// A path inside the folder.
  public func file(_ name: String) -> String { path + "/" + name }

  /// Whether something is there.
  public func has(_ name: String) -> Bool { Files.exists(file(name)) }

  /// Whether every stage was finished once.
  public var isFinished: Bool { has("SHA256SUMS") }

  /// Files whose content changes from run to run: reports carry times. So does everything below `times/`.
  private static let unsummed: Set<String> = ["SHA256SUMS", "report.json", "report.html"]

  /// Writes the sums of all files, in the form of coreutils, and removes what killed runs left half-written.
  /// - Throws: ``FileError``.
  public func writeSums() throws {
    var lines = ""
    try removePartials(in: path)
    for name in try files() { lines += "\(try Files.sha256(file(name)))  \(name)\n" }
    try Files.write(lines, to: file("SHA256SUMS"))
  }

  /// Checks every file against its sum.
  /// - Throws: ``RecipeError/changed(file:)``, ``FileError``.
  /// - Returns: the number of files.
  public func verifySums() throws -> Int {
    let lines = try Files.readText(file("SHA256SUMS")).split(separator: "\n")
    for line in lines {
      let parts = line.split(separator: " ", maxSplits: 1).map(String.init)
      let name = parts.last.map { String($0.drop { $0 == " " }) } ?? ""
      guard parts.count == 2, has(name), try Files.sha256(file(name)) == parts[0] else {
        throw RecipeError.changed(file: file(name))
      }
    }
    return lines.count
  }

  private func removePartials(in folder: String) throws {
    for name in try Files.list(folder) {
      let path = folder + "/" + name
      if Files.isPartial(name) {
        try Files.remove(path)
      } else if Files.isFolder(path) {
        try removePartials(in: path)
      }
    }
  }

  /// All files below the folder, relative, sorted.
  private func files(in folder: String = "") throws -> [String] {
    try Files.list(folder.isEmpty ? path : file(folder)).flatMap { name in
      let relative = folder.isEmpty ? name : folder + "/" + name
      if Files.isFolder(file(relative)) { return try files(in: relative) }
      return Self.unsummed.contains(relative) || relative.hasPrefix("times/") ? [] : [relative]
    }
  }
}
