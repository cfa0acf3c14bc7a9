import Architectures
import ArgumentParser
import Checkpoints
import JSON
import OrderedCollections
import Probing
import Reports
import Runtime
import Statistics
import Surgery
import Tensors

/// `surgeon diff A B`.
struct DiffCommand: ReportingCommand {
  static let configuration = CommandConfiguration(
    commandName: "diff",
    abstract:
      "Which tensors, rows and side files differ between two checkpoints, and what edit it looks like.",
    discussion: """
      Every tensor that moved: rows, values, norms, cosine, the rows that moved most, numerical rank and singular values of
      the change. A Model Surgery edit or a directional ablation is recognised by its form alone, with its direction,
      strength and rows, and compared with --probe. Streams both folders; needs no tokenizer.

      Example: surgeon diff models/llama models/llama-calm --probe probe
      """)
  static let kind = "diff"

  @Argument(help: "The first checkpoint folder, what it was.")
  var first: String

  @Argument(help: "The second checkpoint folder, what it became.")
  var second: String

  @Option(parsing: .upToNextOption, help: "Probe folders whose directions are compared with the change.")
  var probe: [String] = []

  @Flag(help: "List every row that moved in the report, whatever kind of change it is.")
  var rows = false

  @Flag(help: "Only say what would be read.")
  var dryRun = false

  @OptionGroup var common: CommonOptions

  var defaultReport: String? { nil }

  func work(_ report: inout ReportEnvelope, _ session: Session) throws {
    let (a, b) = (try Checkpoint(folder: first), try Checkpoint(folder: second))
    if dryRun {
      let bytes = 2 * (a.weightBytes + b.weightBytes)
      let run = DryRun(
        readBytes: bytes, writeBytes: 0, holdBytes: 128 << 20, output: first, seconds: Double(bytes) / 1e9)
      report.results = ["verdict": nil, "tensors": [], "edits": [], "dry_run": run.json]
      return try session.show(report, heading: run.lines, tables: [])
    }
    let directions = try probe.map { path in
      let probe = try ProbeFile.read(path)
      try report.read(probe: path)
      return Diff.ProbeDirection(
        name: probe.name, site: try Site(parsing: probe.site), direction: probe.fit.direction)
    }
    try report.read(a, role: "first_model", hashing: false, progress: session.progress)
    try report.read(b, role: "second_model", hashing: false, progress: session.progress)
    let diff = try Diff(a, b, probes: directions, progress: session.progress)
    for (checkpoint, name) in [(a, "first"), (b, "second")] {
      for note in checkpoint.notes { report.warn("CHECKPOINT_NOTE", "\(name): \(note)") }
    }
    report.results = diff.json(rows: rows)
    report.add(diff.metrics(parameters: a.parameterCount))
    try session.show(
      report, heading: diff.heading, tables: [diff.table, diff.fileTable].filter { !$0.rows.isEmpty })
  }
}

extension Diff {
  fileprivate func metrics(parameters: Int) -> [Metric] {
    let changed = difference.changed
    let tensors = changed.count + difference.identical
    var metrics = [
      Metric(
        name: "tensors_changed", value: Double(changed.count), unit: "count", n: tensors,
        higherIsBetter: false),
      Metric(
        name: "tensors_retyped", value: Double(difference.retyped.count), unit: "count", n: tensors,
        higherIsBetter: false),
      Metric(
        name: "tensors_missing",
        value: Double(difference.onlyInFirst.count + difference.onlyInSecond.count), unit: "count",
        n: tensors,
        higherIsBetter: false),
      Metric(
        name: "rows_changed", value: Double(changed.reduce(0) { $0 + $1.rows.count }), unit: "count",
        n: tensors, higherIsBetter: false),
      Metric(
        name: "values_changed", value: Double(changed.reduce(0) { $0 + $1.valuesChanged }), unit: "count",
        n: parameters, higherIsBetter: false),
      Metric(
        name: "files_changed",
        value: Double(
          difference.filesChanged.count + difference.filesOnlyInFirst.count
            + difference.filesOnlyInSecond.count), unit: "count", n: 1, higherIsBetter: false),
      Metric(
        name: "edits_recognised", value: Double(edits.count), unit: "count", n: 1),
    ]
    if let relativeNorm {
      metrics.append(
        Metric(
          name: "relative_norm", value: relativeNorm, unit: "fraction", n: changed.count,
          higherIsBetter: false))
    }
    for (index, match) in probes.enumerated() {
      guard let cosine = match.cosine ?? match.nearest?.cosine else { continue }
      metrics.append(
        Metric(
          name: index == 0 ? "probe_cosine" : "probe_cosine_\(index + 1)", value: cosine, unit: "cosine", n: 1
        ))
    }
    return metrics
  }

  fileprivate var heading: [String] {
    let changed = difference.changed
    var lines = ["verdict: \(verdict.rawValue)"]
    let rows = changed.reduce(0) { $0 + $1.rows.count }
    lines.append(
      "\(changed.count) tensors differ in \(Format.count(rows)) rows, \(difference.identical) are byte-identical"
        + (relativeNorm.map { "; together they moved by \(Format.percent($0, 2)) of their norm" } ?? ""))
    for (what, names) in [
      ("only in the first", difference.onlyInFirst), ("only in the second", difference.onlyInSecond),
    ] where !names.isEmpty {
      lines.append("\(what): \(names.prefix(6).joined(separator: ", "))" + (names.count > 6 ? ", …" : ""))
    }
    for tensor in difference.retyped.prefix(6) {
      let how =
        tensor.isRounding
        ? ": the same values, rounded"
        : tensor.relativeNorm.map { ": values moved by \(Format.percent($0, 2))" } ?? ""
      lines.append("\(tensor.tensor) was \(tensor.first) and is \(tensor.second)\(how)")
    }
    if difference.retyped.count > 6 {
      lines.append("… and \(difference.retyped.count - 6) more of other types")
    }
    for edit in edits { lines.append(edit.sentence) }
    for match in probes { lines.append(match.sentence) }
    return lines
  }

  fileprivate var table: Table {
    var table = Table([
      .init("Tensor"), .init("Role"), .init("Rows", numeric: true), .init("Of", numeric: true),
      .init("Relative norm", numeric: true), .init("Cosine", numeric: true),
      .init("Largest", numeric: true), .init("Row most moved", key: "largest_row", numeric: true),
      .init("Rank", numeric: true), .init("Singular values"), .init("Form"),
    ])
    for movement in movements {
      let change = movement.difference
      let rank = movement.spectrum.map { "\($0.isLowerBound ? "≥ " : "")\($0.rank)" }
      table.add([
        .text(change.tensor), .text(movement.role), .count(change.rows.count), .count(change.rowCount),
        .percent(change.relativeNorm, 2), .fixed(change.cosine, 6), .number(change.largest, 3),
        .count(change.largestRows.first?.row),
        .init(rank ?? "–", value: .optional(movement.spectrum?.rank)),
        .text(
          movement.spectrum?.values.prefix(3).map { Format.significant($0, 3) }.joined(separator: ", ")),
        .text(movement.form.name),
      ])
    }
    return table
  }

  fileprivate var fileTable: Table {
    var table = Table([.init("Side file"), .init("How")])
    for file in difference.filesChanged { table.add([.text(file), .text("other bytes")]) }
    for file in difference.filesOnlyInFirst { table.add([.text(file), .text("only in the first")]) }
    for file in difference.filesOnlyInSecond { table.add([.text(file), .text("only in the second")]) }
    return table
  }

  fileprivate func json(rows: Bool) -> JSONValue {
    [
      "verdict": .string(verdict.rawValue), "identical_tensors": .integer(difference.identical),
      "relative_norm": .optional(relativeNorm),
      "edits": .array(edits.map { $0.json(movements) }),
      "probes": .array(probes.map(\.json)),
      "tensors": .array(movements.map { $0.json(rows: rows) }),
      "retyped": .array(
        difference.retyped.map {
          [
            "name": .string($0.tensor), "first": .string($0.first), "second": .string($0.second),
            "relative_norm": .optional($0.relativeNorm), "is_rounding": .bool($0.isRounding),
          ]
        }),
      "only_in_first": .strings(difference.onlyInFirst), "only_in_second": .strings(difference.onlyInSecond),
      "files": [
        "changed": .strings(difference.filesChanged), "only_in_first": .strings(difference.filesOnlyInFirst),
        "only_in_second": .strings(difference.filesOnlyInSecond),
      ],
    ]
  }
}

extension Diff.Movement {
  fileprivate func json(rows: Bool) -> JSONValue {
    var json: JSONValue = [
      "name": .string(difference.tensor), "role": .optional(role),
      "dtype": .string(difference.dtype.rawValue),
      "shape": .integers(difference.shape), "rows": .integer(difference.rowCount),
      "rows_changed": .integer(difference.rows.count), "columns_changed": .integer(difference.columnsChanged),
      "values_changed": .integer(difference.valuesChanged), "not_finite": .integer(difference.nonFinite),
      "norm": .optional(difference.norm), "relative_norm": .optional(difference.relativeNorm),
      "cosine": .optional(difference.cosine), "largest": .optional(difference.largest),
      "form": .string(form.name),
      "rank": .optional(spectrum?.rank),
      "rank_is_lower_bound": spectrum.map { .bool($0.isLowerBound) } ?? .null,
      "stable_rank": .optional(spectrum?.stableRank), "rounding_floor": .optional(spectrum?.floor),
      "singular_values": .array((spectrum?.values ?? []).map(JSONValue.number)),
      "largest_rows": .array(
        difference.largestRows.map {
          [
            "row": .integer($0.row), "norm": .number($0.norm), "relative_norm": .optional($0.relative),
            "cosine": .optional($0.cosine),
          ]
        }),
    ]
    if rows { json["changed_rows"] = .integers(difference.rows) }
    return json
  }
}

extension RecognisedEdit {
  fileprivate var sentence: String {
    let range =
      strengthRange.lowerBound == strengthRange.upperBound
      ? ""
      : " (\(Format.significant(strengthRange.lowerBound, 3)) … \(Format.significant(strengthRange.upperBound, 3)))"
    let worst = tensors.map(\.cosine).min() ?? 0
    switch kind {
    case .modelSurgery:
      return
        "a Model Surgery edit: one vector added to \(Format.count(rows)) rows of \(tensors.count) matrices, "
        + "strength \(Format.significant(strength, 3)) of the rows' median norm\(range), space "
        + "\(space?.rawValue ?? "unknown"), directions agree to a cosine of \(Format.fixed(worst, 4))"
    case .directionalAblation:
      return
        "a directional ablation: one direction projected out of \(tensors.count) matrices, share removed "
        + "\(Format.significant(strength, 3))\(range), directions agree to a cosine of \(Format.fixed(worst, 4))"
    }
  }

  fileprivate func json(_ movements: [Diff.Movement]) -> JSONValue {
    let forms = Dictionary(
      movements.map { ($0.difference.tensor, $0.form) }, uniquingKeysWith: { first, _ in first })
    return [
      "kind": .string(kind.rawValue), "space": .optional(space?.rawValue), "strength": .number(strength),
      "strength_lower": .number(strengthRange.lowerBound),
      "strength_upper": .number(strengthRange.upperBound),
      "added_length": .optional(addedLength), "rows": .integer(rows),
      "direction": .array(direction.map(JSONValue.number)),
      "tensors": .array(
        tensors.map { name, cosine in
          var json: JSONValue = ["name": .string(name), "cosine": .number(cosine)]
          switch forms[name] {
          case .addition(_, let length, let outputs, let transposed):
            json["added_length"] = .number(length)
            json["rows"] = .integers(outputs)
            json["transposed"] = .bool(transposed)
          case .ablation(_, let strength, let ofOutputs):
            json["strength"] = .number(strength)
            json["side"] = .string(ofOutputs ? "outputs" : "inputs")
          default: break
          }
          return json
        }),
    ]
  }
}

extension Diff.ProbeMatch {
  fileprivate var sentence: String {
    if let cosine {
      return "probe \(probe) at \(site): cosine \(Format.fixed(cosine, 4)) to the edit's direction"
        + (alpha.map { ", α \(Format.significant($0, 3))" } ?? "")
    }
    if let nearest {
      return
        "probe \(probe) at \(site): no edit was recognised; nearest is the leading vector of \(nearest.tensor), "
        + "|cosine| \(Format.fixed(nearest.cosine, 4))"
    }
    return "probe \(probe) at \(site): no change has its width"
  }

  fileprivate var json: JSONValue {
    [
      "probe": .string(probe), "site": .string(site), "cosine": .optional(cosine), "alpha": .optional(alpha),
      "nearest": nearest.map { ["tensor": .string($0.tensor), "cosine": .number($0.cosine)] } ?? .null,
    ]
  }
}
