import Architectures
import ArgumentParser
import Checkpoints
import Evaluation
import JSON
import Reports
import Runtime
import Statistics
import Surgery
import Tokenizers
import Transformers

/// `surgeon sweep MODEL --plan PLAN …`.
struct SweepCommand: ReportingCommand {
  static let configuration = CommandConfiguration(
    commandName: "sweep",
    abstract:
      "Strength × rows at run time: behaviour on prompts against damage on neutral text, beside controls.",
    discussion: """
      No weight is written. Every finished point is kept in DIR/sweep.jsonl: the same command resumes there. The chosen
      point is the smallest strength that keeps every gate; controls are measured at its damage. These prompts choose:
      test the edit on others.

      Example: surgeon sweep models/llama --plan calm.plan.safetensors --prompts p.jsonl --neutral n.txt \\
      --lexicon words.txt --strength 0.25,0.5,1 --rows 2%,5% --gate 'neutral_perplexity_rise<=5%' -o sweep
      """)
  static let kind = "sweep"

  @Argument(help: "Checkpoint folder.")
  var model: String

  @Option(help: "The plan that surgeon locate wrote.")
  var plan: String

  @Option(help: "Prompts that provoke the behaviour: .jsonl, .json or one a line.")
  var prompts: String

  @Option(help: "Texts that the edit should leave alone.")
  var neutral: String

  @Option(
    help: "Judge by words: a file with those of the behaviour, then [wanted] and those of the alternative.")
  var lexicon: String?

  @Flag(help: "Judge by the grammar of the embedded model.")
  var grammar = false

  @Option(
    help: "Strengths: fractions of the rows' median length, or of the direction that an ablation takes out.")
  var strength = "0.25,0.5,1"

  @Option(help: "Budgets, such as 2%,5%; default: the plan's.")
  var rows: String?

  @Option(help: "A limit such as 'neutral_perplexity_rise<=5%'; repeatable; surgeon ls gates.")
  var gate: [String] = []

  @Option(help: "A multiple-choice task as further damage: NAME=FILE, or a file or folder named after it.")
  var task: String?

  @Option(help: "Draws of each random control.")
  var controls = 8

  @Option(name: [.customShort("n"), .long], help: "New tokens of a reply at most.")
  var maxTokens = 32

  @Option(help: "Temperature of the replies; 0 is greedy.")
  var temperature = 0.0

  @Option(help: "A text whose token ends a reply, such as '\\n'; repeatable.")
  var stop: [String] = []

  @Option(name: [.customShort("L"), .long], help: "Prompts and neutral texts at most.")
  var limit: Int?

  @Option(name: .shortAndLong, help: "Folder of the sweep.")
  var output: String

  @Flag(help: "Say how many points would be measured and what that takes; do nothing.")
  var dryRun = false

  @OptionGroup var chats: ChatOptions

  @OptionGroup var common: CommonOptions

  var defaultReport: String? { dryRun ? nil : ReportWriter.path(inside: output) }

  func validate() throws {
    if (lexicon == nil) == !grammar { throw ValidationError("give one judge: --lexicon FILE or --grammar") }
  }

  func work(_ report: inout ReportEnvelope, _ session: Session) throws {
    let opened = try OpenedModel(model, into: &report, session)
    let tokenizer = try opened.tokenizer(into: &report)
    let file = try StoredPlan(file: plan)
    try report.read(file: plan, role: "plan")
    try file.check(fits: opened.model.binding, path: plan)
    let target = try TextDocuments(file: prompts, keys: ["prompt", "text"], chats: true, limit: limit)
    let texts = try TextDocuments(file: neutral, limit: limit)
    try report.read(file: prompts, role: "prompts")
    try report.read(file: neutral, role: "neutral")
    var options = PlanSweep.Options()
    options.strengths = try SweepLists.numbers(strength)
    options.budgets = try (rows ?? "").split(separator: ",").map { try RowBudget(parsing: String($0)) }
    options.gates = try SweepLists.gates(gate)
    options.controls = controls
    options.seed = common.seed
    let judge: any Judge = try lexicon.map { try LexiconJudge(file: $0) } ?? GrammarJudge()
    let test = try BehaviourTest(
      prompts: try target.prompts(try chats.template(model, into: &report)), tokenizer: tokenizer,
      judge: judge,
      options: GenerationOptions(
        maximumTokens: maxTokens, sampling: SamplingOptions(temperature: temperature), seed: common.seed,
        stops: try opened.stops(stop, tokenizer)))
    let neutralTokens = texts.texts.map { tokenizer.encode($0).ids }
    let questions = try taskMetric(opened, tokenizer, into: &report)
    let arms = try PlanSweep.arms(file, options: options)
    if dryRun {
      let points = 1 + arms.count * (options.strengths.count + 1) + (controls == 0 ? 0 : 2 * controls + 1)
      let tokens =
        test.tokens.reduce(0) { $0 + $1.count + 2 * maxTokens } + neutralTokens.reduce(0) { $0 + $1.count }
        + (questions?.metric.tokens ?? 0)
      let work = work(test, neutralTokens, questions?.metric, points: points, opened.model)
      let run = DryRun(
        work, passing: tokens, through: opened.model, writeBytes: points * 1024, output: output)
      report.results = ["base": ["n": 0, "behaviour_rate": nil], "points": [], "dry_run": run.json]
      return try session.show(
        report, heading: run.lines + ["\(points) points at most of \(Format.count(tokens)) tokens each"],
        tables: [])
    }
    try Files.makeFolder(output)
    let subject = SHA256.hex(
      [
        try opened.model.checkpoint.modelHash, try Files.sha256(plan), try Files.sha256(prompts),
        try Files.sha256(neutral), try lexicon.map { try Files.sha256($0) } ?? "grammar",
        try questions.map { try Files.sha256($0.path) } ?? "", "\(maxTokens)",
        "\(temperature)", "\(common.seed)", "\(limit ?? -1)", stop.joined(separator: "\u{0}"),
      ].joined(separator: "\n"))
    let log = try SweepLog(path: "\(output)/sweep.jsonl", of: subject)
    let panel = try PlanSweep.panel(
      opened.model, target: test, neutral: neutralTokens, task: questions?.metric, progress: session.progress)
    let outcome = try PlanSweep.run(
      opened.model, tokenizer: tokenizer, plan: file, panel: panel, options: options, log: log,
      progress: session.progress)
    report.results = outcome.json
    report.results["judge"] = ["kind": .string(judge.kind), "detail": .string(judge.summary)]
    report.add(outcome.metrics)
    try session.show(
      report,
      heading: ["judge: \(judge.kind), \(judge.summary)"]
        + (questions.map { ["task: \($0.metric.detail)"] } ?? []),
      tables: [outcome.table],
      closing: [outcome.closing] + outcome.next(model: model, plan: plan, budgets: options.budgets))
  }

  /// Every point continues all prompts, runs the base's replies through (KL), the neutral texts and the questions.
  private func work(
    _ test: BehaviourTest, _ neutral: [[Int32]], _ questions: EvaluationMetric?, points: Int, _ model: Model
  ) -> WorkEstimate {
    let prompts = test.tokens.count, tokens = test.tokens.reduce(0) { $0 + $1.count }
    var work = WorkEstimate()
    work.addGeneration(
      of: model.network, prompts: Double(prompts), length: Double(tokens) / Double(max(1, prompts)),
      new: Double(maxTokens), batch: Double(test.options.batchSize),
      weightBytes: model.checkpoint.weightBytes, times: Double(points))
    work.addPass(tokens + prompts * maxTokens, in: prompts, through: model, logits: true, times: points)
    work.addPass(
      neutral.reduce(0) { $0 + $1.count }, in: neutral.count, through: model, logits: true, times: points)
    if let questions {
      work.addPass(
        questions.tokens, in: max(1, questions.tokens / 64), through: model, logits: true, times: points)
    }
    return work
  }

  /// The questions of `--task`, and the file they are from.
  private func taskMetric(_ opened: OpenedModel, _ tokenizer: Tokenizer, into report: inout ReportEnvelope)
    throws -> (metric: EvaluationMetric, path: String)?
  {
    guard let task else { return nil }
    let file = try TaskFile(argument: task, limit: limit)
    try report.read(file: file.path, role: "task")
    let test = try MultipleChoiceTest(
      file, tokenizer: tokenizer, contextLength: opened.model.network.contextLength)
    return (.accuracy(test), file.path)
  }
}

/// Lists of numbers and gates on the command line.
private enum SweepLists {
  static func numbers(_ text: String) throws -> [Double] {
    try text.split(separator: ",").map { part in
      guard let value = Double(part.filter { $0 != " " }), value.isFinite, value != 0 else {
        throw ProgramError.flags(
          found: "the strength \"\(part)\"", expected: "numbers other than 0, such as 0.25,0.5,1")
      }
      return value
    }
  }

  static func gates(_ texts: [String]) throws -> Gates {
    try Gates(
      parsing: texts.map { text in
        let name = text.prefix { !"<>= ".contains($0) }
        return (name: String(name), limit: String(text.dropFirst(name.count)))
      })
  }
}
