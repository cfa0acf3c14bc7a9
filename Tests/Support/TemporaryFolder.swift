import Glibc
import Runtime

/// A folder of its own for one test, removed with the value.
public final class TemporaryFolder: Sendable {
  /// Where it lies.
  public let path: String

  /// Makes one below TMPDIR or /tmp.
  /// - Throws: ``FileError``.
  public init() throws {
    let root = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
    var template = Array("\(root)/surgeon-test-XXXXXX".utf8CString)
    guard let made = mkdtemp(&template) else {
      throw FileError.cannotCreate(path: root, reason: Files.lastReason)
    }
    path = String(cString: made)
  }

  deinit { try? Files.remove(path) }

  /// A path in it.
  public func file(_ name: String) -> String { "\(path)/\(name)" }
}
