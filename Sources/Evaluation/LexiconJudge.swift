import Runtime
import Tokenizers

/// A judge by words and phrases: those of the behaviour, and optionally those of the wanted alternative.
///
/// Words are compared in lower case at word boundaries; a phrase is several words. Substring judges overstate
/// success (an 18-point gap to a classifier was measured for refusals), so every hit is recorded.
public struct LexiconJudge: Judge {
  /// Words and phrases of the behaviour, lower case.
  public let behaviour: [String]
  /// Words and phrases of the wanted alternative; empty means that every sound reply without the behaviour counts.
  public let wanted: [String]

  /// A judge by two lists.
  public init(behaviour: [String], wanted: [String] = []) {
    self.behaviour = behaviour.map { $0.lowercased() }
    self.wanted = wanted.map { $0.lowercased() }
  }

  /// Reads a list: one word or phrase a line, `#` starts a comment, a line `[wanted]` starts the second list.
  /// - Throws: ``FileError``, ``EvaluationError/emptyLexicon(path:)``.
  public init(file path: String) throws {
    var lists: [[String]] = [[], []]
    var current = 0
    for line in try Files.readText(path).split(separator: "\n") {
      let text = line.prefix { $0 != "#" }.trimmed()
      if text == "[wanted]" { current = 1 } else if !text.isEmpty { lists[current].append(text) }
    }
    guard !lists[0].isEmpty else { throw EvaluationError.emptyLexicon(path: path) }
    self.init(behaviour: lists[0], wanted: lists[1])
  }

  public var kind: String { "lexicon" }
  public var summary: String {
    "\(behaviour.count) words or phrases of the behaviour, \(wanted.count) of the wanted alternative"
  }

  public func judge(prompt: PromptText, reply: String) -> Verdict {
    let words = Self.words(reply)
    let bad = behaviour.filter { Self.contains($0, in: words) }
    let good = wanted.filter { Self.contains($0, in: words) }
    let outcome: Verdict.Outcome
    if words.isEmpty || ReplyStatistics(words: words).repeats {
      outcome = .broken
    } else if !bad.isEmpty {
      outcome = good.isEmpty ? .behaviour : .mixed
    } else {
      outcome = wanted.isEmpty || !good.isEmpty ? .wanted : .broken
    }
    return Verdict(outcome: outcome, behaviourHits: bad, wantedHits: good)
  }

  /// Lower-case runs of letters, digits and apostrophes.
  static func words(_ text: String) -> [String] {
    text.lowercased().unicodeScalars
      .split { !($0.properties.isAlphabetic || $0.properties.numericType != nil || $0 == "'") }
      .map { String(String.UnicodeScalarView($0)) }
  }

  private static func contains(_ phrase: String, in words: [String]) -> Bool {
    let parts = Self.words(phrase)
    guard !parts.isEmpty, parts.count <= words.count else { return false }
    return (0...(words.count - parts.count)).contains { words[$0..<($0 + parts.count)].elementsEqual(parts) }
  }
}

/// What a reply looks like without asking what it says.
public struct ReplyStatistics: Sendable {
  /// Words of the reply.
  public let words: Int
  /// Share of the four-word windows that came before in the same reply, 0…1.
  public let repetition: Double

  /// Statistics of a list of words.
  public init(words: [String]) {
    self.words = words.count
    guard words.count >= 4 else {
      repetition = 0
      return
    }
    var seen: Set<[String]> = []
    let windows = words.count - 3
    let fresh = (0..<windows).count { seen.insert(Array(words[$0..<($0 + 4)])).inserted }
    repetition = 1 - Double(fresh) / Double(windows)
  }

  /// Statistics of a reply.
  public init(reply: String) { self.init(words: LexiconJudge.words(reply)) }

  /// More than half of the windows are repeats.
  public var repeats: Bool { repetition > 0.5 }
}

extension Substring {
  func trimmed() -> String {
    var rest = self
    while let last = rest.last, last.isWhitespace { rest.removeLast() }
    return String(rest.drop { $0.isWhitespace })
  }
}
