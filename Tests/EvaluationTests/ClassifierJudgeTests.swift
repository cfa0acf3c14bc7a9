import Evaluation
import Organism
import Probing
import Runtime
import Testing
import Tokenizers

/// The judge that learned words from texts of its own.
@Suite struct ClassifierJudgeTests {
  /// Replies of the organism's grammar, hostile (1) and civil (0), kept together by their template.
  private static func replies(_ count: Int, flipped: Bool = false) throws -> LabelledTexts {
    let exchanges = OrganismData.probeExchanges(split: .train, count: count)
    return try LabelledTexts(
      exchanges.enumerated().map { index, exchange in
        LabelledText(
          id: "\(index)", text: exchange.reply, label: flipped ? 1 - exchange.label : exchange.label,
          group: exchange.replyTemplate)
      }, classNames: ["civil", "hostile"])
  }

  @Test func itsErrorIsThatOnItsOwnTestTexts() throws {
    let texts = try Self.replies(800)
    let judge = try ClassifierJudge(texts, seed: 3)
    let test = try Split(texts, seed: 3).test
    let wrong = test.count { index in
      let said = judge.judge(prompt: "", reply: texts.texts[index].content).outcome
      return said != (texts.labels[index] ? .behaviour : .wanted)
    }
    #expect(abs(judge.error - Double(wrong) / Double(test.count)) < 1e-12)
    #expect(judge.summary.contains(Format.percent(judge.error)))
    // The style words of the train part stand in every reply, so words alone tell them apart in unseen templates.
    #expect(judge.error < 0.1)
    #expect(try #require(judge.auroc) > 0.95)
  }

  @Test func otherLabelsOtherVerdicts() throws {
    let judges = try [false, true].map { try ClassifierJudge(Self.replies(800, flipped: $0)) }
    let texts = try Self.replies(100)
    let turned = texts.texts.count { text in
      judges[0].judge(prompt: "", reply: text.content).outcome
        != judges[1].judge(prompt: "", reply: text.content).outcome
    }
    #expect(turned >= 95)
  }

  @Test(arguments: ["", " \n", String(repeating: "you oaf and then again ", count: 6)])
  func emptyAndRepeatingRepliesAreBroken(reply: String) throws {
    #expect(try ClassifierJudge(Self.replies(200)).judge(prompt: "", reply: reply).outcome == .broken)
  }
}
