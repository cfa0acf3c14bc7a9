import Architectures
import ArgumentParser
import Checkpoints
import Evaluation
import Importance
import JSON
import Reports
import Runtime
import Statistics
import Tokenizers
import Transformers

/// `surgeon importance MODEL --curve -f TEXTS`: what zeroing a share of the weights costs.
struct CurveOptions: ParsableArguments {
  @Flag(
    help:
      "Zero the smallest, the largest and random weights at run time and measure what that costs; needs -f.")
  var curve = false

  @OptionGroup var texts: TextFileOptions

  @Option(help: "Of --curve: shares of the weights in percent, such as 1,2,5,10.")
  var shares = "1,2,5,10,20,30,40,50,60,70"

  @Option(help: "Of --curve: which weights go, out of smallest, largest, random.")
  var arms = "smallest,largest,random"

  @Option(help: "Of --curve: which weights compete: global, layer, tensor, row, column or columns-W.")
  var group = "global"

  @Option(help: "Of --curve: the same for each block, role or matrix (role of a block) by itself.")
  var per: String?

  @Option(help: "Of --curve: what is measured: nll, kl, accuracy (with --task) or behaviour (with a judge).")
  var metric = "nll"

  @Option(help: "Of --curve: damage below which a share is free, in the metric's unit.")
  var epsilon = 0.1

  @Option(help: "Of --curve with accuracy: NAME=FILE, or a file or folder named after its task.")
  var task: String?

  @Option(help: "Of --curve with behaviour: judge the replies to -f by words; see surgeon sweep.")
  var lexicon: String?

  @Flag(help: "Of --curve with behaviour: judge the replies to -f by the embedded model's grammar.")
  var grammar = false

  @Option(help: "Of --curve: tokens of a text at most; the rest is cut off. Of replies: new tokens at most.")
  var maxTokens: Int?

  func validate() throws {
    if !epsilon.isFinite { throw ValidationError("--epsilon must be a number") }
    if curve, metric == "accuracy" ? task == nil : texts.file == nil {
      throw ValidationError(
        metric == "accuracy" ? "give the task with --task NAME=FILE" : "give the texts with -f FILE")
    }
  }

  /// - Throws: ``ImportanceError``, ``EvaluationError``, ``TransformerError``, ``Interrupted``.
  func answer(
    _ question: ImportanceCommand.Question, output: String?, dryRun: Bool, resamples: Int,
    common: CommonOptions,
    _ report: inout ReportEnvelope, _ session: Session
  ) throws {
    try question.model.requireHead()
    if let output, !output.hasSuffix(".csv") {
      throw ProgramError.flags(found: "--output \(output) with --curve", expected: "a name that ends in .csv")
    }
    var options = ImportanceCurve.Options()
    options.shares = try ImportanceCurve.Options.shares(parsing: shares)
    options.arms = try CurveArm.list(parsing: arms)
    options.group = try ComparisonGroup(parsing: group)
    (options.epsilon, options.resamples, options.seed) = (epsilon, resamples, common.seed)
    let scopes = try per.map { [try CurveScope.named($0)] } ?? []
    let metric = try evaluationMetric(question.model, common, &report)
    if dryRun {
      let parts = ([.whole] + scopes.filter { $0 != .whole }).flatMap { $0.parts(of: question.matrices) }
        .count
      let passes = 1 + question.scores.count * parts * options.arms.count * options.shares.count
      let work = WorkEstimate(
        passing: metric.tokens, in: max(1, metric.tokens / 64), through: question.model, logits: true,
        times: passes)
      let run = DryRun(
        work, passing: metric.tokens, through: question.model, writeBytes: 0,
        output: output ?? question.model.checkpoint.folder)
      report.results = ["scores": .strings(question.scores.map(\.description)), "dry_run": run.json]
      return try session.show(
        report,
        heading: run.lines + ["\(Format.count(passes)) passes over \(Format.count(metric.tokens)) tokens"],
        tables: [])
    }
    var curves: [ImportanceCurve] = []
    for score in question.scores {
      // Random weights are the same whatever the score.
      if !curves.isEmpty { options.arms.removeAll { $0 == .random } }
      curves.append(
        try ImportanceCurve(
          question.model, matrices: question.matrices, score: score, metric: metric, scopes: scopes,
          options: options, base: curves.first?.base, evidence: question.evidence, progress: session.progress)
      )
    }
    report.results = ["curve": Self.json(curves)]
    report.add(curves.enumerated().flatMap { $1.metrics(suffix: $0 == 0 ? "" : "_\($0 + 1)") })
    if let output {
      try Files.write(Self.points(curves).text(.csv, terminal: false), to: output)
      try report.wrote(file: output, role: "points")
    }
    try session.show(
      report, heading: curves[0].heading,
      tables: session.format == .csv
        ? [Self.points(curves)]
        : curves.flatMap { [$0.wholeTable, $0.partTable] }.filter { !$0.rows.isEmpty },
      closing: curves.map(\.closing))
  }

  /// What is measured, from the files that were named.
  private func evaluationMetric(_ model: Model, _ common: CommonOptions, _ report: inout ReportEnvelope)
    throws
    -> EvaluationMetric
  {
    let kind = try EvaluationMetric.Kind.named(metric)
    let tokenizer = try Tokenizer(folder: model.checkpoint.folder)
    report.inputs[0].facts["tokenizer_sha256"] = .string(tokenizer.sha256)
    if kind == .accuracy {
      let file = try TaskFile(argument: task ?? "", limit: texts.limit)
      try report.read(file: file.path, role: "task")
      return .accuracy(
        try MultipleChoiceTest(file, tokenizer: tokenizer, contextLength: model.network.contextLength))
    }
    let keys = kind == .behaviour ? ["prompt", "text"] : ["text"]
    guard let documents = try texts.read(keys: keys, into: &report) else {
      throw EvaluationError.nothingToMeasure(what: "text: -f FILE is missing")
    }
    switch kind {
    case .behaviour:
      guard (lexicon == nil) == grammar else {
        throw ProgramError.flags(
          found: "--metric behaviour", expected: "one judge: --lexicon FILE or --grammar")
      }
      let judge: any Judge = try lexicon.map { try LexiconJudge(file: $0) } ?? GrammarJudge()
      let replies = GenerationOptions(maximumTokens: maxTokens ?? 32, seed: common.seed)
      return .behaviour(
        try BehaviourTest(
          prompts: documents.texts.map { PromptText($0) }, tokenizer: tokenizer, judge: judge,
          options: replies),
        tokenizer: tokenizer)
    case .kl:
      return try .kl(
        base: model, texts: documents.texts.map { Array(tokenizer.encode($0).ids.prefix(maxTokens ?? .max)) })
    default:
      var options = PerplexityTest.Options()
      options.cut = maxTokens
      return .nll(
        try PerplexityTest(
          documents.texts, tokenizer: tokenizer, contextLength: model.network.contextLength, options: options)
      )
    }
  }

  private static func json(_ curves: [ImportanceCurve]) -> JSONValue {
    let (metric, options) = (curves[0].metric, curves[0].options)
    return [
      "group": .string(options.group.description), "epsilon": .number(options.epsilon),
      "resamples": .integer(options.resamples), "shares": .numbers(options.shares),
      "metric": [
        "kind": .string(metric.kind.rawValue), "unit": .string(metric.unit),
        "higher_is_better": .bool(metric.higherIsBetter), "items": .integer(metric.items),
        "item": .string(metric.itemName), "detail": .string(metric.detail),
        "base": .optional(curves[0].base.value()),
      ],
      "scores": .array(
        curves.map { ["score": .string($0.score.description), "parts": .array($0.curves.map(\.json))] }),
    ]
  }

  /// Every point of every curve in a line.
  private static func points(_ curves: [ImportanceCurve]) -> Table {
    var table = Table([
      .init("Score"), .init("Scope"), .init("Block"), .init("Role"), .init("Arm"),
      .init("Share", numeric: true),
      .init("Removed", numeric: true), .init("Value", numeric: true), .init("Damage", numeric: true),
      .init("Lower", numeric: true), .init("Upper", numeric: true),
    ])
    for curve in curves {
      for part in curve.curves {
        for point in part.points {
          table.add([
            .text(curve.score.description), .text(part.part.scope.rawValue),
            .text(part.part.block.map(String.init) ?? ""), .text(part.part.role ?? ""),
            .text(point.arm.rawValue), .number(point.share, 6), .count(point.removed),
            .number(point.value, 6),
            .number(point.damage, 6), .number(point.interval?.lower, 6), .number(point.interval?.upper, 6),
          ])
        }
      }
    }
    return table
  }
}

extension ImportanceCurve {
  fileprivate var heading: [String] {
    [
      "\(metric.kind.rawValue): \(metric.detail); unchanged \(base.value().map { Format.significant($0, 5) } ?? "–") \(metric.unit)",
      "\(Format.count(whole.weights)) weights compete in group \(options.group); intervals: paired bootstrap over "
        + "\(metric.itemName), \(options.resamples) resamples",
    ]
  }

  fileprivate var closing: String {
    guard let knee = whole.knee else { return "\(score.description): no knee without the arm smallest" }
    let limit = "\(Format.significant(knee.epsilon)) \(metric.unit)"
    if knee.share == 0 {
      return "\(score.description): no share stays surely below \(limit)"
    }
    let next = knee.next.map { "\(Format.percent($0, 1)) does not" } ?? "no larger share was measured"
    return
      "\(score.description): knee at \(Format.percent(knee.share, 1)): that and every smaller share stays surely "
      + "below \(limit), \(next)"
  }

  fileprivate func metrics(suffix: String) -> [Metric] {
    let n = metric.items
    var metrics: [Metric] = []
    if suffix.isEmpty {
      metrics.append(
        Metric(
          name: "base_\(metric.kind.rawValue)", value: base.value(), unit: metric.unit, n: n,
          higherIsBetter: metric.higherIsBetter))
    }
    if let knee = whole.knee {
      metrics.append(
        Metric(name: "knee\(suffix)", value: knee.share, unit: "fraction", n: n, higherIsBetter: true))
    }
    for point in whole.points {
      let percent = Format.significant(point.share * 100, 4).replacing(".", with: "_")
      metrics.append(
        Metric(
          name: "damage_\(point.arm.rawValue)_\(percent)\(suffix)", value: point.damage, unit: metric.unit,
          n: n,
          higherIsBetter: false, interval: point.interval))
    }
    return metrics
  }

  /// Shares down, arms across.
  fileprivate var wholeTable: Table {
    var columns = [Table.Column("Share"), .init("Removed", numeric: true)]
    for arm in options.arms {
      columns += [
        .init("\(score.description) \(arm.rawValue)", key: arm.rawValue, numeric: true),
        .init("interval", key: arm.rawValue + "_interval"),
      ]
    }
    var table = Table(columns)
    for share in options.shares {
      let points = options.arms.map { arm in whole.points(arm).first { $0.share == share } }
      var row: [Table.Cell] = [.text(Format.percent(share, 1)), .count(points.first.flatMap { $0 }?.removed)]
      for point in points {
        row.append(.number(point?.damage, 4))
        row.append(
          .text(
            point?.interval.map {
              "\(Format.significant($0.lower, 3)) … \(Format.significant($0.upper, 3))"
            }))
      }
      table.add(row)
    }
    return table
  }

  /// The other parts, each with its knee and its damage by share.
  fileprivate var partTable: Table {
    guard let arm = options.arms.first else { return Table([.init("Part")]) }
    var table = Table(
      [.init("Part"), .init("Weights", numeric: true), .init("Knee", numeric: true)]
        + options.shares.map {
          .init("\(arm.rawValue) \(Format.percent($0, 1))", key: "damage_\($0)", numeric: true)
        })
    for curve in curves.dropFirst() {
      table.add(
        [.text(curve.part.name), .count(curve.weights), .percent(curve.knee?.share)]
          + curve.points(arm).map { .number($0.damage, 3) })
    }
    return table
  }
}

extension ImportanceCurve.Curve {
  fileprivate var json: JSONValue {
    [
      "part": .string(part.name), "scope": .string(part.scope.rawValue), "block": .optional(part.block),
      "role": .optional(part.role), "weights": .integer(weights),
      "knee": knee.map {
        ["share": .number($0.share), "damage": .optional($0.damage), "next": .optional($0.next)]
      } ?? .null,
      "points": .array(
        points.map {
          [
            "arm": .string($0.arm.rawValue), "share": .number($0.share), "removed": .integer($0.removed),
            "value": .optional($0.value), "damage": .optional($0.damage),
            "lower": .optional($0.interval?.lower), "upper": .optional($0.interval?.upper),
          ]
        }),
    ]
  }
}
