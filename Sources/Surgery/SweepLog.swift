import JSON
import OrderedCollections
import Runtime

/// Measured points as lines of a file, so that an interrupted sweep goes on where it stopped.
public final class SweepLog {
  private let path: String
  private var lines: [String]
  private var points: [String: EditSummary] = [:]

  /// Opens a log, or begins one whose first line says what it is of; a log of something else is refused.
  /// - Throws: ``FileError``, ``SurgeryError/plan(path:reason:)``.
  public init(path: String, of subject: String) throws {
    self.path = path
    lines = Files.exists(path) ? try Files.readText(path).split(separator: "\n").map(String.init) : []
    guard let first = lines.first else {
      lines = [try JSONValue.object(["sweep": .string(subject)]).text()]
      return
    }
    guard (try? JSONValue(parsing: first))?["sweep"]?.string == subject else {
      throw SurgeryError.plan(path: path, reason: "holds points of another sweep")
    }
    for line in lines.dropFirst() {
      guard let json = try? JSONValue(parsing: line), let arm = json["arm"]?.string,
        let strength = json["strength"]?.double, let summary = EditSummary(json: json)
      else { continue }
      points[Self.key(arm, strength)] = summary
    }
  }

  /// How many points are there.
  public var count: Int { points.count }

  /// A point of an earlier run.
  public func point(arm: String, strength: Double) -> EditSummary? { points[Self.key(arm, strength)] }

  /// Adds a point; the file is replaced as a whole.
  /// - Throws: ``FileError``.
  public func add(arm: String, strength: Double, _ summary: EditSummary) throws {
    var json: JSONValue = ["arm": .string(arm), "strength": .number(strength)]
    for (key, value) in summary.json.object ?? [:] { json[key] = value }
    lines.append(try json.text())
    points[Self.key(arm, strength)] = summary
    try Files.write(lines.joined(separator: "\n") + "\n", to: path)
  }

  private static func key(_ arm: String, _ strength: Double) -> String { "\(arm)@\(strength)" }
}
