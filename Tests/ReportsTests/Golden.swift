import Glibc
import Runtime
import Testing

/// Texts compared with files under Fixtures/Goldens; `SURGEON_UPDATE_GOLDENS=1 swift test --filter ReportsTests`
/// writes them anew.
enum Golden {
  static let folder = Files.folder(of: #filePath) + "/Fixtures/Goldens"

  static func check(_ text: String, _ name: String, sourceLocation: SourceLocation = #_sourceLocation) throws
  {
    let path = folder + "/" + name
    if getenv("SURGEON_UPDATE_GOLDENS") != nil {
      try Files.makeFolder(folder)
      try Files.write(text, to: path)
    }
    let expected = try Files.readText(path)
    if text == expected { return }
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    let others = expected.split(separator: "\n", omittingEmptySubsequences: false)
    let index = zip(lines, others).enumerated().first { $0.element.0 != $0.element.1 }?.offset
    let at = index ?? min(lines.count, others.count)
    Issue.record(
      """
      \(name) differs in line \(at + 1)
      is:     \(at < lines.count ? lines[at] : "(end)")
      golden: \(at < others.count ? others[at] : "(end)")
      """, sourceLocation: sourceLocation)
  }

  /// A folder for one test, removed by the caller.
  static func scratch(_ name: String) throws -> String {
    let path = "\(getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp")/surgeon-reports-\(name)-\(getpid())"
    try Files.remove(path)
    try Files.makeFolder(path)
    return path
  }
}
