import Architectures
import ArgumentParser
import Importance
import JSON
import Layers
import OrderedCollections
import Probing
import Reports
import Runtime
import Statistics
import Tensors
import Transformers

/// `surgeon importance MODEL …`: scores; each other question has a file of its own.
struct ImportanceCommand: ReportingCommand {
  static let configuration = CommandConfiguration(
    commandName: "importance",
    abstract: "Which weights, rows, neurons, heads and blocks matter, by any score.",
    discussion: """
      Prints every score's distribution per matrix, or with --grain the units that matter most and least; -o
      writes the scores of all units. --overlap compares scores with one another: rank correlation, agreement at
      the top, and how many of the rows that carry a behaviour pruning by another score would remove. --curve -f
      TEXTS zeroes the smallest, the largest and random weights at run time and says what that costs and where it
      starts to. --spectra reads the eigenvalues of every matrix. No tokenizer is needed unless a score asks for
      --calibration texts. surgeon ls scores lists the scores, surgeon ls grains the grains.

      Example: surgeon importance models/llama --score magnitude,cosine --probe probe --overlap --grain row
      Example: surgeon importance models/llama --spectra --roles mlp -o spectra.csv
      """)
  static let kind = "importance"

  @Argument(help: "Checkpoint folder.")
  var model: String

  @Option(help: "Scores, such as magnitude,lamp; a setting follows with a colon: cosine:sign=along.")
  var score = "magnitude"

  @Option(help: "What is scored: \(Grain.allCases.map(\.rawValue).joined(separator: ", ")).")
  var grain: String?

  @Option(help: "How the weights of a unit become one score: \(aggregations).")
  var aggregate = "mean"

  @Option(
    name: [.customLong("layers"), .customLong("blocks")], help: "Blocks, such as 0-31,-1; default: all.")
  var layers: String?

  @Option(help: "Roles, such as attention.q,mlp.down, or attention or mlp; default: all products.")
  var roles: String?

  @Option(
    parsing: .upToNextOption, help: "Probe folder for the score cosine; several, one a block's MLP input.")
  var probe: [String] = []

  @Option(help: "How rows meet the probe's direction: faithful or gain-corrected.")
  var space = "faithful"

  @Option(help: "Units that are listed from each end of a grain's ranking.")
  var top = 10

  @Option(name: .shortAndLong, help: "Where the scores of all units go: X.csv, X.json or X.safetensors.")
  var output: String?

  @Option(
    help:
      "Resamples of the intervals: of texts for --curve (default 1000), of eigenvalues for --spectra (200; 0: none)."
  )
  var resamples: Int?

  @Flag(help: "Only say what would be read.")
  var dryRun = false

  @OptionGroup var texts: CalibrationOptions

  @OptionGroup var overlap: OverlapOptions

  @OptionGroup var spectra: SpectraOptions

  @OptionGroup var curves: CurveOptions

  @OptionGroup var common: CommonOptions

  static let aggregations = UnitScores.Aggregation.allCases.map(\.rawValue).joined(separator: ", ")

  var defaultReport: String? { output.flatMap { ReportPlace.beside($0, dryRun: dryRun) } }

  func validate() throws {
    if curves.curve && (overlap.overlap || spectra.spectra) {
      throw ValidationError("--curve, --overlap and --spectra are three questions: ask one")
    }
    if let resamples, !(spectra.spectra ? 0...100_000 : 2...100_000).contains(resamples) {
      throw ValidationError("--resamples \(resamples): \(spectra.spectra ? 0 : 2) to 100000")
    }
    if top < 1 { throw ValidationError("--top must be at least 1") }
    if spectra.spectra {
      if overlap.overlap { throw ValidationError("--spectra and --overlap are two questions: ask one") }
      if let output, !output.hasSuffix(".csv") {
        throw ValidationError("--output \(output): spectra go to a .csv")
      }
    }
    if let output, UnitScoreFile.Format(path: output) == nil {
      throw ValidationError("--output \(output): the name ends in .csv, .json or .safetensors")
    }
  }

  func work(_ report: inout ReportEnvelope, _ session: Session) throws {
    let scores = try score.split(separator: ",").map { try Score(parsing: String($0), seed: common.seed) }
    let grain = try grain.map { name in
      guard let grain = Grain(rawValue: name) else {
        throw ProgramError.unknownName(what: "grain", name: name, known: Grain.allCases.map(\.rawValue))
      }
      return grain
    }
    let aggregation = try UnitScores.Aggregation.named(aggregate)
    let space = try ProbeDirection.Space.named(space)
    if let output, Files.exists(output) { throw FileError.exists(path: output) }
    let opened = try OpenedModel(model, into: &report, session)
    let network = opened.model.network
    let matrices = try opened.model.prunableMatrices(
      blocks: layers.map { try Set(BlockRange.parse($0, blocks: network.blocks)) },
      roles: roles.map { try BlockRole.prunable(parsing: $0) })
    if spectra.spectra {
      return try spectra.answer(
        matrices, resamples: resamples ?? 200, seed: common.seed, output: output, dryRun: dryRun, &report,
        session)
    }
    if dryRun && !curves.curve { return try dry(matrices, scores, &report, session) }
    let question = Question(
      model: opened.model, matrices: matrices, scores: scores, grain: grain, aggregation: aggregation,
      evidence: try evidence(scores, opened, matrices, space, &report, session))
    if curves.curve {
      return try curves.answer(
        question, output: output, dryRun: dryRun, resamples: resamples ?? 1000, common: common, &report,
        session)
    }
    if overlap.overlap { return try overlap.answer(question, &report, session) }
    guard let grain, ![.weight, .matrix].contains(grain) else {
      return try table(question, &report, session)
    }
    try units(grain, question, &report, session)
  }

  /// What every mode of the command works on.
  struct Question {
    var model: Model
    var matrices: [PrunableMatrix]
    var scores: [Score]
    var grain: Grain?
    var aggregation: UnitScores.Aggregation
    var evidence: EvidenceSource
  }

  /// What the scores need beside the weights: one pass of the calibration texts, and the probes.
  private func evidence(
    _ scores: [Score], _ opened: OpenedModel, _ matrices: [PrunableMatrix], _ space: ProbeDirection.Space,
    _ report: inout ReportEnvelope, _ session: Session
  ) throws -> EvidenceSource {
    let needs = Set(scores.map(\.kind.needs))
    let model = opened.model
    let looking = scores.filter { [.activations, .gram].contains($0.kind.needs) }
    let calibration = try texts.draw(
      for: opened, wanted: !looking.isEmpty,
      score: (looking.isEmpty ? scores : looking).map(\.description).joined(separator: ", "),
      seed: common.seed, into: &report)
    let calibrated = try calibration.map {
      try CalibratedEvidence(
        model, matrices, texts: $0.texts, factored: needs.contains(.gram), progress: session.progress)
    }
    let direction = try needs.contains(.direction) ? self.direction(model, space, &report) : nil
    return { matrix in
      var evidence = calibrated?[matrix.role] ?? ScoreEvidence()
      evidence.direction = direction?.read(by: matrix.role)
      return evidence
    }
  }

  /// The direction of the probes that were named.
  private func direction(
    _ model: Model, _ space: ProbeDirection.Space, _ report: inout ReportEnvelope
  ) throws -> ProbeDirection {
    guard !probe.isEmpty else {
      throw ImportanceError.missingEvidence(score: "cosine", need: .direction, role: "any product")
    }
    var vectors: [(site: Site, vector: [Float])] = []
    for path in probe {
      let probe = try ProbeFile.read(path)
      try report.read(probe: path)
      try report.check(probe, belongsTo: model)
      vectors.append((try Site(parsing: probe.site), probe.direction))
    }
    return try ProbeDirection(vectors, space: space, of: model)
  }

  private func dry(
    _ matrices: [PrunableMatrix], _ scores: [Score], _ report: inout ReportEnvelope, _ session: Session
  ) throws {
    let bytes = matrices.reduce(0) { $0 + $1.weight.byteCount }
    var work = WorkEstimate()
    work.addRead(Double(bytes * scores.count))
    var run = DryRun(
      work, readBytes: bytes * scores.count, writeBytes: 0, holdBytes: 64 << 20, output: output ?? model)
    // Scores are computed and sorted into histograms at about 4 ns a weight and thread, far above the reading.
    run.seconds = max(
      run.seconds,
      Double(matrices.reduce(0) { $0 + $1.count } * scores.count) * 4e-9 / Double(Parallel.threads))
    report.results = ["scores": .strings(scores.map(\.description)), "dry_run": run.json]
    try session.show(report, heading: run.lines, tables: [])
  }

  // MARK: the table of matrices

  private func table(_ question: Question, _ report: inout ReportEnvelope, _ session: Session) throws {
    if let output {
      throw ProgramError.flags(
        found: "--output \(output) without units",
        expected: "--grain row, column, neuron, head, expert or block")
    }
    let table = try ImportanceTable(
      question.matrices, scores: question.scores, evidence: question.evidence, progress: session.progress)
    report.results = table.json
    report.add(table.metrics)
    let weights = question.matrices.reduce(0) { $0 + $1.count }
    try session.show(
      report,
      heading: [
        "\(Format.count(weights)) weights in \(Format.count(question.matrices.count)) matrices; "
          + "5 %, median and 95 % to one part in 128"
      ], tables: [table.table])
  }

  // MARK: units

  private func units(
    _ grain: Grain, _ question: Question, _ report: inout ReportEnvelope, _ session: Session
  ) throws {
    let all = try question.scores.map { score in
      let own = try question.matrices.filter { score.says(of: $0, try question.evidence($0)) }
      return try UnitScores(
        own, grain: grain, score: score, aggregation: question.aggregation, of: question.model.network,
        evidence: question.evidence, progress: session.progress)
    }
    if let output {
      try UnitScoreFile.write(all, to: output)
      try report.wrote(file: output, role: "scores")
    }
    report.results = [
      "grain": .string(grain.rawValue), "aggregation": .string(question.aggregation.rawValue),
      "scores": .array(all.map { $0.json(top: top) }),
    ]
    report.add(
      all.enumerated().flatMap { index, scores in
        [
          Metric(
            name: index == 0 ? "units" : "units_\(index + 1)", value: Double(scores.units.count),
            unit: "count", n: scores.units.count)
        ]
      })
    try session.show(
      report,
      heading: all.map {
        "\($0.score.description): \(Format.count($0.units.count)) units of grain \(grain.rawValue), "
          + "\(question.aggregation.summary)"
      }, tables: all.map { $0.table(top: top) })
  }
}

extension ImportanceTable {
  fileprivate var table: Table {
    var table = Table([
      .init("Matrix", key: "role"), .init("Rows", numeric: true), .init("Columns", numeric: true),
      .init("Score"), .init("Mean", numeric: true), .init("5 %", key: "low", numeric: true),
      .init("Median", numeric: true), .init("95 %", key: "high", numeric: true),
      .init("Largest", key: "maximum", numeric: true), .init("Zero", key: "zeros", numeric: true),
    ])
    for line in lines {
      for (score, summary) in zip(scores, line.summaries) {
        guard let summary else { continue }
        table.add([
          .text(line.matrix.role.description), .count(line.matrix.outputs), .count(line.matrix.inputs),
          .text(score.description), .number(summary.mean, 4), .number(summary.low, 3),
          .number(summary.median, 3), .number(summary.high, 3), .number(summary.maximum, 4),
          .percent(summary.zeros, 2),
        ])
      }
    }
    return table
  }

  fileprivate var metrics: [Metric] {
    scores.indices.flatMap { index -> [Metric] in
      let own = lines.compactMap { line in line.summaries[index].map { (line.matrix.count, $0) } }
      let count = own.reduce(0) { $0 + $1.0 }
      guard count > 0 else { return [] }
      let name = scores.count == 1 ? "" : "_\(index + 1)"
      return [
        Metric(
          name: "mean_score\(name)",
          value: own.reduce(0.0) { $0 + Double($1.0) * $1.1.mean } / Double(count), unit: "score", n: count),
        Metric(
          name: "zero_share\(name)",
          value: own.reduce(0.0) { $0 + Double($1.0) * $1.1.zeros } / Double(count), unit: "fraction",
          n: count
        ),
      ]
    }
  }

  fileprivate var json: JSONValue {
    [
      "grain": "matrix", "scores": .strings(scores.map(\.description)),
      "matrices": .array(
        lines.map { line in
          [
            "role": .string(line.matrix.role.description), "block": .integer(line.matrix.block),
            "kind": .optional(line.matrix.role.inBlock?.rawValue),
            "expert": .optional(line.matrix.role.expert),
            "outputs": .integer(line.matrix.outputs), "inputs": .integer(line.matrix.inputs),
            "scores": .array(line.summaries.map { $0.map(\.json) ?? .null }),
          ]
        }),
    ]
  }
}

extension ScoreSummary {
  fileprivate var json: JSONValue {
    [
      "mean": .number(mean), "minimum": .number(minimum), "low": .number(low), "median": .number(median),
      "high": .number(high), "maximum": .number(maximum), "zero_share": .number(zeros),
    ]
  }
}

extension UnitScores {
  private func record(_ index: Int) -> JSONValue {
    let unit = units[index]
    return [
      "unit": .string(unit.name), "block": .integer(unit.block), "expert": .optional(unit.expert),
      "index": .integer(unit.index), "score": .number(values[index]),
    ]
  }

  fileprivate func json(top: Int) -> JSONValue {
    [
      "score": .string(score.description), "units": .integer(units.count),
      "lowest": .array(lowest(top).map(record)), "highest": .array(highest(top).map(record)),
      "places": .array(
        places.map { place in
          let own = place.range.map { values[$0] }
          return [
            "place": .string(place.name), "block": .integer(place.block), "units": .integer(own.count),
            "mean": .number(own.reduce(0, +) / Double(max(1, own.count))),
            "minimum": .optional(own.min()), "maximum": .optional(own.max()),
          ]
        }),
    ]
  }

  fileprivate func table(top: Int) -> Table {
    var table = Table([
      .init("End"), .init("Unit"), .init("Score \(score.description)", key: "score", numeric: true),
    ])
    for index in highest(top) {
      table.add([.text("highest"), .text(units[index].name), .number(values[index], 5)])
    }
    for index in lowest(top) {
      table.add([.text("lowest"), .text(units[index].name), .number(values[index], 5)])
    }
    return table
  }
}

extension UnitScores.Aggregation: NamedOption { static var what: String { "aggregation" } }
extension ProbeDirection.Space: NamedOption { static var what: String { "space" } }
