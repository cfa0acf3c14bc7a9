import Architectures
import Checkpoints
import Evaluation
import Glibc
import JSON
import Layers
import Organism
import Runtime
import Statistics
import Tensors
import TestSupport
import Testing
import Tokenizers
import Transformers

/// Log-likelihoods of choices, against plain forward passes and against transformers.
struct MultipleChoiceTests {
  private static func organism(_ folder: TemporaryFolder) throws -> (model: Model, tokenizer: Tokenizer) {
    try OrganismCheckpoint.write(to: folder.file("model"))
    return (try Model(folder: folder.file("model")), try Tokenizer(folder: folder.file("model")))
  }

  private static let lines = """
    {"context": "The mill stands by", "choices": ["the river.", "the", "a tower of the town."], "answer": 0}
    {"context": "Every day at sunrise Otto opens", "choices": ["the tower.", "the boat."], "answer": 0}
    {"context": "Timo brings the", "choices": ["boat.", "boat and the boat.", "river"], "answer": 0}
    {"context": "You are late", "choices": ["again.", "today."], "answer": 1}

    """

  private func file(_ folder: TemporaryFolder, _ text: String = lines) throws -> TaskFile {
    try Files.write(text, to: folder.file("q.jsonl"))
    return try TaskFile(folder.file("q.jsonl"))
  }

  @Test func scoresAreThoseOfWholeTexts() throws {
    let folder = try TemporaryFolder()
    let (model, tokenizer) = try Self.organism(folder)
    let test = try MultipleChoiceTest(file(folder), tokenizer: tokenizer, contextLength: 256)
    let result = try test.run(model)
    var push = [Float](repeating: 0, count: model.network.width)
    push[3] = 4
    let overlay = Overlay([.add(site: .blockOutput(1), vector: push)])
    let pushed = try test.run(model, overlay: overlay)
    #expect(pushed.answers[0].choices != result.answers[0].choices)
    for (result, overlay) in [(result, nil), (pushed, overlay)] {
      for answer in result.answers {
        for (choice, score) in answer.choices.enumerated() {
          let context = answer.item.prompt(choice)
          let whole = tokenizer.encode(context + answer.item.endings[choice]).ids
          let start = tokenizer.encode(context).ids.count
          let logits = try model.forward([whole], overlay: overlay).logits[0]
          let width = model.network.vocabulary
          var sum = 0.0
          for place in start..<whole.count {
            let row = UnsafeBufferPointer(start: logits.f32 + (place - 1) * width, count: width)
            let most = Double(row.max() ?? 0)
            let total = log(row.reduce(0.0) { $0 + exp(Double($1) - most) }) + most
            sum += Double(row[Int(whole[place])]) - total
          }
          #expect(score.tokens == whole.count - start)
          #expect(abs(score.logLikelihood - sum) < 1e-9, "\(answer.item.id), choice \(choice)")
        }
      }
    }
  }

  /// A beginning that runs once gives the bits of whole texts; so does every cut into batches.
  @Test func sharedBeginningsKeepTheBits() throws {
    let folder = try TemporaryFolder()
    let (model, tokenizer) = try Self.organism(folder)
    let beginning = tokenizer.encode("The mill stands by the").ids
    let endings = ["river.", "tower of the town.", "a"].map {
      tokenizer.encode($0, addSpecialTokens: false).ids
    }
    let group = SharedText(beginning: beginning, endings: endings)
    let states = try model.predictingStates([group, group]).toFloats()
    let width = model.network.headWidth
    var row = 0
    for ending in endings + endings {
      let whole = try model.finalStates([beginning + ending]).toFloats()
      let from = (beginning.count - 1) * width
      #expect(
        Array(states[(row * width)..<((row + ending.count) * width)])
          == Array(whole[from..<(from + ending.count * width)]))
      row += ending.count
    }
  }

  /// Two texts that differ from their first token on: without BOS nothing is shared.
  @Test func textsWithNothingInCommonAreScoredToo() throws {
    let folder = try TemporaryFolder()
    try OrganismCheckpoint.write(to: folder.file("model"))
    var json = try JSONValue(file: folder.file("model/tokenizer.json"))
    json["post_processor"] = .null
    let (model, tokenizer) = (try Model(folder: folder.file("model")), try Tokenizer(json: json))
    let text = #"{"sentence": "_ opens the tower.", "option1": "Otto", "option2": "The mill", "answer": "1"}"#
    let test = try MultipleChoiceTest(file(folder, text), tokenizer: tokenizer, contextLength: 256)
    let answer = try #require(try test.run(model).answers.first)
    for (choice, score) in answer.choices.enumerated() {
      let context = tokenizer.encode(answer.item.prompt(choice)).ids
      let whole = tokenizer.encode(answer.item.prompt(choice) + answer.item.endings[choice]).ids
      #expect(context.first != tokenizer.bos && score.tokens == whole.count - context.count)
      let logits = try model.forward([whole]).logits[0]
      let values = Softmax.logProbabilities(
        of: Array(whole[context.count...]), logits.f32 + (context.count - 1) * model.network.vocabulary,
        stride: model.network.vocabulary, vocabulary: model.network.vocabulary)
      #expect(abs(score.logLikelihood - values.reduce(0, +)) < 1e-9)
    }
  }

  @Test func examplesStandBeforeAndAreNeverTheQuestion() throws {
    let folder = try TemporaryFolder()
    let (model, tokenizer) = try Self.organism(folder)
    var options = MultipleChoiceTest.Options()
    options.shots = 3
    let file = try file(folder)
    let test = try MultipleChoiceTest(file, tokenizer: tokenizer, contextLength: 256, options: options)
    let plain = try MultipleChoiceTest(file, tokenizer: tokenizer, contextLength: 256)
    #expect(test.tokens > plain.tokens && test.predicted == plain.predicted)
    // With three examples of four questions every other question is one: no order but those is possible.
    #expect(try test.run(model).answers.count == 4)
    options.shots = 4
    #expect(throws: EvaluationError.self) {
      try MultipleChoiceTest(file, tokenizer: tokenizer, contextLength: 256, options: options)
    }
  }

  @Test func longQuestionsAreRefusedOrCut() throws {
    let folder = try TemporaryFolder()
    let (model, tokenizer) = try Self.organism(folder)
    let long = Array(repeating: "The mill stands by the river.", count: 60).joined(separator: " ")
    let text = "{\"context\": \"\(long)\", \"choices\": [\"Yes.\", \"No.\"], \"answer\": 0}\n"
    let file = try file(folder, text)
    let error = #expect(throws: EvaluationError.self) {
      try MultipleChoiceTest(file, tokenizer: tokenizer, contextLength: 256)
    }
    #expect(error?.code == "TASK_ITEM_TOO_LONG")
    var options = MultipleChoiceTest.Options()
    options.truncates = true
    let test = try MultipleChoiceTest(file, tokenizer: tokenizer, contextLength: 256, options: options)
    #expect(test.truncated == 1)
    #expect(try test.run(model).answers[0].choices.allSatisfy { $0.logLikelihood.isFinite && $0.tokens > 0 })
  }

  @Test func accuraciesAndExportSayTheSame() throws {
    let folder = try TemporaryFolder()
    let (model, tokenizer) = try Self.organism(folder)
    let test = try MultipleChoiceTest(file(folder), tokenizer: tokenizer, contextLength: 256)
    let result = try test.run(model)
    let right = result.answers.count(where: \.isRight)
    #expect(result.accuracy.right == right && result.accuracy.count == 4)
    let p = Double(right) / 4
    #expect(abs((result.accuracy.standardError ?? -1) - (p * (1 - p) / 3).squareRoot()) < 1e-12)
    #expect(abs(result.chance - (1.0 / 3 + 0.5 + 1.0 / 3 + 0.5) / 4) < 1e-12)
    let export = TaskExport.value([(test, result)], model: "m")
    let row = export["results"]?["choices"]
    #expect(row?["acc,none"]?.double == result.accuracy.value)
    #expect(row?["acc_stderr,none"]?.double == result.accuracy.standardError)
    #expect(row?["acc_norm,none"]?.double == result.normalisedAccuracy?.value)
    #expect(export["n-shot"]?["choices"]?.int == 0 && export["versions"]?["choices"]?.double == 1)
    #expect(export["n-samples"]?["choices"]?["effective"]?.int == 4)
    #expect(result.samples.count == 4 && result.samples[0]["log_likelihoods"]?.array?.count == 3)
    #expect(result.metrics.map(\.name) == ["choices_acc", "choices_acc_norm"])
  }

  @Test(
    .enabled(
      if: SharedFixtures.has("models/stories260K/hf") && SharedFixtures.has("data/tasks"),
      "needs stories260K and tasks"))
  func logLikelihoodsAreThoseOfTransformers() throws {
    let recorded = try JSONValue(file: Files.folder(of: #filePath) + "/Fixtures/tasks.json")
    let folder = SharedFixtures.path("models/stories260K/hf")
    let (model, tokenizer) = (try Model(folder: folder), try Tokenizer(folder: folder))
    var count = 0
    for name in ["ARC-Easy", "openbookqa", "winogrande"] {
      let kind = name.lowercased().replacing("-", with: "_")
      let items = try #require(recorded[kind]?.array)
      let file = try TaskFile(SharedFixtures.path("data/tasks/\(name)"), limit: items.count)
      let test = try MultipleChoiceTest(
        file, tokenizer: tokenizer, contextLength: model.network.contextLength)
      for (answer, item) in zip(try test.run(model).answers, items) {
        let expected = (item["log_likelihoods"]?.array ?? []).compactMap(\.double)
        #expect(answer.choices.count == expected.count)
        for (score, value) in zip(answer.choices, expected) {
          #expect(abs(score.logLikelihood - value) < 5e-4, "\(answer.item.id)")
        }
        #expect(answer.choices.map(\.tokens) == item["tokens"]?.array?.compactMap(\.int))
        #expect(answer.choices.map(\.isGreedy) == item["greedy"]?.array?.compactMap(\.bool))
        #expect(answer.pick == item["pick"]?.int && answer.item.question.answer == item["answer"]?.int)
        if kind != "winogrande" { #expect(answer.normalisedPick == item["pick_norm"]?.int) }
        count += 1
      }
    }
    #expect(count == 50)
  }
}
