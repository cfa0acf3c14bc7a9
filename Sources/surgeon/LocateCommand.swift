import Architectures
import ArgumentParser
import Checkpoints
import JSON
import Layers
import Probing
import Reports
import Runtime
import Surgery
import Transformers

/// `surgeon locate MODEL --probe P -o PLAN`.
struct LocateCommand: ReportingCommand {
  static let configuration = CommandConfiguration(
    commandName: "locate",
    abstract: "Finds what an edit with a probe's direction changes, and writes it as a plan.",
    discussion: """
      --edit add-rows (Model Surgery) ranks the rows of the gate matrices (up, where the MLP has no gate) in one
      streaming pass; the plan keeps the ranking of all rows, so that a sweep can take other budgets. --space per-layer
      takes one probe a block, at blocks.N.mlp.input. --edit ablate takes the direction out of everything that writes
      to the residual stream: --writes, --norms and --block-strength say what and how. Where the head is tied to the
      embeddings it changes with them; leave embeddings out of --writes to keep it. surgeon ls edits has all settings.
      No tokenizer is needed.

      Example: surgeon locate models/llama --probe probe --rows 2% -o calm.plan.safetensors
      """)
  static let kind = "locate"

  @Argument(help: "Checkpoint folder.")
  var model: String

  @Option(parsing: .upToNextOption, help: "Probe folder; several for --space per-layer.")
  var probe: [String]

  @Option(help: "The kind of edit: \(EditKind.located.map(\.name).joined(separator: ", ")).")
  var edit = "add-rows"

  @Option(help: "Coordinates: \(EditSpace.allCases.map(\.rawValue).joined(separator: ", ")).")
  var space: String?

  @Option(help: "How many rows: 512, 2%, or either with /block; default 4.65%.")
  var rows: String?

  @Option(
    help: "Of an ablation: \(Ablation.Writer.allCases.map(\.rawValue).joined(separator: ", ")); default: all."
  )
  var writes: String?

  @Option(
    help:
      "Of an ablation, lines that keep their length: \(Ablation.Norms.allCases.map(\.rawValue).joined(separator: ", "))."
  )
  var norms: String?

  @Option(help: "Of an ablation, factor of each block: a number, one a block, or triangle:PEAK,REACH[,EDGE].")
  var blockStrength: String?

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

  func validate() throws {
    guard let kind = EditKind.named(edit) else { return }
    let foreign: [(String, Bool)] =
      kind.name == EditKind.ablate.name
      ? [
        ("--space", space != nil), ("--rows", rows != nil), ("--most-positive", mostPositive),
        ("--reverse", reverse),
      ]
      : [("--writes", writes != nil), ("--norms", norms != nil), ("--block-strength", blockStrength != nil)]
    if let flag = foreign.first(where: \.1) {
      throw ValidationError(
        "\(flag.0) has no meaning for --edit \(edit): surgeon ls edits lists the settings")
    }
  }

  func work(_ report: inout ReportEnvelope, _ session: Session) throws {
    guard let kind = EditKind.named(edit) else {
      throw ProgramError.unknownName(what: "edit", name: edit, known: EditKind.located.map(\.name))
    }
    let space = try EditSpace.named(self.space ?? EditSpace.faithful.rawValue)
    if Files.exists(output) { throw FileError.exists(path: output) }
    let budget = try RowBudget(parsing: rows ?? "4.65%")
    let opened = try OpenedModel(model, into: &report, session)
    let probes = try probe.map { try ProbeFile.read($0) }
    for (path, probe) in zip(self.probe, probes) {
      try report.read(probe: path)
      try report.check(probe, belongsTo: opened.model)
    }
    var direction = try BehaviourDirection(probes.map { (try Site(parsing: $0.site), $0.direction) })
    if reverse { direction = direction.reversed }
    let blocks = try layers.map { try Set(BlockRange.parse($0, blocks: opened.model.network.blocks)) }
    let provenance: JSONValue = [
      "model_hash": .string(try opened.model.checkpoint.modelHash),
      "probe": [
        "name": .string(probes[0].name), "kind": .string(probes[0].kind), "site": .string(probes[0].site),
        "pooling": .string(probes[0].pooling), "reversed": .bool(reverse),
      ],
    ]
    if kind.name == EditKind.ablate.name {
      return try ablate(opened.model, direction, blocks, provenance, &report, session)
    }
    let ranking = try Locate.rank(
      opened.model, direction, space: space, blocks: blocks, progress: session.progress)
    let file = PlanFile(
      ranking: ranking, budget: budget, selection: mostPositive ? .mostPositive : .mostNegative,
      provenance: provenance)
    let plan = try file.plan()
    report.results = plan.json
    if !dryRun {
      try file.write(to: output)
      try report.wrote(file: output, role: "plan")
    }
    try session.show(
      report,
      heading: [
        "\(Format.count(plan.rows.count)) of \(Format.count(plan.candidates)) rows of \(plan.role.rawValue) in "
          + "\(Format.count(ranking.matrices.values.reduce(0) { $0 + $1.parts.count })) matrices, space "
          + "\(space.rawValue), direction at \(plan.site); strength 1 adds \(Format.significant(Double(plan.medianNorm))), "
          + "the rows' median length (α = \(Format.significant(plan.alpha(strength: 1))))"
      ], tables: [plan.table],
      closing: try dry(ranking, opened.model, &report) ?? closing(opened.model.network))
  }

  /// What the run would take; nil for a run that writes. The ranking itself is made, so that its table can be seen.
  private func dry(
    _ ranking: Locate.Ranking, _ model: Model, _ report: inout ReportEnvelope
  ) throws -> [String]? {
    guard dryRun else { return nil }
    let bytes = try ranking.matrices.values.flatMap(\.parts).reduce(0) {
      try $0 + model.linear($1.role).byteCount
    }
    var work = WorkEstimate()
    work.addRead(Double(bytes))
    // A row with its cosine and norm takes 32 bytes; the plan keeps them and the direction.
    let run = DryRun(
      work, readBytes: bytes, writeBytes: 16 * ranking.rows.count,
      holdBytes: 64 * ranking.rows.count + (32 << 20),
      output: output)
    report.results["dry_run"] = run.json
    return run.lines
  }

  /// What comes next: a sweep, or without next tokens the patch at once.
  private func closing(_ network: Network) -> [String] {
    return network.hasHead
      ? ["use with: surgeon sweep \(model) --plan \(output) --prompts P --neutral N --lexicon W -o SWEEP"]
      : ["use with: surgeon edit build \(model) --plan \(output) --strength 1 -o PATCH"]
  }

  /// The plan of an ablation.
  private func ablate(
    _ model: Model, _ direction: BehaviourDirection, _ blocks: Set<Int>?, _ provenance: JSONValue,
    _ report: inout ReportEnvelope, _ session: Session
  ) throws {
    var options = Ablation.Options()
    if let writes {
      options.writers = Set(
        try writes.split(separator: ",").map { try Ablation.Writer.named(String($0.filter { $0 != " " })) })
    }
    options.norms = try Ablation.Norms.named(norms ?? Ablation.Norms.none.rawValue)
    options.blocks = blocks
    if let blockStrength { options.strengths = try BlockStrengths(parsing: blockStrength) }
    let plan = try Ablation(model, direction, options)
    report.results = plan.json
    if let warning = plan.tieWarning { report.warn("TIED_HEAD", warning) }
    if !dryRun {
      try AblationFile(plan: plan, provenance: provenance).write(to: output)
      try report.wrote(file: output, role: "plan")
    }
    let facts = plan.facts
    try session.show(
      report,
      heading: [
        "ablation of the direction at \(plan.site) out of \(facts.role): \(Format.count(facts.rows)) rows in "
          + "\(plan.targets.count { $0.factor != 0 }) matrices, norms \(plan.norms.rawValue) (\(plan.norms.summary)); "
          + "strength 1 takes all of it out"
      ], tables: [plan.table],
      closing: dryRun ? ["dry run: nothing was written"] : closing(model.network))
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
            "block": .integer(block), "rows": .integer(cosines.count),
            "of": .integer(matrices[block]?.count ?? 0), "matrices": .array(matrixRecords(block)),
            "cosine_min": .optional(cosines.min()),
            "cosine_max": .optional(cosines.max()),
          ]
        }),
    ]
  }

  /// The matrices of a block that rows were chosen of: how many of each.
  private func matrixRecords(_ block: Int) -> [JSONValue] {
    guard let all = matrices[block], all.parts.count > 1 else { return [] }
    return all.split(rows(in: block)).map {
      ["role": .string($0.role.description), "rows": .integer($0.rows.count)]
    }
  }

  fileprivate var table: Table {
    var table = Table([
      .init("Block", numeric: true), .init("Rows", numeric: true), .init("of", numeric: true),
      .init("in matrices", numeric: true), .init("of matrices", key: "matrices_total", numeric: true),
      .init("Cosine from", key: "cosine_min", numeric: true),
      .init("to", key: "cosine_max", numeric: true),
    ])
    for block in blocks {
      let cosines = rows.filter { $0.block == block }.map { Double($0.cosine) }
      table.add([
        .count(block), .count(cosines.count), .count(matrices[block]?.count ?? 0),
        .count(rowsByRole(in: block).count), .count(matrices[block]?.parts.count ?? 0),
        .fixed(cosines.min(), 3), .fixed(cosines.max(), 3),
      ])
    }
    return table
  }
}

extension Ablation {
  fileprivate var json: JSONValue {
    [
      "edit": .string(edit.name), "space": .string(facts.space), "site": .string(site),
      "role": .string(facts.role), "norms": .string(norms.rawValue), "tied_head": .bool(tiedHead),
      "rows": .integer(facts.rows), "rows_total": .integer(facts.candidates),
      "writers": .array(
        targets.map {
          [
            "role": .string($0.role.description), "factor": .number($0.factor),
            "gained": .bool($0.gain != nil),
          ]
        }),
      "rows_per_block": .array(
        facts.perBlock.map {
          ["block": .integer($0.block), "rows": .integer($0.rows), "of": .optional($0.of)]
        }),
    ]
  }

  /// What a person should know about the head.
  var tieWarning: String? {
    guard tiedHead, targets.contains(where: { $0.role == .tokenEmbedding && $0.factor != 0 }) else {
      return nil
    }
    return
      "the head is the embedding matrix: logits lose the direction as well; leave embeddings out of --writes "
      + "to keep the head"
  }

  fileprivate var table: Table {
    var table = Table([
      .init("Writer"), .init("Rows", numeric: true), .init("Factor", numeric: true), .init("Direction"),
    ])
    for target in targets where target.factor != 0 {
      table.add([
        .text(target.role.description), .count(target.rows), .number(target.factor, 3),
        .text(target.gain == nil ? "as it is" : "with the gain of the norm that follows"),
      ])
    }
    return table
  }
}

/// A name on the command line as a value of an enumeration.
protocol NamedOption: CaseIterable, RawRepresentable<String> {
  /// What it is, for the error.
  static var what: String { get }
}

extension NamedOption {
  static func named(_ name: String) throws -> Self {
    guard let value = Self(rawValue: name) else {
      throw ProgramError.unknownName(what: what, name: name, known: allCases.map(\.rawValue))
    }
    return value
  }
}

extension EditSpace: NamedOption { static var what: String { "space" } }
extension Ablation.Writer: NamedOption { static var what: String { "writer" } }
extension Ablation.Norms: NamedOption { static var what: String { "norms" } }
