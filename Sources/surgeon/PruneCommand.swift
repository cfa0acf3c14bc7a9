import Architectures
import ArgumentParser
import Checkpoints
import Evaluation
import Glibc
import Importance
import JSON
import Reports
import Runtime
import Statistics
import Surgery
import Tokenizers
import Transformers

/// `surgeon prune MODEL --score S --sparsity X -o OUT`.
struct PruneCommand: ReportingCommand {
  static let configuration = CommandConfiguration(
    commandName: "prune",
    abstract: "Writes a copy of a checkpoint in which the least important weights of the blocks are zero.",
    discussion: """
      Only products inside blocks are pruned, never norms, routers, embeddings or the head. Scores that look at
      activations (wanda, sparsegpt) need --calibration texts, which should not be those of the evaluation; they go block by
      block, a pruned block's outputs feeding the next, unless --one-shot says otherwise. sparsegpt adjusts the weights that
      stay, rounded once to the stored type; all other scores leave them bit for bit. Sparsity is the share removed, and is
      hit to one weight; --pattern 2:4 keeps 2 of every 4 neighbouring inputs. The copy is read back and compared
      before it gets its name. Zeros are stored like any number: the files keep their size, and dense kernels run no faster.
      --weights sparse writes one file in which zeros take no bytes (surgeon convert expands it). --structured takes whole
      neurons or heads out of every block instead: a smaller, faster model with its own config.json.

      Example: surgeon prune models/llama --score wanda --sparsity 50% --calibration texts.jsonl -o models/llama-half
      Example: surgeon prune models/llama --structured neurons --score magnitude --sparsity 25% -o models/llama-narrow
      """)
  static let kind = "prune"

  @Argument(help: "Checkpoint folder; never written to.")
  var model: String

  @Option(help: "What ranks the weights; surgeon ls scores. Settings: NAME:SETTING=VALUE.")
  var score = "wanda"

  @Option(help: "The share of the weights that goes: 0.5 or 50%.")
  var sparsity: String?

  @Option(help: "Weights to keep of every so many neighbouring inputs, such as 2:4, in place of --sparsity.")
  var pattern: String?

  @Option(help: "Which weights compete; surgeon ls groups. Default: that of the score's paper.")
  var group: String?

  @Option(help: "How the share is spread over matrices; surgeon ls budgets.")
  var budget = "uniform"

  @Option(
    name: [.customLong("layers"), .customLong("blocks")], help: "Blocks, such as 0-31,-1; default: all.")
  var layers: String?

  @Option(help: "Roles, such as mlp or attention.q,mlp.down; default: all products of blocks.")
  var roles: String?

  @OptionGroup var texts: CalibrationOptions

  @Option(help: "llama.cpp's importance matrix (GGUF) in place of --calibration; in one shot.")
  var imatrix: String?

  @Flag(help: "A pruned block's outputs feed the next (default for scores that look at activations).")
  var sequential = false

  @Flag(help: "Every block sees what the whole network gives it.")
  var oneShot = false

  @Flag(
    help: "Measure the error of every product on the calibration texts, also for scores that do not need it.")
  var reconstructionError = false

  @OptionGroup var structure: StructuredOptions

  @Option(
    help: "How the weights are written: dense (with zeros), sparse (one file in which zeros take no bytes).")
  var weights = "dense"

  @Option(name: .shortAndLong, help: "The new checkpoint folder.")
  var output: String

  @Option(help: "Canary texts to run through the written model, 0 to \(EditCheck.canaries.count).")
  var canaries = EditCheck.canaries.count

  @Flag(
    help: "Check everything that needs no pass, write nothing, and say what it would read, write and hold.")
  var dryRun = false

  @OptionGroup var common: CommonOptions

  var defaultReport: String? { ReportPlace.beside(output, dryRun: dryRun) }

  func validate() throws {
    if imatrix != nil {
      if texts.calibration != nil { throw ValidationError("--imatrix stands in for --calibration: give one") }
      if sequential || reconstructionError {
        throw ValidationError("--imatrix knows no texts: leave --sequential and --reconstruction-error out")
      }
    }
    if sequential && oneShot { throw ValidationError("--sequential and --one-shot contradict each other") }
    guard ["dense", "sparse"].contains(weights) else {
      throw ValidationError("--weights \(weights): dense or sparse")
    }
    if structure.structured != nil {
      let others = [
        pattern.map { _ in "--pattern" }, group.map { _ in "--group" }, layers.map { _ in "--layers" },
        roles.map { _ in "--roles" }, budget == "uniform" ? nil : "--budget",
        sequential ? "--sequential" : nil,
        weights == "sparse" ? "--weights sparse" : nil, reconstructionError ? "--reconstruction-error" : nil,
      ].compactMap { $0 }
      if let other = others.first {
        throw ValidationError(
          "\(other) has no meaning for --structured: every block loses as many whole units")
      }
      if sparsity == nil { throw ValidationError("say how much goes: --sparsity 25%") }
    }
    if pattern != nil && group != nil { throw ValidationError("--pattern is a group: leave --group out") }
    if sparsity == nil && pattern == nil && budget == "uniform" {
      throw ValidationError("say how much goes: --sparsity 50% or --pattern 2:4")
    }
  }

  func work(_ report: inout ReportEnvelope, _ session: Session) throws {
    let method = try PruningMethod(parsing: score, seed: common.seed)
    let group = try (pattern ?? self.group).map { try ComparisonGroup(parsing: $0) }
    let share = try sparsity.map { try Budget.sparsity(parsing: $0) }
    var options = Pruning.Options(
      method, group: group, budget: try Budget(parsing: budget, sparsity: share))
    if sequential || oneShot || imatrix != nil { options.sequential = sequential }
    options.measuresError = reconstructionError
    let opened = try OpenedModel(model, into: &report, session)
    _ = try CheckpointWriter(source: opened.model.checkpoint, output: output)
    if let unit = try structure.unit() {
      return try prune(unit, method, share ?? 0, opened, &report, session)
    }
    let blocks = try layers.map { try Set(BlockRange.parse($0, blocks: opened.model.network.blocks)) }
    let pruning = try Pruning(
      opened.model, blocks: blocks, roles: try roles.map { try BlockRole.prunable(parsing: $0) },
      options: options)
    let statistics = try known(opened.model.binding, wanted: pruning.needsCalibration, &report)
    let calibration = try texts.draw(
      for: opened, wanted: pruning.needsCalibration && statistics == nil, score: method.description,
      seed: common.seed,
      into: &report)
    report.results = pruning.json(calibration, file: texts.calibration)
    if dryRun { return try answer(pruning, calibration, &report, session) }

    let pruned = try pruning.run(
      calibration: calibration, statistics: statistics, scratch: Files.existingFolder(above: output),
      progress: session.progress)
    // A sparse file is made of the dense folder, which is checked first and does not stay.
    let place = weights == "sparse" ? "\(output).dense-\(getpid())" : output
    defer { if place != output { try? Files.remove(place) } }
    let written = try pruned.write(
      to: place, provenance: pruning.provenance(calibration), progress: session.progress)
    let looked = try looks(pruned, written, &report, session)
    let small =
      place == output
      ? nil
      : try SparseCheckpoint.write(
        try Checkpoint(folder: place, cache: .none), to: output, progress: session.progress)
    try show(pruned, written, looked, small, &report, session)
  }

  /// What an importance matrix says; nil where none was given.
  private func known(
    _ binding: Binding, wanted: Bool, _ report: inout ReportEnvelope
  ) throws -> InputStatistics? {
    guard let imatrix else { return nil }
    guard wanted else {
      throw ProgramError.flags(
        found: "--imatrix with the score \(score), which looks at weights alone",
        expected: "a score that looks at activations, such as wanda")
    }
    let file = try ImportanceMatrixFile(file: imatrix)
    try report.read(file: imatrix, role: "imatrix")
    return try InputStatistics(file, binding: binding)
  }

  /// Whole units out of every block.
  private func prune(
    _ unit: StructuredUnit, _ method: PruningMethod, _ share: Double, _ opened: OpenedModel,
    _ report: inout ReportEnvelope, _ session: Session
  ) throws {
    guard case .score(let score) = method, score.kind.needs != .gram, score.kind.needs != .direction else {
      throw ProgramError.flags(
        found: "--structured with the score \(method.description)",
        expected: "a score of single weights without error compensation, such as magnitude or wanda")
    }
    let known = try known(opened.model.binding, wanted: score.kind.needs == .activations, &report)
    let calibration = try texts.draw(
      for: opened, wanted: score.kind.needs == .activations && known == nil, score: score.description,
      seed: common.seed, into: &report)
    var evidence: EvidenceSource = noEvidence
    if let known {
      evidence = { ScoreEvidence(inputEnergy: known[$0.role]?.squares) }
    } else if let calibration, !dryRun {
      let statistics = try InputStatistics.collect(
        opened.model, texts: calibration.texts, roles: try opened.model.prunableMatrices().map(\.role),
        progress: session.progress)
      evidence = { ScoreEvidence(inputEnergy: statistics[$0.role]?.squares) }
    }
    report.results = ["calibration": calibration?.json(file: texts.calibration) ?? .null]
    try structure.answer(
      unit, opened, score: score, share: share, evidence: evidence, output: output, canaries: canaries,
      dryRun: dryRun, &report, session)
  }

  /// What a run would read, write, hold and take.
  private func answer(
    _ pruning: Pruning, _ calibration: CalibrationTexts?, _ report: inout ReportEnvelope, _ session: Session
  ) throws {
    let tokens = calibration?.tokens ?? 0
    let bytes = pruning.model.checkpoint.weightBytes
    var work = WorkEstimate(
      passing: tokens, in: calibration?.texts.count ?? 0, through: pruning.model,
      times: pruning.walksTwice ? 2 : 1)
    let pass = DryRun(work, passing: tokens, through: pruning.model, writeBytes: 0, output: output)
    // Read for thresholds and for the copy, compared, and hashed before and afterwards.
    work.addRead(Double(4 * bytes))
    work.hashedBytes = Double(2 * bytes)
    work.writtenBytes = Double(bytes + pruning.scratchBytes)
    var run = DryRun(
      work, readBytes: 4 * bytes + (pruning.walksTwice ? 2 : 1) * (tokens > 0 ? bytes : 0),
      writeBytes: bytes + pruning.scratchBytes,
      holdBytes: try pruning.holdBytes(calibrationTokens: tokens) + (tokens > 0 ? pass.holdBytes : 0)
        + (32 << 20),
      output: output)
    run.seconds += pruning.factorSeconds(calibrationTokens: tokens)
    report.results["dry_run"] = run.json
    try session.show(report, heading: run.lines, tables: [])
  }

  /// Checks of the written checkpoint beside those that writing made.
  private func looks(
    _ pruned: PrunedModel, _ written: ReplacementReport, _ report: inout ReportEnvelope, _ session: Session
  ) throws -> [EditCheck] {
    let source = pruned.pruning.model.checkpoint
    let copy = try Checkpoint(folder: written.output)
    let looked =
      try EditCheck.settings(base: source, edited: copy)
      + EditCheck.canaries(
        base: source, edited: copy, patch: nil, overlay: pruned.overlay,
        texts: Array(EditCheck.canaries.prefix(max(0, canaries))))
    for check in looked where check.passed == false {
      report.warn("CHECK_FAILED", "\(check.id): \(check.detail)")
    }
    for note in written.notes { report.warn("CHECKPOINT_NOTE", note) }
    let unreached = pruned.matrices.filter { $0.tokens == 0 }
    if !unreached.isEmpty {
      report.warn(
        "NO_CALIBRATION_TOKEN",
        "no calibration token reached \(unreached.count) matrices (\(unreached[0].role) first): their weights "
          + "all score 0, and lower indices went first")
    }
    let raised = pruned.matrices.filter { ($0.damping?.used ?? 0) > ($0.damping?.asked ?? 0) }
    if let worst = raised.max(by: { ($0.damping?.used ?? 0) < ($1.damping?.used ?? 0) }) {
      report.warn(
        "DAMPING_RAISED",
        "XᵀX of \(raised.count) matrices could not be factored as asked: damping up to "
          + "\(Format.significant(worst.damping?.used ?? 0)) of the mean diagonal (\(worst.role))")
    }
    return looked
  }

  private func show(
    _ pruned: PrunedModel, _ written: ReplacementReport, _ looked: [EditCheck], _ small: SparseReport?,
    _ report: inout ReportEnvelope, _ session: Session
  ) throws {
    if let small {
      try report.wrote(file: "\(small.output)/\(SparseCheckpoint.fileName)", role: "sparse_weights")
    } else {
      try report.wrote(checkpoint: written.output, modelHash: written.modelAfter)
    }
    let checks =
      [
        Check(
          "sparsity", pruned.pruned == pruned.asked, "\(pruned.pruned) of \(pruned.asked) weights asked for"),
        Check("replaced_tensors", true, "\(written.touched.count) tensors have the bytes that were promised"),
        Check(
          "untouched_tensors", true,
          "\(written.outcome.untouchedTensors) tensors are byte-identical to the source"),
        Check("side_files", true, "side files are byte-identical to the source"),
        Check(
          "something_changed", written.rowsChanged > 0,
          "\(written.rowsChanged) rows hold other numbers than before"),
      ] + looked.map { Check($0.id, $0.passed, $0.detail) }
    let bytes = try report.bytes(before: pruned.pruning.model.checkpoint, after: written.output)
    report.results["matrices"] = .array(pruned.matrices.map(\.json))
    report.results["tensors"] = .array(
      written.touched.map {
        [
          "name": .string($0.tensor), "rows_changed": .integer($0.rowsChanged),
          "sha256_before": .string($0.before), "sha256_after": .string($0.after),
        ]
      })
    report.results["weights"] = .integer(pruned.count)
    report.results["pruned"] = .integer(pruned.pruned)
    report.results["zeros"] = .integer(pruned.zeros)
    report.results["bytes"] = bytes
    if let small {
      report.results["bytes"] = [
        "before": .integer(small.bytesBefore), "after": .integer(small.bytesAfter),
        "note": .string(SparseReport.honesty),
      ]
      report.results["sparse"] = small.json
    }
    report.results["checks"] = .array(checks.map(\.json))
    report.results["model_before"] = .string(written.modelBefore)
    report.results["model_after"] = .string(written.modelAfter)
    let failed = checks.count { $0.passed == false }
    report.add(pruned.metrics)
    report.add([
      Metric(name: "problems", value: Double(failed), unit: "count", n: checks.count, higherIsBetter: false)
    ])
    report.gates.append(try Gate(metric: "problems", requires: "<= 0").outcome(report.metrics))
    try session.show(
      report,
      heading: [
        "\(output): \(Format.count(pruned.pruned)) of \(Format.count(pruned.count)) weights in "
          + "\(pruned.matrices.count) matrices are zero (\(Format.percent(pruned.sparsity))), "
          + "\(written.outcome.untouchedTensors) tensors byte-identical",
        small.map {
          "\(Format.bytes(UInt64($0.bytesBefore))) as \(Format.bytes(UInt64($0.bytesAfter))): \(SparseReport.honesty)"
        } ?? PrunedModel.note,
      ], tables: [pruned.table, looked.table])
  }
}
