import JSON
import Runtime
import Statistics

/// How cost grows from point to point, beside the work that is done.
struct GrowthCurve: Sendable {
  /// One amount of work and what it cost.
  struct Point: Sendable {
    /// What grows, such as tokens of a text.
    var at: Double
    /// What was measured, where the number does not say it.
    var label = ""
    /// Operations, bytes or tokens.
    var work: Double
    /// Seconds of the fastest run, or bytes.
    var cost: Double
    /// What people look at, such as tokens a second.
    var rate: Double
    /// Load average afterwards.
    var load: Double
  }

  /// Its name on the command line.
  var name: String
  /// What is to be seen.
  var title: String
  /// What grows.
  var of: String
  /// `operations`, `bytes` or `tokens`.
  var workUnit: String
  /// `seconds` or `bytes`.
  var cost = "seconds"
  /// Unit of the rates.
  var rateUnit: String
  /// Whether cost that grows faster than work is a finding.
  var isJudged = true
  /// The points, small work first.
  var points: [Point] = []

  /// What an exponent may lie above one before it counts.
  static let tolerance = 0.1

  /// Of cost against work over all points; nil for fewer than two amounts of work.
  var exponent: Double? { Self.exponent(points) }

  /// The same over the larger half, at least three points: fixed costs of small work hide less there.
  var tailExponent: Double? {
    points.count < 4 ? exponent : Self.exponent(Array(points.suffix(max(3, points.count / 2))))
  }

  /// Whether cost grows faster than the work.
  var growsTooFast: Bool {
    isJudged && max(exponent ?? 0, tailExponent ?? 0) > 1 + Self.tolerance
  }

  private static func exponent(_ points: [Point]) -> Double? {
    PowerLaw(work: points.map(\.work), cost: points.map(\.cost))?.exponent
  }

  /// For the report.
  var json: JSONValue {
    [
      "name": .string(name), "title": .string(title), "of": .string(of), "work_unit": .string(workUnit),
      "cost": .string(cost),
      "points": .array(
        points.map {
          [
            "at": .number($0.at), "label": .string($0.label), "work": .number($0.work),
            "cost": .number($0.cost),
            "rate": .number($0.rate), "rate_unit": .string(rateUnit), "load_average": .number($0.load),
          ]
        }),
      "exponent": .optional(exponent), "tail_exponent": .optional(tailExponent),
      "judged": .bool(isJudged), "grows_too_fast": .bool(growsTooFast),
    ]
  }
}
