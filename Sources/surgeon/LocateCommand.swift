import Architectures
import ArgumentParser
import Checkpoints
import JSON
import Probing
import Reports
import Runtime
import Surgery
import Transformers

/// `surgeon locate MODEL --probe P -o PLAN`.
struct LocateCommand: ReportingCommand {
  static let configuration = CommandConfiguration(
    commandName: "locate",
    abstract: "Finds the rows that point away from a probe's direction, and writes them as a plan.",
    discussion: """
      One streaming pass over the gate matrices (up, where the MLP has no gate); no tokenizer is needed. The plan keeps
      the ranking of all rows, so that a sweep can take other budgets. --space per-layer takes one probe a block, at
      blocks.N.mlp.input.

      Example: surgeon locate models/llama --probe probe --rows 2% -o calm.plan.safetensors
      """)
  static let kind = "locate"

  @Argument(help: "Checkpoint folder.")
  var model: String

  @Option(parsing: .upToNextOption, help: "Probe folder; several for --space per-layer.")
  var probe: [String]

  @Option(help: "Coordinates: \(EditSpace.allCases.map(\.rawValue).joined(separator: ", ")).")
  var space = "faithful"

  @Option(help: "How many rows: 512, 2%, or either with /block.")
  var rows = "4.65%"

  @Option(
    name: [.customLong("layers"), .customLong("blocks")], help: "Blocks, such as 0-31,-1; default: all.")
  var layers: String?

  @Flag(help: "Take the most aligned rows instead (a control).")
  var mostPositive = false

  @Flag(help: "Turn the direction round: towards the behaviour's absence.")
  var reverse = false

  @Option(name: .shortAndLong, help: "The plan file, such as X.plan.safetensors.")
  var output: String

  @Flag(help: "Rank and print, write nothing.")
  var dryRun = false

  @OptionGroup var common: CommonOptions

  var defaultReport: String? { ReportPlace.beside(output, dryRun: dryRun) }

  func work(_ report: inout ReportEnvelope, _ session: Session) throws {
    guard let space = EditSpace(rawValue: space) else {
      throw ProgramError.unknownName(
        what: "space", name: self.space, known: EditSpace.allCases.map(\.rawValue))
    }
    if Files.exists(output) { throw FileError.exists(path: output) }
    let budget = try RowBudget(parsing: rows)
    let opened = try OpenedModel(model, into: &report, session)
    let probes = try probe.map { try ProbeFile.read($0) }
    for (path, probe) in zip(self.probe, probes) {
      try report.read(probe: path)
      try report.check(probe, belongsTo: opened.model)
    }
    var direction = try BehaviourDirection(probes.map { (try Site(parsing: $0.site), $0.direction) })
    if reverse { direction = direction.reversed }
    let blocks = try layers.map { try Set(BlockRange.parse($0, blocks: opened.model.network.blocks)) }
    let ranking = try Locate.rank(
      opened.model, direction, space: space, blocks: blocks, progress: session.progress)
    let file = PlanFile(
      ranking: ranking, budget: budget, selection: mostPositive ? .mostPositive : .mostNegative,
      provenance: [
        "model_hash": .string(try opened.model.checkpoint.modelHash),
        "probe": [
          "name": .string(probes[0].name), "kind": .string(probes[0].kind), "site": .string(probes[0].site),
          "pooling": .string(probes[0].pooling), "reversed": .bool(reverse),
        ],
      ])
    let plan = try file.plan()
    report.results = plan.json
    if !dryRun {
      try file.write(to: output)
      try report.wrote(file: output, role: "plan")
    }
    try session.show(
      report,
      heading: [
        "\(Format.count(plan.rows.count)) of \(Format.count(plan.candidates)) rows of \(plan.role.rawValue), space "
          + "\(space.rawValue), direction at \(plan.site); strength 1 adds \(Format.significant(Double(plan.medianNorm))), "
          + "the rows' median length (α = \(Format.significant(plan.alpha(strength: 1))))"
      ], tables: [plan.table],
      closing: dryRun
        ? ["dry run: nothing was written"]
        : ["use with: surgeon sweep \(model) --plan \(output) --prompts P --neutral N --lexicon W -o SWEEP"])
  }
}

extension RowPlan {
  fileprivate var json: JSONValue {
    [
      "space": .string(space.rawValue), "site": .string(site), "role": .string(role.rawValue),
      "selection": .string(selection.rawValue), "rows": .integer(rows.count),
      "rows_total": .integer(candidates),
      "median_row_norm": .number(Double(medianNorm)), "alpha_of_strength_1": .number(alpha(strength: 1)),
      "rows_per_block": .array(
        blocks.map { block in
          let cosines = rows.filter { $0.block == block }.map { Double($0.cosine) }
          return [
            "block": .integer(block), "rows": .integer(cosines.count), "cosine_min": .optional(cosines.min()),
            "cosine_max": .optional(cosines.max()),
          ]
        }),
    ]
  }

  fileprivate var table: Table {
    var table = Table([
      .init("Block", numeric: true), .init("Rows", numeric: true),
      .init("Cosine from", key: "cosine_min", numeric: true),
      .init("to", key: "cosine_max", numeric: true),
    ])
    for block in blocks {
      let cosines = rows.filter { $0.block == block }.map { Double($0.cosine) }
      table.add([.count(block), .count(cosines.count), .fixed(cosines.min(), 3), .fixed(cosines.max(), 3)])
    }
    return table
  }
}
