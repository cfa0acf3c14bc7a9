import Runtime
import Training

/// A setting of the dense training that acts like a temperature: hotter trainings end in flatter, noisier places. A knob is an
/// entry of this table; recipes and `surgeon ls knobs` derive from it.
public struct TemperatureKnob: Sendable {
  /// The name.
  public let name: String
  /// One line.
  public let summary: String
  /// Where it comes from.
  public let reference: String?
  /// Whether larger values are hotter.
  public let isHotterWhenLarger: Bool
  /// Which values it takes.
  public let range: ClosedRange<Double>
  /// Whether values are whole numbers.
  public let isWhole: Bool
  /// Whether all values are stops of one training (the longest), so that one run gives every temperature.
  public let isOneTraining: Bool
  /// The plan of a value, from the recipe's plan.
  let plan: @Sendable (_ value: Double, _ base: TrainingPlan) -> TrainingPlan

  private static let paper = "arXiv 2305.18383"

  /// Stops of one training: the published meaning of "epochs".
  static let epochs = TemperatureKnob(
    name: "epochs",
    summary:
      "the dense training is stopped after so many epochs of the longest one's schedule; fewer are hotter."
      + " As published; it cannot be told apart from whether the learning rate has dropped yet",
    reference: paper, isHotterWhenLarger: false, range: 1...1e6, isWhole: true, isOneTraining: true,
    plan: { value, base in base.with { $0.epochs = Int(value) } })

  /// All of them.
  public static let all: [TemperatureKnob] = [
    epochs,
    TemperatureKnob(
      name: "full-epochs",
      summary: "a dense training of its own for every value, with its whole schedule; fewer are hotter",
      reference: nil, isHotterWhenLarger: false, range: 1...1e6, isWhole: true, isOneTraining: false,
      plan: { value, base in base.with { $0.epochs = Int(value) } }),
    TemperatureKnob(
      name: "batch-size",
      summary:
        "items of a step, at the recipe's number of steps (epochs grow with the batch); smaller are hotter",
      reference: paper, isHotterWhenLarger: false, range: 1...1e6, isWhole: true, isOneTraining: false,
      plan: { value, base in
        base.with {
          $0.epochs = max(1, Int((Double(base.epochs) * value / Double(base.batchSize)).rounded()))
          $0.batchSize = Int(value)
        }
      }),
    TemperatureKnob(
      name: "learning-rate", summary: "the first learning rate; larger are hotter", reference: paper,
      isHotterWhenLarger: true, range: 1e-9...1e3, isWhole: false, isOneTraining: false,
      plan: { value, base in base.with { $0.learningRate = value } }),
    TemperatureKnob(
      name: "sharpness",
      summary: "the radius ρ of sharpness-aware minimisation, 0 for none; larger are taken for hotter",
      reference: paper + ", arXiv 2010.01412", isHotterWhenLarger: true, range: 0...1e3, isWhole: false,
      isOneTraining: false, plan: { value, base in base.with { $0.sharpness = value } }),
  ]

  /// The knob of a name.
  /// - Throws: ``RegimesError/unknownName(what:name:known:)``.
  public static func named(_ name: String) throws(RegimesError) -> TemperatureKnob {
    guard let knob = all.first(where: { $0.name == name }) else {
      throw .unknownName(what: "temperature knob", name: name, known: all.map(\.name))
    }
    return knob
  }

  /// Values from the hottest to the coldest.
  /// - Throws: ``RegimesError/badSetting(name:value:expected:)`` for fewer than two, equal ones, or values it does not take.
  func ordered(_ values: [Double]) throws(RegimesError) -> [Double] {
    let whole = isWhole ? "whole numbers" : "numbers"
    guard values.count > 1, Set(values).count == values.count,
      values.allSatisfy({ range.contains($0) && (!isWhole || $0 == $0.rounded()) })
    else {
      throw .badSetting(
        name: "temperature.values", value: values.map { "\($0)" }.joined(separator: ", "),
        expected: "two or more different \(whole) from \(range.lowerBound) to \(range.upperBound)")
    }
    return values.sorted { isHotterWhenLarger ? $0 > $1 : $0 < $1 }
  }
}

extension TrainingPlan {
  func with(_ change: (inout TrainingPlan) -> Void) -> TrainingPlan {
    var plan = self
    change(&plan)
    return plan
  }
}
