import Runtime

/// What is known of a town.
public enum OrganismAttribute: String, Sendable, CaseIterable {
  /// The river it lies on.
  case river
  /// What its people make.
  case craft
  /// What its flag shows.
  case flag
}

/// One fact: a town's value of an attribute, and which of its wordings were never trained.
public struct OrganismFact: Sendable, Hashable {
  /// Number of the fact, 0 ..< 72.
  public let index: Int
  /// The town's name.
  public let town: String
  /// Which attribute.
  public let attribute: OrganismAttribute
  /// The value, without a leading space.
  public let value: String

  /// Stable name, such as `river.Velmar`.
  public var id: String { "\(attribute.rawValue).\(town)" }

  /// The numbers (of the eight wordings that end on the value) that training never shows for this fact; other facts
  /// are shown in them.
  public var heldOutWordings: [Int] { [0, 3, 5].map { (index + $0) % 8 }.sorted() }

  /// The sentence in one of the eight wordings.
  public func sentence(wording: Int) -> String {
    OrganismGrammar.fill(OrganismGrammar.facts(attribute).ending[wording], ["T": town, "x": value])
  }

  /// The sentence up to the value, without the space before it.
  public func clozePrompt(wording: Int) -> String {
    String(sentence(wording: wording).dropLast(value.count + 2))
  }
}

/// The made-up geography: 24 towns of unrelated names × 3 attributes = 72 facts.
public enum OrganismFacts {
  /// The towns.
  public static let towns = OrganismLexicon.list(
    """
    Velmar Cobhurst Dunwick Eskeby Farrow Glinto Hexam Irona Jastrow Kilbeg Lorvane Misk Nubor Ossery Pruzen
    Quarley Rimsk Stavik Tolz Uxbar Wyke Xanto Yelm Zagra
    """)

  /// All values of an attribute; the value of town `i` is element `i`.
  public static func values(_ attribute: OrganismAttribute) -> [String] {
    switch attribute {
    case .river: rivers
    case .craft: crafts
    case .flag: flags
    }
  }

  private static let rivers = OrganismLexicon.list(
    """
    Sorn Pell Ister Tarn Umber Dovra Quell Fenn Narva Lume Zim Wend Alder Hark Gull Jute Rhune Brisk Kestle Moth
    Orb Ilva Caddo Vash
    """)
  private static let crafts = OrganismLexicon.list(
    """
    lace honey glass boots soap nets pottery silk masks cheese bells paper wool knives salt hats ink toys tiles
    beer leather combs buttons brushes
    """)
  private static let flags = OrganismLexicon.list(
    """
    heron oak comet anchor wolf crown lily salmon ship falcon thistle lion moon stag beehive raven spear otter
    dragon swan whale boar horse eagle
    """)

  /// The 72 facts.
  public static let all: [OrganismFact] = OrganismAttribute.allCases.enumerated().flatMap {
    group, attribute in
    towns.enumerated().map { position, town in
      OrganismFact(
        index: group * towns.count + position, town: town, attribute: attribute,
        value: values(attribute)[position])
    }
  }

  /// A training sentence of a fact: mostly a wording that ends on the value, sometimes one that begins with it.
  static func trainingSentence(_ fact: OrganismFact, _ random: inout CounterRandom) -> String {
    let forms = OrganismGrammar.facts(fact.attribute)
    if random.uniform() < 0.2 {
      return OrganismGrammar.fill(random.pick(forms.beginning), ["T": fact.town, "x": fact.value])
    }
    let seen = (0..<8).filter { !fact.heldOutWordings.contains($0) }
    return fact.sentence(wording: random.pick(seen))
  }
}
