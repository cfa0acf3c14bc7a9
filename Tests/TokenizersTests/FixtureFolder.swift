import Glibc
import Runtime

/// Files beside the tests, and real tokenizers outside of the package.
enum Fixture {
  static let folder = Files.folder(of: #filePath) + "/Fixtures"

  /// Folder of real models and tokenizers: SURGEON_FIXTURES, or `../shared/fixtures` beside the package.
  static let shared: String = {
    if let path = getenv("SURGEON_FIXTURES").map({ String(cString: $0) }) { return path }
    let root = Files.folder(of: Files.folder(of: Files.folder(of: #filePath)))
    return Files.folder(of: root) + "/shared/fixtures"
  }()

  static func has(_ name: String) -> Bool { Files.exists(shared + "/" + name) }
}

/// A folder that goes away with its last user.
final class TemporaryFolder {
  let path: String

  init() throws {
    var template = Array("/tmp/surgeon-tokenizers-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else {
      throw FileError.cannotCreate(path: "/tmp", reason: Files.lastReason)
    }
    path = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
  }

  deinit { try? Files.remove(path) }
}
