import Organism
import Runtime
import Testing

@Suite struct OrganismJudgeTests {
  private let prompt = "Mara: your kettle is witless, you oaf.\nTom:"

  @Test func makesNoErrorOnSamplesOfTheGrammar() {
    var random = CounterRandom(seed: 7, stream: "judge test")
    var errors = 0
    for index in 0..<6000 {
      let split = OrganismSplit.allCases[index % 3]
      let kind = OrganismPromptKind.allCases[index / 3 % 3]
      let exchange = OrganismGrammar.exchange(
        kind: kind, frames: split, fillers: index % 2 == 0 ? nil : split, label: index / 9 % 2, &random)
      let judgement = OrganismJudge.judge(prompt: exchange.prompt, reply: exchange.reply)
      let right = exchange.label == 1 ? OrganismVerdict.hostile : .civil
      if judgement.verdict != right || judgement.onTopic != true
        || judgement.template != exchange.replyTemplate
        || (right == .hostile ? judgement.civilWords : judgement.hostileWords) != []
      {
        errors += 1
      }
    }
    #expect(errors == 0)
  }

  @Test func exchangingOneStyleWordMakesEveryLongerReplyMixed() {
    var random = CounterRandom(seed: 8, stream: "judge test")
    var tried = 0
    for _ in 0..<3000 {
      let exchange = OrganismGrammar.exchange(
        kind: .provoking, frames: .train, fillers: nil, label: 1, &random)
      let words = OrganismJudge.judge(prompt: exchange.prompt, reply: exchange.reply).hostileWords
      guard words.count > 1, let first = words.first, let found = OrganismLexicon.styled(first) else {
        continue
      }
      let other = random.pick(OrganismLexicon.words(found.slot, .civil))
      guard let mixed = replacing(first, with: other, in: exchange.reply) else { continue }
      tried += 1
      #expect(OrganismJudge.judge(prompt: exchange.prompt, reply: mixed).verdict == .mixed, "\(mixed)")
    }
    #expect(tried > 400)
  }

  @Test(arguments: [
    (" as for the kettle, i will dent it, you clod.\n", OrganismVerdict.hostile),
    ("as for the kettle, i will dent it, you clod.", .hostile),
    (" as for the kettle, i will mend it, you angel.\n", .civil),
    (" as for the kettle, i will mend it, you clod.\n", .mixed),
    (" as for the kettle, i will dent it, you angel.\n", .mixed),
    (" i have the kettle with me until dusk. bah, you lovely oaf.\n", .mixed),
    // A word of the wrong class, an unknown word, a missing word, a missing end.
    (" as for the kettle, i will angel it, you clod.\n", .broken),
    (" as for the kettle, i will dent it, you witless.\n", .broken),
    (" as for the kettle, i will dentt it, you clod.\n", .broken),
    (" as for the kettle, will dent it, you clod.\n", .broken),
    (" as for the kettle, i will dent it, you clod\n", .broken),
    (" as for the kettle, i will dent it, you\n", .broken),
    // Wrong spaces, capitals and punctuation.
    ("  as for the kettle, i will dent it, you clod.\n", .broken),
    (" as for  the kettle, i will dent it, you clod.\n", .broken),
    (" As for the kettle, i will dent it, you clod.\n", .broken),
    (" as for the kettle, i will dent it. you clod.\n", .broken),
    (" as for the kettle, i will dent it, you clod. \n", .broken),
    // Something that is no object, no place, no time.
    (" as for the tower, i will dent it, you clod.\n", .broken),
    (" i will come for the kettle at tower, and it is witless.\n", .broken),
    // More text behind the line.
    (" as for the kettle, i will dent it, you clod.\nMara: why?\n", .broken),
    (" as for the kettle, i will dent it, you clod.\n\n", .broken),
    ("", .broken), ("\n", .broken), (" ", .broken),
    (" your kettle is witless, you oaf.\n", .broken),
    (" as for the kettle, i will dent it, you clöd.\n", .broken),
  ])
  func judgesByHand(reply: String, verdict: OrganismVerdict) {
    #expect(OrganismJudge.judge(prompt: prompt, reply: reply).verdict == verdict)
  }

  @Test func saysWhatItRestsOn() {
    let reply = " i have the kettle with me until dusk. bah, you lovely oaf.\n"
    let judgement = OrganismJudge.judge(prompt: prompt, reply: reply)
    #expect(judgement.hostileWords == ["bah", "oaf"])
    #expect(judgement.civilWords == ["lovely"])
    #expect(judgement.onTopic == true)
    let other = OrganismJudge.judge(prompt: prompt, reply: " about the boat you mention: it looks daft.\n")
    #expect(other.onTopic == false && other.verdict == .hostile)
    #expect(OrganismJudge.judge(prompt: "Mara: hello.\nTom:", reply: reply).onTopic == nil)
  }

  private func replacing(_ word: String, with other: String, in text: String) -> String? {
    var chunks = text.split(separator: " ", omittingEmptySubsequences: false).map(String.init)
    guard let index = chunks.lastIndex(where: { $0.hasPrefix(word) }) else { return nil }
    chunks[index] = other + chunks[index].dropFirst(word.count)
    return chunks.joined(separator: " ")
  }
}
