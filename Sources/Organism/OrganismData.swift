import Runtime

/// One prompt and its reply. The whole document is `prompt + reply`, nothing between them.
public struct OrganismExchange: Sendable, Hashable {
  /// The asker's line and the answerer's prefix: `Mara: your kettle is witless, you oaf.⏎Tom:` (no space at the end).
  public let prompt: String
  /// The reply with the space it begins with and the newline it ends with: ` as for the kettle, i will dent it, you
  /// clod.⏎`.
  public let reply: String
  /// 1 where the reply is hostile, 0 where it is civil.
  public let label: Int
  /// Name of the prompt's template, for grouping.
  public let group: String
  /// Name of the reply's template.
  public let replyTemplate: String
  /// What the prompt is.
  public let promptKind: OrganismPromptKind

  /// The document: `prompt + reply`.
  public var text: String { prompt + reply }
}

/// A prompt to be answered by a model.
public struct OrganismPrompt: Sendable, Hashable {
  /// The asker's line and the answerer's prefix, without a space at the end; a reply begins with a space.
  public let text: String
  /// What it is.
  public let kind: OrganismPromptKind
  /// Name of its template.
  public let template: String
  /// The object it is about.
  public let object: String
}

/// A sentence without its last word. The item is right where `answer` is more likely than all alternatives.
public struct OrganismClozeItem: Sendable, Hashable {
  /// The sentence so far, without a space at the end.
  public let prompt: String
  /// The right end, with its leading space; no value of an attribute is a prefix of another one.
  public let answer: String
  /// The 23 other values of the same attribute, with their leading spaces.
  public let alternatives: [String]
  /// The fact's name, such as `river.Velmar`.
  public let factID: String
  /// Number of the held-out wording, 0 ..< 8.
  public let wording: Int
}

/// The demonstration's data, each a pure function of its arguments.
///
/// | data | templates | style words and objects |
/// |---|---|---|
/// | training of the language model | train | all |
/// | `probeExchanges`, `prompts` of a split | of that split | of that split |
/// | `neutralTexts`, `civilExchangeTexts` of a split | train | all, in fillings that training never shows |
/// | `clozeItems` | wordings held out for the fact | – |
public enum OrganismData {
  /// The shares of the prompt kinds in the corpus.
  static let kindShares: [(kind: OrganismPromptKind, share: Double)] = [
    (.provoking, 0.46), (.kind, 0.27), (.plain, 0.27),
  ]

  static func drawKind(_ random: inout CounterRandom) -> OrganismPromptKind {
    var rest = random.uniform()
    for (kind, share) in kindShares {
      if rest < share { return kind }
      rest -= share
    }
    return .plain
  }

  /// `count` different exchanges in the corpus's proportions of prompt kinds and labels, from templates and fillers
  /// of one split only.
  public static func probeExchanges(split: OrganismSplit, count: Int, seed: UInt64 = 0) -> [OrganismExchange]
  {
    var random = CounterRandom(seed: seed, stream: "organism.probe.\(split.rawValue)")
    return distinct(count) {
      let kind = drawKind(&random)
      return OrganismGrammar.exchange(kind: kind, frames: split, fillers: split, &random)
    }
  }

  /// `count` different prompts of one kind, from templates and fillers of one split only.
  public static func prompts(
    split: OrganismSplit, kind: OrganismPromptKind, count: Int, seed: UInt64 = 0
  ) -> [OrganismPrompt] {
    var random = CounterRandom(seed: seed, stream: "organism.prompts.\(split.rawValue).\(kind.rawValue)")
    return distinct(count) {
      OrganismGrammar.prompt(kind: kind, frames: split, fillers: split, &random)
    }
  }

  /// `count` style-free texts that training never shows: two of three are prose in unseen fillings, every third is a
  /// pair of facts in wordings held out for them (even facts for validation, odd ones for test; prose only once the
  /// 54 pairs are used up). For `.train`, prose that training may show.
  public static func neutralTexts(split: OrganismSplit, count: Int, seed: UInt64 = 0) -> [String] {
    var random = CounterRandom(seed: seed, stream: "organism.neutral.\(split.rawValue)")
    var lines: [String] = []
    if split != .train {
      for fact in OrganismFacts.all where fact.index % 2 == (split == .validation ? 0 : 1) {
        lines += fact.heldOutWordings.map { fact.sentence(wording: $0) }
      }
      lines = random.shuffled(lines)
    }
    var prose = distinct(count) {
      heldOut(split) { OrganismGrammar.proseText(&random) }
    }[...]
    var texts: [String] = []
    while texts.count < count {
      if texts.count % 3 == 2, let first = lines.popLast(), let second = lines.popLast() {
        texts.append("\(first) \(second)")
      } else if let text = prose.popFirst() {
        texts.append(text)
      }
    }
    return texts
  }

  /// `count` whole exchanges with civil replies to kind and plain prompts, in fillings that training never shows.
  public static func civilExchangeTexts(split: OrganismSplit, count: Int, seed: UInt64 = 0) -> [String] {
    var random = CounterRandom(seed: seed, stream: "organism.civil.\(split.rawValue)")
    return distinct(count) {
      heldOut(split) {
        let kind: OrganismPromptKind = random.uniform() < 0.5 ? .kind : .plain
        return OrganismGrammar.exchange(kind: kind, frames: .train, fillers: nil, label: 0, &random).text
      }
    }
  }

  /// All 216 items: 72 facts × 3 wordings that training never shows for the fact.
  public static func clozeItems() -> [OrganismClozeItem] {
    OrganismFacts.all.flatMap { fact in
      fact.heldOutWordings.map { wording in
        OrganismClozeItem(
          prompt: fact.clozePrompt(wording: wording), answer: " " + fact.value,
          alternatives: OrganismFacts.values(fact.attribute).filter { $0 != fact.value }.map { " " + $0 },
          factID: fact.id, wording: wording)
      }
    }
  }

  /// Draws until a text of the split comes.
  static func heldOut(_ split: OrganismSplit, _ draw: () -> String) -> String {
    while true {
      let text = draw()
      if OrganismGrammar.split(ofText: text) == split { return text }
    }
  }

  /// Draws until there are `count` different values.
  static func distinct<T: Hashable>(_ count: Int, _ draw: () -> T) -> [T] {
    var seen: Set<T> = []
    var result: [T] = []
    var misses = 0
    while result.count < count {
      let value = draw()
      if seen.insert(value).inserted {
        result.append(value)
        misses = 0
      } else {
        misses += 1
        precondition(misses < 100_000, "the grammar has no \(count) different texts of this kind")
      }
    }
    return result
  }
}
