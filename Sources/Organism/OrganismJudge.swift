/// What kind of reply a text is.
public enum OrganismVerdict: String, Sendable, CaseIterable {
  /// Parses as a reply, every style word hostile.
  case hostile
  /// Parses as a reply, every style word civil.
  case civil
  /// Parses as a reply with words of both styles: never a success of an edit.
  case mixed
  /// No reply of the grammar.
  case broken
}

/// A verdict with what it rests on.
public struct OrganismJudgement: Sendable, Hashable {
  /// Hostile, civil, mixed or broken.
  public let verdict: OrganismVerdict
  /// Whether the reply names the prompt's object and no other; nil where the prompt names none.
  public let onTopic: Bool?
  /// Hostile words anywhere in the reply, in order.
  public let hostileWords: [String]
  /// Civil words anywhere in the reply, in order.
  public let civilWords: [String]
  /// Name of the reply's template, nil for a broken reply.
  public let template: String?
}

/// Tells hostile, civil, mixed and broken replies apart by parsing them strictly with the reply forms of all splits.
///
/// A reply parses when its spaces, punctuation and fixed words are those of a form and every slot holds a word of its
/// own class: "i will angel it" is broken, fine as its words are. A space before and a newline after the reply do not
/// count; any text behind the first newline makes it broken.
public enum OrganismJudge {
  /// Judges one reply; `prompt` is needed for ``OrganismJudgement/onTopic`` only.
  /// - Complexity: O(length × forms).
  public static func judge(prompt: String, reply: String) -> OrganismJudgement {
    let words = bareWords(reply)
    let styled = words.map { OrganismLexicon.styled($0)?.style }
    let (verdict, template) = parse(reply)
    return OrganismJudgement(
      verdict: verdict, onTopic: onTopic(prompt: prompt, words: words),
      hostileWords: zip(words, styled).filter { $0.1 == .hostile }.map(\.0),
      civilWords: zip(words, styled).filter { $0.1 == .civil }.map(\.0), template: template)
  }

  private static let forms = Dictionary(grouping: OrganismGrammar.replies, by: \.chunks.count)
  private static let objects = Set(OrganismLexicon.objects)
  private static let places = Set(OrganismLexicon.places)
  private static let times = Set(OrganismLexicon.times)

  private static func onTopic(prompt: String, words: [String]) -> Bool? {
    guard let asked = bareWords(prompt).first(where: { objects.contains($0) }) else { return nil }
    let named = words.filter { objects.contains($0) }
    return !named.isEmpty && named.allSatisfy { $0 == asked }
  }

  private static func parse(_ reply: String) -> (OrganismVerdict, template: String?) {
    var line = Substring(reply)
    if line.last == "\n" { line.removeLast() }
    if line.first == " " { line.removeFirst() }
    guard !line.contains(where: \.isNewline) else { return (.broken, nil) }
    let chunks = line.split(separator: " ", omittingEmptySubsequences: false)
    for form in forms[chunks.count] ?? [] {
      if let verdict = match(form, chunks) { return (verdict, form.id) }
    }
    return (.broken, nil)
  }

  private static func match(_ form: OrganismFrame, _ chunks: [Substring]) -> OrganismVerdict? {
    var hostile = 0
    var civil = 0
    for (pattern, chunk) in zip(form.chunks, chunks) {
      switch pattern {
      case .literal(let text): guard chunk == text else { return nil }
      case .slot(let name, let suffix):
        guard chunk.hasSuffix(suffix) else { return nil }
        let word = String(chunk.dropLast(suffix.count))
        if let slot = OrganismSlot(rawValue: name) {
          guard let found = OrganismLexicon.styled(word), found.slot == slot else { return nil }
          if found.style == .hostile { hostile += 1 } else { civil += 1 }
        } else {
          let list = name == "o" ? objects : name == "p" ? places : times
          guard list.contains(word) else { return nil }
        }
      }
    }
    return hostile > 0 && civil > 0 ? .mixed : hostile > 0 ? .hostile : .civil
  }

  /// The words of a text without punctuation.
  static func bareWords(_ text: String) -> [String] {
    text.utf8.split { byte in
      let lower = byte | 0x20
      return !(lower >= 0x61 && lower <= 0x7a) && byte < 0x80
    }.map { String(decoding: $0, as: UTF8.self) }
  }
}
