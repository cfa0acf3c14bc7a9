import JSON
import Reports
import Runtime

/// Tables of growth curves and estimates, ready for a README.
enum GrowthReport {
  /// A line a curve: its ends and its exponents.
  static func table(_ curves: [GrowthCurve]) -> Table {
    var table = Table([
      .init("Curve"), .init("Against"), .init("Points"), .init("Exponent", numeric: true),
      .init("Larger half", numeric: true), .init("Finding"), .init("Load", numeric: true),
    ])
    for curve in curves {
      table.add([
        .text(curve.title), .text(curve.of),
        .text(curve.points.map { point(curve, $0) }.joined(separator: ", ")),
        .number(curve.exponent, 3), .number(curve.tailExponent, 3),
        .text(!curve.isJudged ? "not judged" : curve.growsTooFast ? "GROWS TOO FAST" : "none"),
        .fixed(curve.points.map(\.load).max(), 1),
      ])
    }
    return table
  }

  /// A line an estimate.
  static func table(_ estimates: [GrowthEstimates.Estimate]) -> Table {
    var table = Table([
      .init("Model"), .init("Job"), .init("Cores", numeric: true), .init("Takes", numeric: true),
      .init("Rate", numeric: true), .init("Memory", numeric: true), .init("Limit"),
    ])
    for one in estimates {
      let rate = one.amount.map { Format.significant($0 / one.seconds) + " \(one.unit)/s" }
      table.add([
        .text(one.model), .text(one.job), .count(one.cores), .seconds(one.seconds),
        Table.Cell(rate ?? "", value: .optional(one.amount.map { $0 / one.seconds })),
        .bytes(UInt64(one.memoryBytes)), .text(one.limit),
      ])
    }
    return table
  }

  /// Both exponents in words.
  static func exponents(_ curve: GrowthCurve) -> String {
    func text(_ value: Double?) -> String { value.map { Format.fixed($0, 2) } ?? "–" }
    return
      "cost grows as work^\(text(curve.exponent)), over the larger half as work^\(text(curve.tailExponent))"
  }

  /// A point in short: where, and its rate.
  private static func point(_ curve: GrowthCurve, _ point: GrowthCurve.Point) -> String {
    let rate =
      curve.rateUnit == "bytes/s" || curve.rateUnit == "bytes/token"
      ? Format.bytes(UInt64(point.rate)) + curve.rateUnit.dropFirst("bytes".count)
      : Format.significant(point.rate) + " " + curve.rateUnit
    return "\(point.label.isEmpty ? Format.count(Int(point.at)) : point.label): \(rate)"
  }
}
