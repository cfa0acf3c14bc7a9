import Glibc
import JSON
import OrderedCollections
import Runtime
import Yams

/// The words of the command line before they are parsed: snake_case flags become kebab-case, and a `--config FILE`
/// gives the long flags that the line itself does not.
enum CommandLineWords {
  /// One-letter flags, the same in every command that has them.
  static let letters = [
    "output": "o", "seed": "s", "threads": "t", "quiet": "q", "file": "f", "prompt": "p", "max-tokens": "n",
    "limit": "L",
  ]
  /// Flags that are on unless `--no-NAME` is said.
  static let onByDefault: Set<String> = ["bos"]

  /// - Throws: ``FileError``, ``YAMLError``, ``ProgramError/flags(found:expected:)``.
  static func prepared(_ words: [String]) throws -> [String] {
    let words = words.map(kebab)
    guard let (file, rest) = config(words) else { return words }
    let value = try YAMLReader.value(try Files.readText(file), source: file)
    guard let members = value.object else {
      throw ProgramError.flags(
        found: "\(file) is no mapping of flags", expected: "lines such as max-tokens: 8")
    }
    var extra: [String] = []
    for (key, value) in members {
      let flag = kebab("--" + key)
      let name = String(flag.dropFirst(2))
      if says(rest, name) { continue }
      for item in value.array ?? [value] {
        if let truth = item.bool {
          if truth { extra.append(flag) } else if onByDefault.contains(name) { extra.append("--no-\(name)") }
        } else {
          extra += [flag, try item.string ?? item.text()]
        }
      }
    }
    return rest + extra
  }

  /// Whether the line has a flag, in its long form, its negated one or by its letter.
  private static func says(_ words: [String], _ name: String) -> Bool {
    words.contains { word in
      ["--\(name)", "--no-\(name)"].contains { word == $0 || word.hasPrefix($0 + "=") }
        || letters[name].map { word.hasPrefix("-\($0)") } ?? false
    }
  }

  /// `--batch_size=3` is `--batch-size=3`; values and single dashes stay.
  private static func kebab(_ word: String) -> String {
    guard word.hasPrefix("--"), word.count > 2 else { return word }
    let name = word.prefix { $0 != "=" }
    return name.map { $0 == "_" ? "-" : String($0) }.joined() + word.dropFirst(name.count)
  }

  private static func config(_ words: [String]) -> (file: String, rest: [String])? {
    guard let index = words.firstIndex(where: { $0 == "--config" || $0.hasPrefix("--config=") }) else {
      return nil
    }
    var rest = words
    if words[index] != "--config" {
      rest.remove(at: index)
      return (String(words[index].dropFirst("--config=".count)), rest)
    }
    guard index + 1 < words.count else { return nil }
    rest.removeSubrange(index...(index + 1))
    return (words[index + 1], rest)
  }
}
