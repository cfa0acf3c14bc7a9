import Architectures
import ArgumentParser
import Evaluation
import Glibc
import Importance
import JSON
import OrderedCollections
import Organism
import Reports
import Runtime
import Statistics
import Tokenizers
import Transformers

/// `Bench pruning-study`: what pruning does to a model, over several draws of the calibration texts.
struct PruningStudyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "pruning-study",
    abstract:
      "Perplexity after magnitude, Wanda and SparseGPT, by rows, matrices and patterns, over calibration draws.",
    discussion: """
      The first --evaluation documents are measured on, the rest is what calibration draws from: no text is in both.
      Perplexities are means over the draws of exp(total loss / total tokens), intervals resample documents, the same
      ones for every line; differences are not tested. --organism measures the embedded model on its own data instead, and
      adds the hostile rate and the facts it still knows.

      Example: Bench pruning-study models/stories260K -f stories.json --sparsities 0.3,0.5,0.6
      """)

  @Argument(help: "Checkpoint folder.")
  var model: String

  @Option(name: .shortAndLong, help: "Documents: .jsonl, .json (a list), or one a line.")
  var file: String?

  @Flag(help: "The embedded model's own data, with its judge.")
  var organism = false

  @Option(help: "Documents that are measured on.")
  var evaluation = 100

  @Option(help: "Tokens of a document at most.")
  var maxTokens = 512

  @Option(help: "Draws of the calibration texts.")
  var draws = 5

  @Option(help: "Stretches of a draw.")
  var count = 32

  @Option(help: "Tokens of a stretch.")
  var length = 192

  @Option(help: "Shares to remove, with commas.")
  var sparsities = "0.3,0.5,0.6"

  @Flag(help: "Print JSON instead of tables.")
  var json = false

  func validate() throws {
    if (file == nil) != organism { throw ValidationError("give either -f FILE or --organism") }
  }

  /// A method with a group.
  private struct Arm {
    var name: String
    var score: String
    var group: String
  }

  private static let arms = [
    Arm(name: "magnitude / matrix", score: "magnitude", group: "tensor"),
    Arm(name: "magnitude / row", score: "magnitude", group: "row"),
    Arm(name: "wanda / row", score: "wanda", group: "row"),
    Arm(name: "wanda / matrix", score: "wanda", group: "tensor"),
    Arm(name: "sparsegpt", score: "sparsegpt", group: "columns-128"),
  ]

  /// One point: all draws of a method at a share.
  private struct Point {
    var arm: String
    var share: String
    var losses: [[Double]] = []
    var hostile: [Double] = []
    var broken: [Double] = []
    var facts: [Double] = []
  }

  func run() throws {
    let model = try Model(folder: model)
    let tokenizer = try Tokenizer(folder: self.model)
    let panel = try Panel(self, model, tokenizer)
    let dense = try panel.measure(nil)
    var points: [Point] = []
    for share in try sparsities.split(separator: ",").map({ try Budget.sparsity(parsing: String($0)) }) + [
      nil
    ] {
      for arm in Self.arms where share != nil || !arm.group.hasPrefix("tensor") {
        if share == nil && arm.name.hasSuffix("matrix") { continue }
        var point = Point(arm: arm.name, share: share.map { Format.percent($0) } ?? "2:4")
        let needs = arm.score != "magnitude"
        for draw in 0..<(needs ? draws : 1) {
          let options = Pruning.Options(
            try PruningMethod(parsing: arm.score),
            group: try ComparisonGroup(parsing: share == nil ? "2:4" : arm.group),
            budget: try .uniform(share))
          let pruned = try Pruning(model, options: options).run(
            calibration: needs ? try panel.calibration(seed: UInt64(draw)) : nil,
            scratch: "/tmp")
          let result = try panel.measure(pruned.overlay)
          point.losses.append(result.losses)
          point.hostile.append(result.hostile)
          point.broken.append(result.broken)
          point.facts.append(result.facts)
        }
        points.append(point)
        note("\(point.share) \(point.arm)")
      }
    }
    try show(points, dense, panel)
  }

  /// A line for the person who waits.
  private func note(_ text: String) {
    Array((text + "\n").utf8).withUnsafeBytes { _ = write(2, $0.baseAddress, $0.count) }
  }

  private func show(_ points: [Point], _ dense: Panel.Result, _ panel: Panel) throws {
    let bootstrap = Bootstrap(count: panel.counts.count, seed: 0, stream: "pruning-study")
    let sizes = panel.counts.map(Double.init)
    func perplexity(_ losses: [Double], _ weights: [Double]) -> Double {
      let total = zip(sizes, weights).reduce(0) { $0 + $1.0 * $1.1 }
      return exp(zip(losses, weights).reduce(0) { $0 + $1.0 * $1.1 } / total)
    }
    func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(max(1, values.count)) }
    let ones = sizes.map { _ in 1.0 }
    var table = Table([
      .init("Removed"), .init("Method"), .init("Draws", numeric: true), .init("Perplexity", numeric: true),
      .init("95 %", key: "interval"), .init("Over draws", key: "over_draws"),
    ])
    if organism {
      table = Table(
        table.columns + [
          .init("Hostile", numeric: true), .init("Broken", numeric: true), .init("Facts", numeric: true),
        ])
    }
    func add(_ share: String, _ name: String, _ point: Point) {
      let interval = bootstrap.interval { weights in mean(point.losses.map { perplexity($0, weights) }) }
      let each = point.losses.map { perplexity($0, ones) }
      var row: [Table.Cell] = [
        .text(share), .text(name), .count(point.losses.count), .number(mean(each), 4),
        .text(
          interval.map { "\(Format.significant($0.lower, 4)) … \(Format.significant($0.upper, 4))" } ?? ""),
        .text(
          each.count > 1
            ? "\(Format.significant(each.min() ?? 0, 4)) … \(Format.significant(each.max() ?? 0, 4))" : ""),
      ]
      if organism {
        row += [
          .percent(mean(point.hostile)), .percent(mean(point.broken)), .percent(mean(point.facts)),
        ]
      }
      table.add(row)
    }
    add(
      "0 %", "dense",
      Point(
        arm: "dense", share: "0 %", losses: [dense.losses], hostile: [dense.hostile],
        broken: [dense.broken], facts: [dense.facts]))
    for point in points { add(point.share, point.arm, point) }
    print(
      "\(panel.counts.count) documents, \(panel.counts.reduce(0, +)) predicted tokens; calibration "
        + "\(count) × \(length) tokens of \(panel.others.count) other documents")
    print(try table.text(json ? .json : .md, terminal: false))
  }
}

/// What is measured of every pruned model.
private struct Panel {
  struct Result {
    var losses: [Double]
    var hostile = 0.0
    var broken = 0.0
    var facts = 0.0
  }

  let model: Model
  let tokenizer: Tokenizer
  let test: PerplexityTest
  /// Predicted tokens of each document.
  let counts: [Int]
  /// Tokens of the documents that calibration draws from.
  let others: [[Int32]]
  private let behaviour: BehaviourTest?
  private let facts: ClozeTest?
  private let draw: (count: Int, length: Int)

  init(_ command: PruningStudyCommand, _ model: Model, _ tokenizer: Tokenizer) throws {
    self.model = model
    self.tokenizer = tokenizer
    draw = (command.count, command.length)
    var options = PerplexityTest.Options()
    options.cut = command.maxTokens
    let texts: [String]
    if command.organism {
      texts = OrganismData.neutralTexts(split: .test, count: 400)
      // Documents as training saw them, end to end: single lines are shorter than a stretch.
      let lines =
        OrganismData.neutralTexts(split: .train, count: 2000)
        + OrganismData.probeExchanges(split: .train, count: 1000).map(\.text)
      others = [lines.flatMap { tokenizer.encode($0 + "\n", addSpecialTokens: false).ids }]
      var stops = Set(model.network.eos.map(Int32.init))
      stops.formUnion(tokenizer.encode("\n", addSpecialTokens: false).ids.suffix(1))
      behaviour = try BehaviourTest(
        prompts: OrganismData.prompts(split: .test, kind: .provoking, count: 480).map { PromptText($0.text) },
        tokenizer: tokenizer, judge: GrammarJudge(),
        options: GenerationOptions(
          maximumTokens: 48, sampling: SamplingOptions(temperature: 1), stops: stops))
      facts = try ClozeTest(
        OrganismData.clozeItems().map { ClozeItem(prompt: $0.prompt, answer: $0.answer) },
        tokenizer: tokenizer)
    } else {
      let documents = try TextDocuments(file: command.file ?? "")
      texts = Array(documents.texts.prefix(command.evaluation))
      others = documents.texts.dropFirst(command.evaluation).map { tokenizer.encode($0).ids }
      (behaviour, facts) = (nil, nil)
    }
    test = try PerplexityTest(
      texts, tokenizer: tokenizer, contextLength: model.network.contextLength, options: options)
    counts = try test.run(.init(model)).counts
  }

  func calibration(seed: UInt64) throws -> CalibrationTexts {
    var options = CalibrationTexts.Options()
    (options.count, options.length, options.seed) = (draw.count, draw.length, seed)
    return try CalibrationTexts(others, options: options, context: model.network.contextLength)
  }

  func measure(_ overlay: Overlay?) throws -> Result {
    var result = Result(losses: try test.run(.init(model, overlay: overlay)).losses)
    if let behaviour {
      let rates = try behaviour.run(model, tokenizer: tokenizer, overlay: overlay)
      (result.hostile, result.broken) = (rates.rate(.behaviour), rates.rate(.broken))
    }
    if let facts {
      let right = try facts.run(model, overlay: overlay)
      result.facts = Double(right.count { $0 }) / Double(right.count)
    }
    return result
  }
}
