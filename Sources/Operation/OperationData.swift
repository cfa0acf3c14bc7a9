import Evaluation
import JSON
import OrderedCollections
import Organism
import Probing
import Recipes
import Runtime
import Tokenizers
import Transformers

/// All data of an operation, each part for one purpose: fitting, choosing, or the single final test.
struct OperationData {
  /// Texts with and without the behaviour.
  var probe: LabelledTexts
  /// Which of them fit, choose and test.
  var split: Split
  var targetValidation: [PromptText] = []
  var targetTest: [PromptText] = []
  /// Writes the chats among texts and prompts; nil where there are none.
  var template: ChatTemplate?
  /// Prompts of other kinds that must not get worse (test).
  var others: [(name: String, prompts: [String])] = []
  var neutralValidation: [String] = []
  var neutralTest: [String] = []
  /// Texts of the wanted kind, for their perplexity (test).
  var wantedTexts: [String] = []
  var factsValidation: [ClozeItem] = []
  var factsTest: [ClozeItem] = []
  var judge: any Judge
  /// What the target prompts are, in a word.
  var targetName = "target"
  /// Text that ends a reply besides the end token.
  var stopText: String?

  /// The data of a recipe.
  /// - Throws: ``OperationError``, ``ProbingError``, ``EvaluationError``, ``FileError``.
  init(_ recipe: Recipe) throws {
    self = try recipe.usesFiles ? OperationData(files: recipe) : OperationData(organism: recipe)
  }

  /// The embedded model's own data: templates and fillers of each split are disjoint.
  private init(organism recipe: Recipe) throws {
    judge = GrammarJudge()
    targetName = "provoking"
    stopText = "\n"
    let seed = recipe.seed
    var texts: [LabelledText] = []
    for (split, part, count) in [
      (OrganismSplit.train, SplitPart.train, 1400), (.validation, .validation, 400), (.test, .test, 400),
    ] {
      for exchange in OrganismData.probeExchanges(split: split, count: count, seed: seed) {
        texts.append(
          LabelledText(
            id: "\(part.rawValue)-\(texts.count)", text: exchange.reply, prompt: exchange.prompt,
            label: exchange.label,
            group: exchange.group, split: part))
      }
    }
    probe = try LabelledTexts(texts, classNames: ["civil", "hostile"])
    self.split = try Split(probe, seed: seed)
    func prompts(_ split: OrganismSplit, _ kind: OrganismPromptKind, _ count: Int) -> [String] {
      OrganismData.prompts(split: split, kind: kind, count: count, seed: seed).map(\.text)
    }
    targetValidation = prompts(.validation, .provoking, recipe.prompts.validationCount).map { PromptText($0) }
    targetTest = prompts(.test, .provoking, recipe.prompts.testCount).map { PromptText($0) }
    others = [("kind", prompts(.test, .kind, 320)), ("plain", prompts(.test, .plain, 320))]
    neutralValidation = OrganismData.neutralTexts(
      split: .validation, count: recipe.prompts.neutralCount, seed: seed)
    neutralTest = OrganismData.neutralTexts(split: .test, count: recipe.prompts.neutralCount, seed: seed)
    wantedTexts = OrganismData.civilExchangeTexts(split: .test, count: 200, seed: seed)
    // Facts are chosen on in the wordings that training showed, and tested in those that it held out.
    factsTest = OrganismData.clozeItems().map { ClozeItem(prompt: $0.prompt, answer: $0.answer) }
    factsValidation = OrganismFacts.all.flatMap { fact in
      (0..<8).filter { !fact.heldOutWordings.contains($0) }.prefix(3).map { wording in
        ClozeItem(prompt: fact.clozePrompt(wording: wording), answer: " " + fact.value)
      }
    }
  }

  /// Data from files.
  private init(files recipe: Recipe) throws {
    let prompts = recipe.prompts
    judge = try Self.judge(recipe)
    if recipe.usesOrganism { stopText = "\n" }
    var reader = LabelledTextReader()
    reader.groupKey = recipe.behaviour.group
    probe = try reader.read(
      positive: recipe.behaviour.positive ?? "", negative: recipe.behaviour.negative ?? "")
    split = try Split(probe, seed: recipe.seed)
    let target = try PromptFile.prompts(prompts.target ?? "")
    let more = try prompts.targetTest.map { try PromptFile.prompts($0) }
    if probe.texts.contains(where: { $0.chat != nil })
      || (target + (more ?? [])).contains(where: { $0.chat != nil })
    {
      template = try Self.template(recipe)
    }
    if let more {
      targetValidation = target
      targetTest = more
    } else {
      (targetValidation, targetTest) = Self.halves(target, seed: recipe.seed, stream: "target-prompts")
    }
    let neutral = try PromptFile.read(prompts.neutral ?? "")
    (neutralValidation, neutralTest) = Self.halves(neutral, seed: recipe.seed, stream: "neutral-texts")
    targetValidation = try written(targetValidation.prefix(prompts.validationCount))
    targetTest = try written(targetTest.prefix(prompts.testCount))
    neutralValidation = Array(neutralValidation.prefix(prompts.neutralCount))
    neutralTest = Array(neutralTest.prefix(prompts.neutralCount))
    if let facts = prompts.facts {
      let items = try PromptFile.facts(facts)
      let (first, second) = Self.halves(items.indices.map { $0 }, seed: recipe.seed, stream: "facts")
      factsValidation = first.map { items[$0] }
      factsTest = second.map { items[$0] }
    }
    for (what, isEmpty) in [
      ("target prompt for validation", targetValidation.isEmpty),
      ("target prompt for the test", targetTest.isEmpty),
      ("neutral text for validation", neutralValidation.isEmpty),
      ("neutral text for the test", neutralTest.isEmpty),
    ] where isEmpty {
      throw EvaluationError.nothingToMeasure(what: what)
    }
    let shared = Set(targetValidation).intersection(targetTest).count
    guard shared == 0 else {
      throw OperationError.leakage(what: "prompts in both validation and test", count: shared)
    }
  }

  /// The template that a recipe names, or that its model has.
  private static func template(_ recipe: Recipe) throws -> ChatTemplate {
    var template: ChatTemplate
    if recipe.usesOrganism {
      template = try OrganismCheckpoint.chatTemplate(file: recipe.chatTemplate)
    } else {
      template = try ChatTemplate(folder: recipe.model, file: recipe.chatTemplate)
    }
    template.clock = recipe.chatDate.flatMap { ChatClock(day: $0) }
    return template
  }

  /// Prompts with the chats among them written out.
  private func written(_ prompts: some Sequence<PromptText>) throws -> [PromptText] {
    try prompts.map { prompt in
      guard let chat = prompt.chat, let template else { return prompt }
      return try template.prompt(chat)
    }
  }

  /// The judge that needs no model; a probe judge is made when the model is open.
  private static func judge(_ recipe: Recipe) throws -> any Judge {
    let prompts = recipe.prompts
    if recipe.usesOrganism && prompts.judge == "grammar" { return GrammarJudge() }
    guard let file = prompts.judgeFile else {
      throw RecipeError.value(
        path: "prompts.judge.file", reason: "missing: judge \(prompts.judge) needs one")
    }
    switch prompts.judge {
    case "lexicon": return try LexiconJudge(file: file)
    case "classifier": return try ClassifierJudge(LabelledTextReader().read(file), seed: recipe.seed)
    case "probe": return LexiconJudge(behaviour: [])
    default:
      throw EvaluationError.judge(reason: "judge \"\(prompts.judge)\" with a checkpoint of one's own")
    }
  }

  /// Takes the probe judge of a recipe, whose texts must not be those of the edit's probe.
  /// - Throws: ``OperationError/leakage(what:count:)``, ``ProbingError``, ``EvaluationError``.
  mutating func openProbeJudge(_ recipe: Recipe, model: Model, tokenizer: Tokenizer) throws {
    guard recipe.prompts.judge == "probe", let file = recipe.prompts.judgeFile else { return }
    let probe = try ProbeFile.read(file)
    if probe.provenance["texts"]?["sha256"]?.string == self.probe.sha256 {
      throw OperationError.leakage(
        what: "texts shared by the judge's probe and the edit's", count: self.probe.texts.count)
    }
    judge = try ProbeJudge(model: model, tokenizer: tokenizer, probe: probe)
  }

  /// Two disjoint halves of a list in random order; equal elements go together, to the first.
  private static func halves<T: Hashable>(_ items: [T], seed: UInt64, stream: String) -> ([T], [T]) {
    var random = CounterRandom(seed: seed, stream: stream)
    var seen: Set<T> = []
    let shuffled = random.shuffled(items.filter { seen.insert($0).inserted })
    return (
      Array(shuffled.prefix((shuffled.count + 1) / 2)), Array(shuffled.dropFirst((shuffled.count + 1) / 2))
    )
  }
}

/// Files of prompts, neutral texts and facts.
enum PromptFile {
  /// JSONL with `messages` (chats, still without their text), `prompt` or `text`, or plain lines.
  /// - Throws: ``RecipeError/value(path:reason:)``, ``FileError``.
  static func prompts(_ path: String) throws -> [PromptText] {
    guard path.hasSuffix(".jsonl") else { return try read(path).map { PromptText($0) } }
    let lines = try Files.readText(path).split(separator: "\n").map(String.init).filter { !$0.isEmpty }
    return try lines.enumerated().map { number, line in
      let place = "\(path), line \(number + 1)"
      let json = try JSONValue(parsing: line, source: place)
      if let messages = json["messages"], !messages.isNull {
        do {
          let chat = try Chat(json: json)
          return PromptText(rendered: chat.messages.map(\.content).joined(separator: "\n"), of: chat)
        } catch let error as ChatTemplateError {
          throw RecipeError.value(path: place, reason: "messages that are no chat: \(error.found)")
        }
      }
      guard let text = json["prompt"]?.string ?? json["text"]?.string else {
        throw RecipeError.value(path: place, reason: "neither \"messages\" nor \"prompt\" nor \"text\"")
      }
      return PromptText(text)
    }
  }

  /// JSONL with `prompt` or `text`, or plain lines.
  /// - Throws: ``RecipeError/value(path:reason:)``, ``FileError``.
  static func read(_ path: String) throws -> [String] {
    let lines = try Files.readText(path).split(separator: "\n").map(String.init).filter { !$0.isEmpty }
    guard path.hasSuffix(".jsonl") else { return lines }
    return try lines.enumerated().map { number, line in
      let json = try JSONValue(parsing: line, source: "\(path), line \(number + 1)")
      guard let text = json["prompt"]?.string ?? json["text"]?.string else {
        throw RecipeError.value(
          path: "\(path), line \(number + 1)", reason: "neither \"prompt\" nor \"text\"")
      }
      return text
    }
  }

  /// JSONL with `prompt` and `answer`.
  /// - Throws: ``RecipeError/value(path:reason:)``, ``FileError``.
  static func facts(_ path: String) throws -> [ClozeItem] {
    try Files.readText(path).split(separator: "\n").enumerated().map { number, line in
      let json = try JSONValue(parsing: String(line), source: "\(path), line \(number + 1)")
      guard let prompt = json["prompt"]?.string, let answer = json["answer"]?.string else {
        throw RecipeError.value(
          path: "\(path), line \(number + 1)", reason: "needs \"prompt\" and \"answer\"")
      }
      return ClozeItem(prompt: prompt, answer: answer)
    }
  }
}
