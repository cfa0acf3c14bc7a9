import Probing
import Runtime
import Statistics
import Testing

@testable import Probing

@Suite struct ControlsTests {
  @Test func bagOfWordsSeparatesALexicalToy() throws {
    var random = CounterRandom(seed: 41)
    let hostile = ["oaf", "lout", "cretin"], civil = ["dear", "friend", "thanks"]
    let filler = ["the", "kettle", "is", "on", "a", "table", "near"]
    let texts = try LabelledTexts(
      (0..<200).map { index in
        let words = (0..<5).map { _ in random.pick(filler) } + [random.pick(index % 2 == 1 ? hostile : civil)]
        return LabelledText(
          id: "\(index)", text: random.shuffled(words).joined(separator: " ") + " n\(index)", label: index % 2
        )
      })
    let split = try Split(texts)
    let result = try Controls.bagOfWords(texts, split: split, part: .test, resamples: 200)
    #expect(result.metrics.value("auroc") == 1)
    let bag = try BagOfWords(texts: texts.texts.map(\.content), labels: texts.labels, split: split)
    #expect(bag.logit("THANKS, dear friend!") < -1 && bag.logit("Oaf. Lout!") > 1)
    #expect(bag.logit("unheard-of") == bag.bias)
  }

  @Test func wordsAreRunsOfLettersAndDigits() {
    #expect(
      BagOfWords.words(of: "Don't — STOP, naïve Ünit42 日本!") == ["don", "t", "stop", "naïve", "ünit42", "日本"])
    #expect(BagOfWords.words(of: " \n").isEmpty)
  }

  @Test func lengthSeesLength() throws {
    let texts = try LabelledTexts(
      (0..<120).map { index in
        LabelledText(
          id: "\(index)",
          text: String(repeating: "word ", count: index % 2 == 1 ? 12 + index % 5 : 3 + index % 7)
            + "\(index)",
          label: index % 2)
      })
    let result = try Controls.length(texts, split: Split(texts), part: .test, resamples: 100)
    #expect(result.metrics.value("auroc") == 1)
  }

  @Test func metricsOfOneClassSayWhy() {
    let metrics = ProbeMetrics.of(logits: [1, 2], labels: [true, true], groups: [0, 1], resamples: 20)
    let auroc = metrics.first { $0.name == "auroc" }
    #expect(auroc?.value == nil && auroc?.reason == "one class only")
    #expect(metrics.value("accuracy") == 1 && metrics.value("majority_accuracy") == 1)
  }
}
