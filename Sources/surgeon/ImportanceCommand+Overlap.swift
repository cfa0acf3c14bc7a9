import Architectures
import ArgumentParser
import Importance
import JSON
import Reports
import Runtime
import Statistics
import Transformers

/// `surgeon importance MODEL --overlap`: where scores agree.
struct OverlapOptions: ParsableArguments {
  @Flag(help: "Compare the scores with one another, per role and block; grain row unless --grain says.")
  var overlap = false

  @Option(help: "Of --overlap, the share of units that count as the top.")
  var topShare = "10%"

  /// - Throws: ``ImportanceError``, ``Interrupted``.
  func answer(
    _ question: ImportanceCommand.Question, _ report: inout ReportEnvelope, _ session: Session
  ) throws {
    let overlap = try Overlap(
      question.matrices, scores: question.scores, grain: question.grain ?? .row,
      aggregation: question.aggregation, share: Budget.sparsity(parsing: topShare),
      of: question.model.network, evidence: question.evidence, progress: session.progress)
    report.results = overlap.json
    report.add(overlap.metrics)
    try session.show(report, heading: overlap.heading, tables: [overlap.table])
  }
}

extension Overlap {
  fileprivate var heading: [String] {
    let roles = lines.filter { $0.block == nil }
    return [
      "top \(Format.percent(share, 1)) of each matrix's units of grain \(grain.rawValue); by chance "
        + "\(Format.percent(share, 1)) are shared"
    ]
      + roles.map { line in
        "\(line.role), all blocks: of the \(Format.count(line.top)) that matter most by "
          + "\(scores[line.first].description), pruning as many by \(scores[line.second].description) removes "
          + "\(Format.percent(line.removed, 1)); rank correlation "
          + "\(line.correlation.map { Format.fixed($0, 3) } ?? "undefined")"
      }
  }

  fileprivate var table: Table {
    var table = Table([
      .init("Role"), .init("Block"), .init("Score", key: "first"), .init("against", key: "second"),
      .init("Units", numeric: true), .init("Top", numeric: true),
      .init("Rank correlation", key: "correlation", numeric: true),
      .init("Top shared", key: "overlap", numeric: true),
      .init("Top removed", key: "removed", numeric: true),
      .init("and back", key: "removed_back", numeric: true),
    ])
    for line in lines {
      table.add([
        .text(line.role), .text(line.block.map(String.init) ?? "all"), .text(scores[line.first].description),
        .text(scores[line.second].description), .count(line.units), .count(line.top),
        .fixed(line.correlation, 3), .percent(line.overlap, 1), .percent(line.removed, 1),
        .percent(line.removedBack, 1),
      ])
    }
    return table
  }

  /// The first pair over all blocks, averaged over roles by their units.
  fileprivate var metrics: [Metric] {
    let own = lines.filter { $0.block == nil && $0.first == 0 && $0.second == 1 }
    let count = own.reduce(0) { $0 + $1.units }
    func mean(_ value: (Line) -> Double?) -> Double? {
      let values = own.compactMap { line in value(line).map { ($0, line.units) } }
      guard values.count == own.count, count > 0 else { return nil }
      return values.reduce(0) { $0 + $1.0 * Double($1.1) } / Double(count)
    }
    return [
      Metric(
        name: "rank_correlation", value: mean(\.correlation), unit: "correlation", n: count,
        reason: mean(\.correlation) == nil ? "a score is the same for all units" : nil),
      Metric(name: "top_shared", value: mean(\.overlap), unit: "fraction", n: count),
      Metric(name: "top_removed", value: mean(\.removed), unit: "fraction", n: count),
      Metric(name: "top_by_chance", value: share, unit: "fraction", n: count),
    ]
  }

  fileprivate var json: JSONValue {
    [
      "grain": .string(grain.rawValue), "scores": .strings(scores.map(\.description)),
      "top_share": .number(share),
      "overlap": .array(
        lines.map { line in
          [
            "role": .string(line.role), "block": .optional(line.block),
            "first": .string(scores[line.first].description),
            "second": .string(scores[line.second].description), "units": .integer(line.units),
            "top": .integer(line.top), "correlation": .optional(line.correlation),
            "overlap": .number(line.overlap), "removed": .number(line.removed),
            "removed_back": .number(line.removedBack),
          ]
        }),
    ]
  }
}
