import Probing
import Runtime
import Testing

@Suite struct SplitTests {
  @Test(arguments: 0..<10) func stratifiedAndComplete(seed: Int) throws {
    let labels = (0..<500).map { $0 % 10 < 3 }
    let split = try Split(labels: labels, groups: nil, seed: UInt64(seed))
    #expect((split.train + split.validation + split.test).sorted() == Array(0..<500))
    #expect(split.train.count == 300 && split.validation.count == 100 && split.test.count == 100)
    #expect(split.train.count { labels[$0] } == 90)
    #expect(split.validation.count { labels[$0] } == 30)
    #expect(try split == Split(labels: labels, groups: nil, seed: UInt64(seed)))
    #expect(try split != Split(labels: labels, groups: nil, seed: UInt64(seed + 1)))
  }

  @Test(arguments: 0..<10) func groupsStayTogether(seed: Int) throws {
    var random = CounterRandom(seed: UInt64(seed), stream: "groups")
    let groups = (0..<600).map { _ in random.below(60) }
    let labels = groups.map { $0 % 3 == 0 || random.uniform() < 0.1 }
    let split = try Split(labels: labels, groups: groups, seed: UInt64(seed))
    var part: [Int: SplitPart] = [:]
    for name in SplitPart.allCases {
      for item in split[name] {
        #expect(part[groups[item]] == nil || part[groups[item]] == name)
        part[groups[item]] = name
      }
    }
    let share = Double(split.train.count { labels[$0] }) / Double(labels.count { $0 })
    #expect(abs(Double(split.train.count) / 600 - 0.6) < 0.06 && abs(share - 0.6) < 0.08)
  }

  private func text(_ index: Int, _ label: Int, _ split: SplitPart?, _ words: String? = nil) -> LabelledText {
    LabelledText(id: "\(index)", text: words ?? "text \(index)", label: label, split: split)
  }

  @Test func givenSplitsAreKept() throws {
    let parts: [SplitPart] = [.train, .train, .test, .test, .validation, .validation]
    let texts = try LabelledTexts(parts.enumerated().map { text($0.offset, $0.offset % 2, $0.element) })
    let split = try Split(texts)
    #expect(split.train == [0, 1] && split.test == [2, 3] && split.validation == [4, 5])
    #expect(split.method == "as the data says")
  }

  @Test func aMissingValidationPartComesOutOfTrain() throws {
    let texts = try LabelledTexts((0..<100).map { text($0, $0 % 2, $0 < 80 ? .train : .test) })
    let split = try Split(texts)
    #expect(split.test == Array(80..<100) && split.validation.count == 20 && split.train.count == 60)
  }

  @Test func leakageIsRefused() throws {
    let texts = try LabelledTexts([
      text(0, 0, .train), text(1, 1, .train, "same"), text(2, 1, .test, "same"), text(3, 0, .test),
      text(4, 0, .validation), text(5, 1, .validation),
    ])
    #expect(throws: ProbingError.leakage(first: "1", second: "2", count: 1)) { try Split(texts) }
  }

  @Test func halfGivenOrOneSidedIsRefused() throws {
    #expect(throws: ProbingError.self) {
      try Split(LabelledTexts([self.text(0, 0, .train), self.text(1, 1, nil)]))
    }
    let labels = [true, true, false, false, true, false, true]
    #expect(throws: ProbingError.self) { try Split(labels: labels, groups: [0, 0, 0, 0, 1, 1, 1]) }
    #expect(throws: ProbingError.self) { try Split.Fractions(train: 0.9, validation: 0.2, test: -0.1) }
  }
}
