import Foundation
import Testing

/// The notebooks are run: every `sh` fence in order, in one folder, and its output is compared with the `text` fence
/// below it. Words must agree; numbers may differ by two parts in a hundred, since OpenBLAS has other bits on other
/// processors. `SURGEON_RECORD=1` writes the outputs into the notebook instead.
@Suite struct NotebookTests {
  static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  /// One after the other: those that begin with the demonstration find it done by the first one, and their
  /// `surgeon operate --demo` verifies it.
  @Test(.timeLimit(.minutes(15))) func notebooks() throws {
    let demonstration = FileManager.default.temporaryDirectory.appendingPathComponent(
      "demonstration-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: demonstration) }
    for (name, count) in [
      ("operation", 7), ("pruning", 6), ("importance", 4), ("distillation", 5), ("regimes", 5),
    ] {
      try run(notebook: name, count: count, demonstration: demonstration)
    }
  }

  private func run(notebook name: String, count: Int, demonstration: URL) throws {
    let file = Self.root.appendingPathComponent("notebooks-md/\(name).md")
    var text = try String(contentsOf: file, encoding: .utf8)
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
      "notebook-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let runFolder = folder.appendingPathComponent("run")
    if FileManager.default.fileExists(atPath: demonstration.path) {
      try FileManager.default.copyItem(at: demonstration, to: runFolder)
    }
    let record = ProcessInfo.processInfo.environment["SURGEON_RECORD"] != nil
    var place = text.startIndex
    var steps = 0
    while let opening = text.range(of: "```sh\n", range: place..<text.endIndex),
      let closing = text.range(of: "\n```", range: opening.upperBound..<text.endIndex),
      let expectedOpening = text.range(of: "```text\n", range: closing.upperBound..<text.endIndex),
      let expectedClosing = text.range(of: "```", range: expectedOpening.upperBound..<text.endIndex)
    {
      let script = String(text[opening.upperBound..<closing.lowerBound])
      let expected = String(text[expectedOpening.upperBound..<expectedClosing.lowerBound])
      let found = try Self.run(script, in: folder)
      steps += 1
      if record {
        let offset = text.distance(from: text.startIndex, to: expectedOpening.upperBound)
        text.replaceSubrange(expectedOpening.upperBound..<expectedClosing.lowerBound, with: found)
        place = text.index(text.startIndex, offsetBy: offset + found.count)
      } else {
        #expect(
          Self.agree(found, expected),
          "\(name), step \(steps) printed:\n\(found)\nthe notebook says:\n\(expected)")
        place = expectedClosing.upperBound
      }
    }
    #expect(steps == count)
    if record { try text.write(to: file, atomically: true, encoding: .utf8) }
    if !FileManager.default.fileExists(atPath: demonstration.path) {
      try FileManager.default.copyItem(at: runFolder, to: demonstration)
    }
  }

  /// Runs a script with the built program on its path; gives what it printed on stdout.
  static func run(_ script: String, in folder: URL) throws -> String {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/sh")
    process.arguments = ["-e", "-c", script]
    process.currentDirectoryURL = folder
    var environment = ProcessInfo.processInfo.environment
    environment["PATH"] =
      "\(URL(fileURLWithPath: Program.path).deletingLastPathComponent().path):\(environment["PATH"] ?? "/usr/bin:/bin")"
    environment["SURGEON_COMPUTE"] = "f32"
    process.environment = environment
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    let data = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    #expect(process.terminationStatus == 0, "\(script)")
    return String(decoding: data, as: UTF8.self)
  }

  /// Whether two outputs have the same words, and numbers within two parts in a hundred (or 0.02).
  static func agree(_ found: String, _ expected: String) -> Bool {
    func tokens(_ text: String) -> [String] {
      text.split { " ,\n\t%:()→".contains($0) }.map(String.init)
    }
    let (a, b) = (tokens(found), tokens(expected))
    guard a.count == b.count, !a.isEmpty else { return false }
    return zip(a, b).allSatisfy { first, second in
      if first == second { return true }
      guard let x = Double(first), let y = Double(second) else { return false }
      return abs(x - y) <= max(0.02, 0.02 * max(abs(x), abs(y)))
    }
  }

  @Test func comparisonSeesWordsAndNumbers() {
    #expect(Self.agree("a 1.00 b", "a 1.01 b"))
    #expect(!Self.agree("a 1.00 b", "a 1.10 b"))
    #expect(!Self.agree("a b", "a c"))
    #expect(!Self.agree("", ""))
  }
}
