import Glibc

/// One number that logits are divided by so that probabilities come true: the cheap twin of methods that train for
/// calibration (arXiv 1706.04599, section 4.2). It changes no answer.
public enum TemperatureScaling {
  /// The temperature with the least mean loss on a table (a validation one): β = 1/T is the root of the derivative
  /// mean_i(Σ_k p_k z_k − z_y), which rises with β.
  ///
  /// Newton's steps in log β within a bracket that halves where they leave it.
  /// - Throws: ``DistillationError/noTemperature(file:reason:)`` where the loss falls without end.
  /// - Complexity: O(n·K) a step, about 10 steps.
  public static func fit(_ table: LogitTable) throws(DistillationError) -> Double {
    var low = log(1e-4), high = log(1e4)
    func refuse(_ reason: String) -> DistillationError { .noTemperature(file: table.source, reason: reason) }
    guard slope(table, exp(high)).first < 0 || slope(table, exp(low)).first < 0 else {
      throw refuse("the loss is least where nothing is said (a temperature above 10,000)")
    }
    guard slope(table, exp(high)).first > 0 else {
      throw refuse("the loss falls with ever lower temperatures, as when every answer is right")
    }
    var place = 0.0  // log β, from T = 1
    for _ in 0..<200 {
      let beta = exp(place)
      let (first, second) = slope(table, beta)
      if first > 0 { high = place } else { low = place }
      // d/d(log β) = β·first; its derivative = β·first + β²·second.
      let curvature = beta * first + beta * beta * second
      var next = curvature > 0 ? place - beta * first / curvature : .nan
      if !(next > low && next < high) { next = (low + high) / 2 }
      if abs(next - place) < 1e-12 { return exp(-next) }
      place = next
    }
    return exp(-place)
  }

  /// First and second derivative of the mean loss by β.
  private static func slope(_ table: LogitTable, _ beta: Double) -> (first: Double, second: Double) {
    var logits = [Double](repeating: 0, count: table.classes)
    var first = 0.0, second = 0.0
    for (item, label) in table.labels.enumerated() {
      logits.withUnsafeMutableBufferPointer { table.fill(item, $0) }
      let top = logits.max() ?? 0
      var sum = 0.0, mean = 0.0, square = 0.0
      for value in logits where value > -.infinity {
        let e = exp(beta * (value - top))
        sum += e
        mean += e * (value - top)
        square += e * (value - top) * (value - top)
      }
      mean /= sum
      first += mean - max(logits[label] - top, -1e6)
      second += square / sum - mean * mean
    }
    return (first / Double(table.count), second / Double(table.count))
  }
}
