import Runtime
import Tokenizers

/// What is done with a text that occurs twice.
public enum DuplicateRule: String, Sendable, CaseIterable {
  /// Copies share a group, so that they cannot lie in two splits.
  case group
  /// An error.
  case refuse
}

/// A file that examples came from.
public struct TextSource: Sendable, Equatable {
  /// Its path as given.
  public var path: String
  /// SHA-256 of its bytes.
  public var sha256: String
  /// Examples read from it.
  public var count: Int
}

/// A checked set of examples: both classes, no empty text, copies known.
///
/// Legend of shapes: `n` examples.
public struct LabelledTexts: Sendable {
  /// The examples, `[n]`.
  public let texts: [LabelledText]
  /// What the classes 0 and 1 are called.
  public let classNames: [String]
  /// The files they came from.
  public let sources: [TextSource]
  /// The group of each example, `[n]`, numbered from 0: named groups and copies of one text joined.
  public let groups: [Int]
  /// How many examples repeat an earlier text.
  public let copies: Int
  /// How many of these say another label than the text's first occurrence.
  public let conflicts: Int

  /// Checks examples.
  /// - Throws: ``ProbingError/oneClass(place:positives:negatives:)``,
  ///   ``ProbingError/duplicate(first:second:count:)``, ``ProbingError/emptyText(file:line:)``.
  public init(
    _ texts: [LabelledText], classNames: [String] = ["0", "1"], sources: [TextSource] = [],
    duplicates: DuplicateRule = .group
  ) throws(ProbingError) {
    let positives = texts.count { $0.label == 1 }
    guard positives > 0, positives < texts.count else {
      throw .oneClass(
        place: sources.isEmpty ? "the texts" : sources.map(\.path).joined(separator: " and "),
        positives: positives, negatives: texts.count - positives)
    }
    var firsts: [String: Int] = [:]
    var parents = Array(texts.indices)
    func root(_ item: Int) -> Int {
      var item = item
      while parents[item] != item {
        parents[item] = parents[parents[item]]
        item = parents[item]
      }
      return item
    }
    func join(_ a: Int, _ b: Int) {
      let (a, b) = (root(a), root(b))
      parents[max(a, b)] = min(a, b)
    }
    var copies = 0, conflicts = 0
    var example: (first: String, second: String)?
    var named: [String: Int] = [:]
    for (index, text) in texts.enumerated() {
      let identity = text.identity
      if identity.isEmpty { throw .emptyText(file: "the examples (\(text.id))", line: index + 1) }
      if let first = firsts[identity] {
        copies += 1
        if texts[first].label != text.label { conflicts += 1 }
        if example == nil { example = (texts[first].id, text.id) }
        join(first, index)
      } else {
        firsts[identity] = index
      }
      if let group = text.group {
        if let first = named[group] { join(first, index) } else { named[group] = index }
      }
    }
    if duplicates == .refuse, let example {
      throw .duplicate(first: example.first, second: example.second, count: copies)
    }
    var numbers: [Int: Int] = [:]
    self.groups = texts.indices.map { index in
      let root = root(index)
      if let number = numbers[root] { return number }
      numbers[root] = numbers.count
      return numbers.count - 1
    }
    self.texts = texts
    self.classNames = classNames
    self.sources = sources
    self.copies = copies
    self.conflicts = conflicts
  }

  /// Whether each example shows the behaviour, `[n]`.
  public var labels: [Bool] { texts.map { $0.label == 1 } }

  /// How many groups there are.
  public var groupCount: Int { (groups.max() ?? -1) + 1 }

  /// SHA-256 over labels, contents, groups and splits in order: the same for the same examples in any file format.
  public var sha256: String {
    var hash = SHA256()
    for text in texts {
      let who = text.messages?.map { "\($0.role)\u{1}\($0.content)" }.joined(separator: "\u{2}")
      hash.update(
        "\(text.label)\u{0}\(text.prompt ?? "")\u{0}\(text.text ?? "")\u{0}\(who ?? "")\u{0}"
          + "\(text.group ?? "")\u{0}\(text.split?.rawValue ?? "")\u{3}\(text.extras)")
    }
    return hash.hex()
  }
}
