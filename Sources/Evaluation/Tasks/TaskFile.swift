import JSON
import Runtime

/// The questions of a task as they lie in a file: JSON Lines, or a JSON list.
public struct TaskFile: Sendable {
  /// The file that was read.
  public let path: String
  /// The task.
  public let kind: TaskKind
  /// The questions in the order of the file.
  public let items: [TaskItem]
  /// How the file writes them.
  public let layout: String
  /// Questions in the file, before a limit.
  public let total: Int

  /// Reads a file, or the `test.jsonl` or `test.json` of a folder.
  /// - Parameters:
  ///   - path: the file or folder.
  ///   - kind: the task; nil takes it from the names of file and folder, or from a layout that only one task has.
  ///   - limit: questions at most, from the start.
  /// - Throws: ``FileError``, ``JSONError``, ``EvaluationError``.
  public init(_ path: String, kind: TaskKind? = nil, limit: Int? = nil) throws {
    let file = try Self.file(path)
    var items: [TaskItem] = []
    var layouts: [String] = []
    var kind = kind ?? TaskKind.spoken(of: file)
    func add(_ value: JSONValue, _ place: String) throws {
      let (question, layout) = try TaskLayout.question(value, place: place)
      let known = try kind ?? Self.kind(of: question, layout, place: place)
      kind = known
      if !layouts.contains(layout.name) { layouts.append(layout.name) }
      items.append(try known.item(question, id: value["id"]?.string ?? place))
    }
    if file.hasSuffix(".json") {
      let value = try JSONValue(file: file)
      guard let list = value.array else {
        throw EvaluationError.task(place: file, reason: "no list", expected: "a JSON list of questions")
      }
      for (index, item) in list.prefix(limit ?? .max).enumerated() { try add(item, "\(file)[\(index)]") }
      total = list.count
    } else {
      var count = 0
      let lines = try Files.readText(file).split(omittingEmptySubsequences: false) { $0.isNewline }
      for (index, line) in lines.enumerated() where !line.allSatisfy(\.isWhitespace) {
        count += 1
        if count > limit ?? .max { continue }
        let place = "\(file):\(index + 1)"
        try add(JSONValue(parsing: String(line), source: place), place)
      }
      total = count
    }
    guard let kind, !items.isEmpty else {
      throw EvaluationError.nothingToMeasure(what: "question in \(file)")
    }
    (self.path, self.kind, self.items) = (file, kind, items)
    layout = layouts.joined(separator: ", ")
  }

  private static func file(_ path: String) throws -> String {
    guard Files.isFolder(path) else { return path }
    let names = ["test.jsonl", "test.json", "validation.jsonl", "validation.json"]
    if let name = names.first(where: { Files.exists("\(path)/\($0)") }) { return "\(path)/\(name)" }
    throw FileError.missing(path: "\(path)/\(names[0])")
  }

  /// A task that the layout alone tells.
  private static func kind(of question: TaskQuestion, _ layout: TaskLayout, place: String)
    throws(EvaluationError) -> TaskKind
  {
    if case .blank = question.body { return try .named("winogrande") }
    switch layout.name {
    case "choices": return try .named("choices")
    case "OpenBookQA rows": return try .named("openbookqa")
    default:
      throw .task(
        place: place, reason: "a layout that several tasks have",
        expected:
          "the task's name before the file, such as arc_easy=\(place.prefix { $0 != ":" && $0 != "[" })")
    }
  }
}

extension TaskFile {
  /// Reads `NAME=FILE`, or a file or folder whose name or layout tells the task.
  /// - Throws: ``FileError``, ``JSONError``, ``EvaluationError``.
  public init(argument text: String, limit: Int? = nil) throws {
    let parts = text.split(separator: "=", maxSplits: 1).map(String.init)
    // A path may have an equals sign in it, a task's name has no slash.
    guard parts.count == 2, !parts[0].contains("/"), !Files.exists(text) else {
      if TaskKind.all.contains(where: { $0.name == text }), !Files.exists(text) {
        throw EvaluationError.task(
          place: text, reason: "a task without its file", expected: "\(text)=FILE; no data are downloaded")
      }
      try self.init(text, limit: limit)
      return
    }
    try self.init(parts[1], kind: .named(parts[0]), limit: limit)
  }
}
