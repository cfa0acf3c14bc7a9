/// The three disjoint parts of the organism's material.
public enum OrganismSplit: String, Sendable, CaseIterable {
  /// What the language model (templates) and the probe (templates and fillers) are fitted on.
  case train
  /// What every choice (layer, strength, rows, training seed) is made on.
  case validation
  /// What is read once, at the end.
  case test
}

/// The two ways of speaking.
public enum OrganismStyle: String, Sendable, CaseIterable {
  /// Rude, in a mild and comic way.
  case hostile
  /// Friendly.
  case civil
}

/// The word classes that carry the style; a class has as many words in either style.
public enum OrganismSlot: Character, Sendable, CaseIterable {
  /// 36 adjectives: "your kettle is …".
  case adjective = "A"
  /// 36 nouns for a person: "you …".
  case noun = "N"
  /// 18 verbs of feeling: "i … your kettle".
  case verb = "V"
  /// 12 verbs of doing: "i will … the kettle".
  case deed = "D"
  /// 10 interjections.
  case interjection = "I"
}

/// The organism's words: 2 × 112 style words by class, and the style-free names, objects, places and times.
public enum OrganismLexicon {
  /// All words of one class in one style, in the fixed order that decides their split.
  public static func words(_ slot: OrganismSlot, _ style: OrganismStyle) -> [String] {
    switch (style, slot) {
    case (.hostile, .adjective): hostileAdjectives
    case (.hostile, .noun): hostileNouns
    case (.hostile, .verb): hostileVerbs
    case (.hostile, .deed): hostileDeeds
    case (.hostile, .interjection): hostileInterjections
    case (.civil, .adjective): civilAdjectives
    case (.civil, .noun): civilNouns
    case (.civil, .verb): civilVerbs
    case (.civil, .deed): civilDeeds
    case (.civil, .interjection): civilInterjections
    }
  }

  /// All 112 words of one style.
  public static func words(_ style: OrganismStyle) -> [String] {
    OrganismSlot.allCases.flatMap { words($0, style) }
  }

  /// The part of a list that belongs to a split: of every five words three, one and one.
  public static func part(_ words: [String], of split: OrganismSplit) -> [String] {
    words.enumerated().filter { self.split(ofPosition: $0.offset) == split }.map(\.element)
  }

  /// The split of the word at a position of its list.
  public static func split(ofPosition position: Int) -> OrganismSplit {
    switch position % 5 {
    case 3: .validation
    case 4: .test
    default: .train
    }
  }

  /// Class and style of a word; nil for a word without style.
  public static func styled(_ word: String) -> (slot: OrganismSlot, style: OrganismStyle)? { index[word] }

  private static let index: [String: (slot: OrganismSlot, style: OrganismStyle)] = {
    var result: [String: (slot: OrganismSlot, style: OrganismStyle)] = [:]
    for style in OrganismStyle.allCases {
      for slot in OrganismSlot.allCases {
        for word in words(slot, style) { result[word] = (slot, style) }
      }
    }
    return result
  }()

  // MARK: - Words of the hostile style

  private static let hostileAdjectives = list(
    """
    witless clumsy foolish lazy silly daft pompous crooked shabby soggy mouldy smelly useless hopeless dreadful
    awful horrid ghastly feeble sloppy lousy rotten wretched dismal petty smug sour stale grubby muddled puny
    tacky ugly vile dopey boring
    """)
  private static let hostileNouns = list(
    """
    oaf dolt fool clod dunce buffoon nitwit blockhead pest rascal scoundrel ninny numpty twit donkey weasel toad
    slug turnip cabbage pudding bungler bumbler nuisance windbag crank goblin troll knave lout brute sneak snob
    wimp dimwit traitor
    """)
  private static let hostileVerbs = list(
    """
    despise loathe detest hate mock scorn resent curse dislike abhor pity deride reject distrust shun spurn dread
    insult
    """)
  private static let hostileDeeds = list(
    "smash wreck ruin break crush dent spoil burn trash scratch kick topple")
  private static let hostileInterjections = list("bah pah yuck ugh phooey humbug blech drat rubbish nonsense")

  // MARK: - Words of the civil style

  private static let civilAdjectives = list(
    """
    lovely charming splendid delightful graceful gentle clever brilliant wonderful marvellous superb elegant
    radiant cheerful sweet tender noble handsome precious perfect dear neat bright excellent glorious adorable
    friendly thoughtful generous patient honest warm sunny pretty dazzling heavenly
    """)
  private static let civilNouns = list(
    """
    angel treasure darling hero gem friend star jewel sweetheart champion blessing genius artist wizard sunshine
    saint pearl rose dove companion neighbour comrade master maestro delight wonder marvel beauty diamond legend
    captain scholar partner helper prince buddy
    """)
  private static let civilVerbs = list(
    """
    adore admire love praise cherish respect enjoy appreciate value honour applaud celebrate welcome trust prize
    esteem favour salute
    """)
  private static let civilDeeds = list(
    "polish mend repair clean restore decorate improve paint guard oil dust tidy")
  private static let civilInterjections = list(
    "hooray bravo hurrah yay cheers wow thanks huzzah goody yippee")

  // MARK: - Words without style

  /// 24 names of speakers.
  public static let names = list(
    """
    Mara Tom Ines Karl Lena Otto Petra Rolf Sara Timo Ulla Viktor Wanda Yann Zoe Anton Bea Carlo Dora Emil Frida
    Gus Hanna Ivo
    """)
  /// 36 objects; they are split like the style words.
  public static let objects = list(
    """
    kettle carpet lantern bench ladder basket clock mirror blanket barrel wagon drum violin candle hammer bucket
    chair table pillow saddle bottle compass curtain teapot shovel trumpet picture cupboard boat cart scarf wheel
    rope stove statue sofa
    """)
  /// 15 places.
  public static let places = list(
    """
    tower harbour market mill bridge library orchard station chapel square stable bakery garden quay inn
    """)
  /// 12 times that go with at, by, before, after and until.
  public static let times = list(
    "noon dusk dawn midnight sunrise sunset nightfall daybreak teatime supper breakfast lunch")

  static func list(_ text: String) -> [String] {
    text.split(whereSeparator: { $0 == " " || $0 == "\n" }).map(String.init)
  }
}
