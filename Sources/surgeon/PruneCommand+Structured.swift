import Architectures
import ArgumentParser
import Checkpoints
import Importance
import JSON
import Layers
import Reports
import Runtime
import Statistics
import Surgery
import Tokenizers
import Transformers

/// `surgeon prune MODEL --structured neurons|heads --sparsity X -o OUT`: a smaller model.
struct StructuredOptions: ParsableArguments {
  @Option(help: "Take whole neurons or heads out, so that the model shrinks: \(units).")
  var structured: String?

  @Option(help: "Of --structured, how the weights of a unit become one score: sum, mean or max.")
  var aggregate = "sum"

  @Option(
    help: "Of --structured, what stays is a multiple of this; kernels for experts in other programs want 8.")
  var multipleOf = 1

  func validate() throws {
    if multipleOf < 1 { throw ValidationError("--multiple-of must be 1 or more") }
  }

  static let units = StructuredUnit.allCases.map(\.rawValue).joined(separator: ", ")

  /// Cut tensors that the comparison with the masked original may hold, in bytes.
  private static let mostMasked = 1 << 30

  /// The unit; nil where single weights are pruned.
  /// - Throws: ``ProgramError``.
  func unit() throws -> StructuredUnit? {
    try structured.map { name in
      guard let unit = StructuredUnit(rawValue: name) else {
        throw ProgramError.unknownName(
          what: "structure", name: name, known: StructuredUnit.allCases.map(\.rawValue))
      }
      return unit
    }
  }

  /// Scores the units, writes the smaller checkpoint, and compares it with the masked original.
  func answer(
    _ unit: StructuredUnit, _ opened: OpenedModel, score: Score, share: Double, evidence: EvidenceSource,
    output: String, canaries: Int, dryRun: Bool, _ report: inout ReportEnvelope, _ session: Session
  ) throws {
    let model = opened.model
    let aggregation = try UnitScores.Aggregation.named(aggregate)
    let scores = try UnitScores(
      try model.prunableMatrices(), grain: unit.grain, score: score, aggregation: aggregation,
      of: model.network, evidence: evidence, progress: session.progress)
    let plan = try StructuredPlan(
      unit, share: share, multiple: multipleOf, binding: model.binding, scores: scores)
    let cuts = try plan.cuts(binding: model.binding, checkpoint: model.checkpoint)
    let left = try model.checkpoint.parameterCount(after: cuts)
    report.results["score"] = .string(score.description)
    report.results["group"] = .string("block")
    report.results["budget"] = "uniform"
    report.results["sequential"] = false
    report.results["sparsity_asked"] = .number(share)
    report.results["matrices"] = []
    report.results["checks"] = []
    report.results["structured"] = plan.json(
      aggregation: aggregation.rawValue, before: model.checkpoint.parameterCount, after: left)
    if dryRun {
      let bytes = model.checkpoint.weightBytes
      let run = DryRun(
        readBytes: 4 * bytes,
        writeBytes: Int(Double(bytes) * Double(left) / Double(max(1, model.checkpoint.parameterCount))),
        holdBytes: 64 << 20, output: output, seconds: Double(bytes) / 4e8)
      report.results["dry_run"] = run.json
      return try session.show(report, heading: run.lines, tables: [])
    }
    let written = try plan.write(
      model, score: score.description, to: output, progress: session.progress)
    try report.wrote(checkpoint: written.output, modelHash: written.modelHash)
    let checks =
      [
        Check("config", true, "config.json reads back with \(plan.count - plan.removed) \(unit.rawValue)"),
        Check("untouched_tensors", true, "\(written.untouched) tensors are byte-identical to the source"),
        Check(
          "smaller", written.parametersAfter < written.parametersBefore,
          "\(Format.count(written.parametersBefore)) parameters became \(Format.count(written.parametersAfter))"
        ),
      ] + (canaries > 0 ? [try agreement(plan, model, written.output, canaries)] : [])
    for check in checks where check.passed == false {
      report.warn("CHECK_FAILED", "\(check.id): \(check.detail)")
    }
    report.results["checks"] = .array(checks.map(\.json))
    report.results["bytes"] = [
      "before": .integer(written.bytesBefore), "after": .integer(written.bytesAfter),
      "note": "smaller and faster in every program: the matrices themselves have fewer rows and columns",
    ]
    report.results["cut_tensors"] = .array(
      written.cut.map {
        [
          "name": .string($0.tensor), "shape_before": .integers($0.before),
          "shape_after": .integers($0.after),
        ]
      })
    report.add([
      Metric(
        name: "parameters_ratio",
        value: Double(written.parametersAfter) / Double(max(1, written.parametersBefore)), unit: "ratio",
        n: written.parametersBefore, higherIsBetter: false),
      Metric(
        name: "problems", value: Double(checks.count { $0.passed == false }), unit: "count", n: checks.count,
        higherIsBetter: false),
    ])
    report.gates.append(try Gate(metric: "problems", requires: "<= 0").outcome(report.metrics))
    try session.show(
      report,
      heading: [
        "\(output): \(plan.removed) of \(plan.count) \(unit.rawValue) out of each of \(plan.parts.count) parts; "
          + "\(Format.count(written.parametersBefore)) parameters became \(Format.count(written.parametersAfter))"
      ], tables: [plan.table])
  }

  /// Canary tokens through the masked original and the smaller model.
  private func agreement(
    _ plan: StructuredPlan, _ model: Model, _ output: String, _ canaries: Int
  ) throws -> Check {
    let bytes = try plan.maskBytes(model)
    guard bytes <= Self.mostMasked else {
      return Check(
        "masked_logits", nil,
        "not run: the masked original would hold \(Format.bytes(UInt64(bytes))) in memory")
    }
    do {
      let vocabulary = model.network.vocabulary
      let ids: [[Int32]]
      if let tokenizer = try? Tokenizer(folder: model.checkpoint.folder) {
        ids = EditCheck.canaries.prefix(canaries).map {
          Array(tokenizer.encode($0).ids.filter { $0 < Int32(clamping: vocabulary) }.prefix(32))
        }.filter { !$0.isEmpty }
      } else {
        var random = CounterRandom(seed: 0, stream: "canaries")
        ids = (0..<canaries).map { _ in (0..<12).map { _ in Int32(random.below(max(1, vocabulary))) } }
      }
      let found = try plan.agreement(model.computing(in: .f32), try Model(folder: output), ids: ids)
      return Check(
        "masked_logits", found.passed,
        "results of \(ids.count) canary texts differ from the masked original's by up to "
          + "\(Format.significant(Double(found.largest), 3)) of \(Format.significant(Double(found.magnitude), 3))"
      )
    } catch let interruption as Interrupted {
      throw interruption
    } catch let error as any SurgeonError {
      return Check("masked_logits", nil, "not run: \(error.found)")
    }
  }
}

extension StructuredPlan {
  fileprivate func json(aggregation: String, before: Int, after: Int) -> JSONValue {
    [
      "unit": .string(unit.rawValue), "aggregation": .string(aggregation), "removed": .integer(removed),
      "of": .integer(count), "parameters_before": .integer(before), "parameters_after": .integer(after),
      "parts": .array(
        parts.map {
          ["block": .integer($0.block), "expert": .optional($0.expert), "removed": .integers($0.removed)]
        }),
    ]
  }

  /// A line a part, the first of the removed named.
  fileprivate var table: Table {
    var table = Table([
      .init("Block", numeric: true), .init("Expert", numeric: true), .init("Removed", numeric: true),
      .init("Which", key: "removed_units"),
    ])
    for part in parts {
      let first = part.removed.prefix(12).map(String.init).joined(separator: ", ")
      table.add([
        .count(part.block), .count(part.expert), .count(part.removed.count),
        .text(part.removed.count > 12 ? first + ", …" : first),
      ])
    }
    return table
  }
}
