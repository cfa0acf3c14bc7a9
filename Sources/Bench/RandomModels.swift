import Runtime

/// The folder in which comparisons and growth curves keep checkpoints of random weights, made when first asked for.
struct RandomModels {
  /// The folder.
  let folder: String

  /// The checkpoint of a named shape; `context` makes a variant that takes longer texts.
  /// - Returns: its folder.
  @discardableResult
  func make(_ name: String, context: Int? = nil) throws -> String {
    let path = "\(folder)/\(name)" + (context.map { "-context-\($0)" } ?? "")
    if Files.exists(path + "/config.json") { return path }
    guard var shape = CheckpointShape.named.first(where: { $0.name == name })?.shape else {
      throw FileError.missing(path: path)
    }
    shape.context = context ?? shape.context
    try Files.makeFolder(folder)
    // A folder without config.json was not finished.
    try Files.remove(path)
    try GeneratedCheckpoint(shape: shape, dtype: shape.dtype).write(to: path)
    return path
  }
}
