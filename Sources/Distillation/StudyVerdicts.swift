import OrderedCollections
import Runtime
import Statistics

/// What came out of a study in sentences, each made from its numbers.
struct StudyVerdicts {
  let outcome: StudyOutcome

  /// Scores that sentences speak of, with their names and units.
  private static let told: [(score: ClassScores.Name, name: String)] = [
    (.top1Error, "top-1 error"), (.nll, "NLL"), (.ece10, "ECE"), (.aurc, "AURC"),
  ]

  /// All sentences, setting by setting.
  var sentences: [(setting: String, text: String)] {
    outcome.settings.keys.flatMap { setting in
      ([baseline(setting)] + comparisons(setting) + conclusions(setting)).compactMap { $0 }.map {
        (setting, $0)
      }
    }
  }

  /// Whether cross-entropy is sure of more than comes true.
  private func baseline(_ setting: String) -> String? {
    guard let arm = outcome.arm(ArmKind.crossEntropy, in: setting),
      let estimate = StudyOutcome.estimate(arm.scores["test"]?[.overconfidence])
    else { return nil }
    let points = Format.signed(estimate.mean * 100, 1)
    guard let interval = estimate.studentInterval() else {
      return "Cross-entropy's confidence lies \(points) points from its accuracy (one seed: no interval)."
    }
    let range = "\(points) points (\(Self.ends(interval, 100, 1)))"
    if interval.lower > 0 { return "Cross-entropy is over-confident: confidence minus accuracy is \(range)." }
    if interval.upper < 0 {
      return "Cross-entropy is under-confident: confidence minus accuracy is \(range)."
    }
    return "Cross-entropy is as confident as it is right: confidence minus accuracy is \(range)."
  }

  private func comparisons(_ setting: String) -> [String] {
    (outcome.settings[setting] ?? []).flatMap { arm -> [String] in
      guard arm.arm.name != ArmKind.crossEntropy else { return [] }
      return outcome.baselines(of: arm, in: setting).map { other in
        let parts = Self.told.compactMap { told in
          StudyOutcome.compare(arm, with: other, told.score).map { Self.words($0, told.name) }
        }
        return "\(arm.arm.name) against \(other.arm.name): \(parts.joined(separator: "; "))."
      }
    }
  }

  /// What follows for every arm of PS-KD.
  private func conclusions(_ setting: String) -> [String] {
    (outcome.settings[setting] ?? []).filter { $0.arm.kind == ArmKind.selfDistillation }.compactMap { arm in
      let twins = outcome.baselines(of: arm, in: setting)
      guard let base = twins.first(where: { $0.arm.kind == ArmKind.crossEntropy }),
        let nll = StudyOutcome.compare(arm, with: base, .nll),
        let ece = StudyOutcome.compare(arm, with: base, .ece10),
        let error = StudyOutcome.compare(arm, with: base, .top1Error)
      else { return nil }
      var text = "\(arm.arm.name) beside plain labels: NLL \(Self.judged(nll)), "
      text += "calibration \(Self.judged(ece)), top-1 error \(Self.judged(error))"
      if let scaled = twins.first(where: { $0.arm.kind == ArmKind.temperatureScaling }),
        let twinNLL = StudyOutcome.compare(arm, with: scaled, .nll),
        let twinECE = StudyOutcome.compare(arm, with: scaled, .ece10)
      {
        text += "; beside one temperature fitted afterwards: NLL \(Self.judged(twinNLL)), "
        text += "calibration \(Self.judged(twinECE))"
      }
      return text + "."
    }
  }

  private static func judged(_ comparison: StudyOutcome.Comparison) -> String {
    switch comparison.sign {
    case -1: "better"
    case 1: "worse"
    default: "not clearly different"
    }
  }

  private static func words(_ comparison: StudyOutcome.Comparison, _ name: String) -> String {
    let isShare = comparison.score.unit == "fraction"
    let scale = isShare ? 100.0 : 1, digits = isShare ? 1 : comparison.score == .nll ? 3 : 1
    let word = comparison.sign < 0 ? "lower" : comparison.sign > 0 ? "higher" : "no clear difference"
    let mean = Format.signed(comparison.estimate.mean * scale, digits) + (isShare ? " points" : "")
    let range = comparison.interval.map { " (\(ends($0, scale, digits)))" } ?? ""
    return "\(name) \(word), \(mean)\(range)"
  }

  private static func ends(_ interval: Interval, _ scale: Double, _ digits: Int) -> String {
    "\(Format.signed(interval.lower * scale, digits)) … \(Format.signed(interval.upper * scale, digits))"
  }
}
