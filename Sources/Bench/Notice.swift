import Glibc
import Runtime

/// Lines on standard error about what runs now.
enum Notice {
  /// One line, with the time before it.
  static func say(_ text: String) {
    let line = Array("\(Machine.timestamp) \(text)\n".utf8)
    line.withUnsafeBytes { _ = write(STDERR_FILENO, $0.baseAddress, $0.count) }
  }
}
