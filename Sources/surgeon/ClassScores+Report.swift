import JSON
import Reports
import Statistics

/// Scores of answers on their way into a report.
extension ClassScores {
  /// Every score with an interval that resamples items.
  func metrics(_ plan: Bootstrap, prefix: String = "") -> [Metric] {
    Name.allCases.map { name in
      let value = value(name)
      return Metric(
        name: prefix + name.rawValue, value: value, unit: name.unit, n: predictions.count,
        higherIsBetter: name == .overconfidence ? nil : false,
        interval: value == nil ? nil : plan.interval { self.value(name, weights: $0) },
        reason: value == nil ? "five classes or fewer" : nil)
    }
  }

  /// Reliability and risk–coverage, as schemas call them answers.
  var json: JSONValue {
    func bins(_ binning: Calibration.Binning) -> JSONValue {
      .array(
        self.bins(binning).map {
          [
            "lower": .number($0.lower), "upper": .number($0.upper), "items": .number($0.count),
            "confidence": .optional($0.confidence), "accuracy": .optional($0.frequency),
          ]
        })
    }
    let curve = RiskCoverage(confidence: predictions.confidence, correct: predictions.isCorrect).risks
    // A hundred points are enough for any picture; the area is of all of them.
    let places = Set((1...100).map { max(0, curve.count * $0 / 100 - 1) }).sorted()
    return [
      "reliability": ["equal_width_10": bins(.equalWidth), "equal_mass_15": bins(.equalMass)],
      "risk_coverage": .array(
        places.map {
          ["coverage": .number(Double($0 + 1) / Double(curve.count)), "risk": .number(curve[$0])]
        }),
    ]
  }
}
