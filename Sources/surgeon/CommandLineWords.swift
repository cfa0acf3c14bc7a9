import Glibc
import JSON
import OrderedCollections
import Runtime
import Yams

/// The words of the command line before they are parsed: snake_case flags become kebab-case, and a `--config FILE`
/// gives the long flags that the line itself does not.
enum CommandLineWords {
  /// A config file that cannot be used.
  struct Problem: Error, CustomStringConvertible {
    let description: String
  }

  static func prepared(_ words: [String]) throws -> [String] {
    let words = words.map(kebab)
    guard let (file, rest) = config(words) else { return words }
    let text: String
    do { text = try Files.readText(file) } catch {
      throw Problem(description: "\(error)")
    }
    guard let value = try? YAMLReader.value(text, source: file), let members = value.object else {
      throw Problem(
        description: "found: \(file) is no mapping of flags\nexpected: lines such as batch-size: 8")
    }
    var extra: [String] = []
    for (key, value) in members {
      let flag = kebab("--" + key)
      if rest.contains(where: { $0 == flag || $0.hasPrefix(flag + "=") }) { continue }
      for item in value.array ?? [value] {
        if let truth = item.bool {
          if truth { extra.append(flag) }
        } else {
          extra += [flag, item.string ?? ((try? item.text()) ?? "")]
        }
      }
    }
    return rest + extra
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
