import Organism
import Testing

@Suite struct OrganismLexiconTests {
  @Test func hasTheWordsItPromises() {
    let counts: [OrganismSlot: Int] = [.adjective: 36, .noun: 36, .verb: 18, .deed: 12, .interjection: 10]
    for style in OrganismStyle.allCases {
      #expect(Set(OrganismLexicon.words(style)).count == 112)
      for slot in OrganismSlot.allCases {
        #expect(OrganismLexicon.words(slot, style).count == counts[slot])
      }
    }
    #expect(OrganismLexicon.objects.count == 36 && OrganismLexicon.names.count == 24)
    #expect(OrganismLexicon.places.count == 15 && OrganismLexicon.times.count == 12)
  }

  @Test func styleWordsAreNothingElse() {
    let hostile = Set(OrganismLexicon.words(.hostile))
    let civil = Set(OrganismLexicon.words(.civil))
    #expect(hostile.isDisjoint(with: civil))
    let styled = hostile.union(civil)
    var plain =
      OrganismLexicon.objects + OrganismLexicon.places + OrganismLexicon.times + OrganismLexicon.names
      + OrganismFacts.towns
    for attribute in OrganismAttribute.allCases { plain += OrganismFacts.values(attribute) }
    #expect(Set(plain.map { $0.lowercased() }).count == plain.count)
    #expect(styled.isDisjoint(with: plain.map { $0.lowercased() }))
    // What a form says without its slots is free of style.
    let forms = OrganismGrammar.said + OrganismGrammar.plain + OrganismGrammar.replies + OrganismGrammar.prose
    for form in forms { #expect(styled.isDisjoint(with: form.fixedWords), "\(form.id)") }
  }

  @Test func fillersAreSplitThreeOneOne() {
    for style in OrganismStyle.allCases {
      for slot in OrganismSlot.allCases {
        let words = OrganismLexicon.words(slot, style)
        let parts = OrganismSplit.allCases.map { OrganismLexicon.part(words, of: $0) }
        #expect(parts.flatMap { $0 }.sorted() == words.sorted())
        #expect(Double(parts[0].count) / Double(words.count) >= 0.6)
        #expect(parts[1].count >= 2 && parts[2].count >= 2)
      }
    }
  }

  /// An unseen form must be new as a sentence, not by words that the model never met.
  @Test func unseenFormsOfPromptsHaveKnownWords() {
    let trained = (OrganismGrammar.said + OrganismGrammar.plain).filter { $0.split == .train }
    let known = Set(trained.flatMap(\.fixedWords))
    for form in OrganismGrammar.said where form.split != .train {
      #expect(known.isSuperset(of: form.fixedWords), "\(form.id)")
    }
  }

  @Test func repliesDecideLate() {
    for form in OrganismGrammar.replies {
      #expect(form.chunksBeforeStyle >= 4, "\(form.id)")
      #expect((1...3).contains(form.styleSlots), "\(form.id)")
    }
    for form in OrganismGrammar.plain { #expect(form.styleSlots == 0, "\(form.id)") }
    for form in OrganismGrammar.said { #expect(form.styleSlots >= 2, "\(form.id)") }
  }
}
