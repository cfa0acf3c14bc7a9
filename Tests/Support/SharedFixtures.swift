import Glibc
import Runtime

/// Real models, texts and tokenizers outside of the package, which tests use where they are present.
public enum SharedFixtures {
  /// The folder: SURGEON_FIXTURES, or `../shared/fixtures` beside the package.
  public static let folder: String = {
    if let path = getenv("SURGEON_FIXTURES").map({ String(cString: $0) }) { return path }
    let root = Files.folder(of: Files.folder(of: Files.folder(of: #filePath)))
    return Files.folder(of: root) + "/shared/fixtures"
  }()

  /// Path of a file or folder in it.
  public static func path(_ name: String) -> String { "\(folder)/\(name)" }

  /// Whether it is there: the condition of tests that need it.
  public static func has(_ name: String) -> Bool { Files.exists(path(name)) }
}
