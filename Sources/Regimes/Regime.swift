/// The regimes of a pruned and retrained network (arXiv 2305.18383, figure 1).
public enum Regime: String, Sendable, CaseIterable {
  /// Siblings are not connected: a barrier lies between them.
  case one = "I"
  /// Connected, and unlike in their answers.
  case twoA = "II-A"
  /// Connected and alike.
  case twoB = "II-B"

  /// Where the rule says to move the temperature of the dense training.
  public var move: TemperatureMove {
    switch self {
    case .one: .raise
    case .twoA: .lower
    case .twoB: .stay
    }
  }
}

/// Which way to move the temperature of the dense training at a density.
public enum TemperatureMove: String, Sendable, CaseIterable {
  /// Hotter: fewer epochs, smaller batches, larger rates.
  case raise
  /// Colder.
  case lower
  /// Nowhere: no temperature of the grid is better than chance would make it.
  case stay
}

/// Two thresholds that tell the regimes apart. The published boundaries are drawn by hand: there are no standard values.
public struct RegimeRule: Sendable, Equatable {
  /// Below this connectivity (a fraction, negative) lies regime I.
  public var connectivity: Double
  /// Connected siblings of a similarity below this are II-A, others II-B.
  public var similarity: Double

  /// A rule.
  public init(connectivity: Double, similarity: Double) {
    (self.connectivity, self.similarity) = (connectivity, similarity)
  }

  /// The regime of a cell.
  public func regime(connectivity: Double, similarity: Double) -> Regime {
    connectivity < self.connectivity ? .one : similarity < self.similarity ? .twoA : .twoB
  }
}
