import Glibc

/// stdout carries the result, stderr everything else.
enum Terminal {
  static let isTerminal = isatty(1) == 1

  /// Prints a result.
  static func show(_ text: String) { write(text.hasSuffix("\n") ? text : text + "\n", to: 1) }

  /// Prints what went wrong or is worth knowing.
  static func complain(_ text: String) { write(text + "\n", to: 2) }

  private static func write(_ text: String, to descriptor: Int32) {
    var rest = Array(text.utf8)[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      if count <= 0 { return }
      rest = rest.dropFirst(count)
    }
  }
}
