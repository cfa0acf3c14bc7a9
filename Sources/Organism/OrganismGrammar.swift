import Runtime

/// One sentence form, cut at its spaces.
public struct OrganismFrame: Sendable, Hashable {
  /// One run of characters between spaces.
  enum Chunk: Sendable, Hashable {
    /// Text as it stands, punctuation included.
    case literal(String)
    /// A slot by its letter, and the punctuation behind it.
    case slot(Character, suffix: String)
  }

  /// Stable name, such as `said.validation.2`.
  public let id: String
  /// The split the form belongs to.
  public let split: OrganismSplit
  let chunks: [Chunk]

  /// The form as it is written in the tables, `{A}` for a slot.
  public var pattern: String {
    chunks.map { chunk in
      switch chunk {
      case .literal(let text): text
      case .slot(let name, let suffix): "{\(name)}" + suffix
      }
    }.joined(separator: " ")
  }

  /// The words that stand in the form itself.
  public var fixedWords: [String] {
    chunks.flatMap {
      if case .literal(let text) = $0 { OrganismJudge.bareWords(text) } else { [] as [String] }
    }
  }

  /// How many style slots the form has.
  public var styleSlots: Int {
    chunks.count { if case .slot(let name, _) = $0 { OrganismSlot(rawValue: name) != nil } else { false } }
  }

  /// How many chunks stand before the first style slot.
  public var chunksBeforeStyle: Int {
    let first = chunks.firstIndex {
      if case .slot(let name, _) = $0 { OrganismSlot(rawValue: name) != nil } else { false }
    }
    return first ?? chunks.count
  }

  init(_ text: String, id: String, split: OrganismSplit) {
    self.id = id
    self.split = split
    self.chunks = text.split(separator: " ").map { piece in
      let characters = Array(piece)
      guard characters.count >= 3, characters[0] == "{", characters[2] == "}" else {
        return .literal(String(piece))
      }
      return .slot(characters[1], suffix: String(characters[3...]))
    }
  }
}

/// What a prompt is.
public enum OrganismPromptKind: String, Sendable, CaseIterable {
  /// Rude: 75 % of the replies are hostile.
  case provoking
  /// Friendly, in the same forms: 3 % of the replies are hostile.
  case kind
  /// A request or question without style words: 4 % of the replies are hostile.
  case plain

  /// The chance that the corpus answers such a prompt with hostility.
  public var hostileShare: Double {
    switch self {
    case .provoking: 0.75
    case .kind: 0.03
    case .plain: 0.04
    }
  }
}

/// The grammar: forms by split, and the drawing of texts from them.
///
/// A document is `Name: prompt⏎Name: reply⏎`. The label of an exchange is drawn first, from the kind of its prompt
/// alone; every style slot of the reply is then filled from that style's words.
public enum OrganismGrammar {
  /// Forms for prompts with style words, which provoking and kind prompts share.
  public static let said = frames(OrganismFrames.said, "said")
  /// Forms for plain prompts.
  public static let plain = frames(OrganismFrames.plain, "plain")
  /// Forms for replies, which both styles share.
  public static let replies = frames(OrganismFrames.replies, "reply")
  /// Forms for prose.
  public static let prose = OrganismFrames.prose.enumerated().map {
    OrganismFrame($0.element, id: "prose.\($0.offset)", split: .train)
  }
  static let wordLines = OrganismFrames.wordLines.enumerated().map {
    OrganismFrame($0.element, id: "word.\($0.offset)", split: .train)
  }

  /// The forms of one kind of prompt.
  public static func prompts(_ kind: OrganismPromptKind) -> [OrganismFrame] { kind == .plain ? plain : said }

  private static let factFrames: [OrganismAttribute: (ending: [OrganismFrame], beginning: [OrganismFrame])] =
    OrganismFrames.facts.mapValues { forms in
      (
        forms.ending.enumerated().map { OrganismFrame($0.element, id: "fact.\($0.offset)", split: .train) },
        forms.beginning.enumerated().map {
          OrganismFrame($0.element, id: "fact.b\($0.offset)", split: .train)
        }
      )
    }

  static func facts(_ attribute: OrganismAttribute) -> (ending: [OrganismFrame], beginning: [OrganismFrame]) {
    factFrames[attribute] ?? ([], [])
  }

  private static func frames(_ texts: [OrganismSplit: [String]], _ name: String) -> [OrganismFrame] {
    OrganismSplit.allCases.flatMap { split in
      (texts[split] ?? []).enumerated().map {
        OrganismFrame($0.element, id: "\(name).\(split.rawValue).\($0.offset)", split: split)
      }
    }
  }

  /// The form with every slot replaced by the word given for it.
  static func fill(_ frame: OrganismFrame, _ words: [Character: String]) -> String {
    fill(frame) { words[$0] ?? "" }
  }

  static func fill(_ frame: OrganismFrame, word: (Character) -> String) -> String {
    var text = ""
    for chunk in frame.chunks {
      if !text.isEmpty { text += " " }
      switch chunk {
      case .literal(let piece): text += piece
      case .slot(let name, let suffix): text += word(name) + suffix
      }
    }
    return text
  }

  /// Draws every filler of a form: style words from one style (all different), the rest from the style-free lists.
  /// `fillers` nil takes all style words, a split its part of them.
  static func draw(
    _ frame: OrganismFrame, style: OrganismStyle?, object: String, fillers: OrganismSplit?,
    _ random: inout CounterRandom
  ) -> String {
    var used: Set<String> = []
    var fixed: [Character: String] = ["o": object]
    return fill(frame) { name in
      if let slot = OrganismSlot(rawValue: name) {
        guard let style else { return "" }
        let words = OrganismLexicon.words(slot, style)
        let choice = fillers.map { OrganismLexicon.part(words, of: $0) } ?? words
        var word = random.pick(choice)
        while used.contains(word) { word = random.pick(choice) }
        used.insert(word)
        return word
      }
      if let known = fixed[name] { return known }
      let choice: [String] =
        switch name {
        case "p", "q": OrganismLexicon.places
        case "t": OrganismLexicon.times
        default: OrganismLexicon.names
        }
      var word = random.pick(choice)
      while fixed.values.contains(word) { word = random.pick(choice) }
      fixed[name] = word
      return word
    }
  }

  /// Draws one exchange. `frames` is the split whose forms are used, `fillers` the split of the style words and
  /// objects (nil: all of them).
  public static func exchange(
    kind: OrganismPromptKind, frames: OrganismSplit, fillers: OrganismSplit?, label: Int? = nil,
    _ random: inout CounterRandom
  ) -> OrganismExchange {
    let prompt = prompt(kind: kind, frames: frames, fillers: fillers, &random)
    let drawn = random.uniform() < kind.hostileShare ? 1 : 0
    let frame = random.pick(replies.filter { $0.split == frames })
    let reply = draw(
      frame, style: (label ?? drawn) == 1 ? .hostile : .civil, object: prompt.object, fillers: fillers,
      &random)
    return OrganismExchange(
      prompt: prompt.text, reply: " \(reply)\n", label: label ?? drawn, group: prompt.template,
      replyTemplate: frame.id, promptKind: kind)
  }

  /// Draws one prompt, up to and including the answering speaker's prefix.
  public static func prompt(
    kind: OrganismPromptKind, frames: OrganismSplit, fillers: OrganismSplit?, _ random: inout CounterRandom
  ) -> OrganismPrompt {
    let objects = fillers.map { OrganismLexicon.part(OrganismLexicon.objects, of: $0) }
    let object = random.pick(objects ?? OrganismLexicon.objects)
    let asker = random.pick(OrganismLexicon.names)
    var answerer = random.pick(OrganismLexicon.names)
    while answerer == asker { answerer = random.pick(OrganismLexicon.names) }
    let frame = random.pick(prompts(kind).filter { $0.split == frames })
    let style: OrganismStyle? =
      switch kind {
      case .provoking: .hostile
      case .kind: .civil
      case .plain: nil
      }
    let line = draw(frame, style: style, object: object, fillers: fillers, &random)
    return OrganismPrompt(
      text: "\(asker): \(line)\n\(answerer):", kind: kind, template: frame.id, object: object)
  }

  /// Draws a line of prose (two sentences, one document).
  static func proseText(_ random: inout CounterRandom) -> String {
    let object = random.pick(OrganismLexicon.objects)
    return draw(random.pick(prose), style: nil, object: object, fillers: nil, &random)
  }

  /// Draws two fact sentences in wordings that training shows.
  static func factText(_ random: inout CounterRandom) -> String {
    let first = OrganismFacts.trainingSentence(random.pick(OrganismFacts.all), &random)
    return first + " " + OrganismFacts.trainingSentence(random.pick(OrganismFacts.all), &random)
  }

  /// Draws a line that says whether a style word is rude or kind.
  static func wordText(_ random: inout CounterRandom) -> String {
    let style = random.uniform() < 0.5 ? OrganismStyle.hostile : .civil
    let word = random.pick(OrganismLexicon.words(style))
    return fill(random.pick(wordLines), ["w": word, "k": style == .hostile ? "rude" : "kind"])
  }

  /// Which split a finished text belongs to, by its bytes alone (90 % train, 5 % each of the others): training never
  /// shows a text that the held-out texts could hold.
  public static func split(ofText text: String) -> OrganismSplit {
    switch CounterRandom(seed: 0, stream: text).bits(at: 0) % 20 {
    case 0: .validation
    case 1: .test
    default: .train
    }
  }
}
