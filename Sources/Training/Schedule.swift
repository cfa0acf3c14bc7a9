import Glibc

/// How the learning rate moves over a training, as a factor of its first value. `progress` is the share of the epochs
/// that are done, counted in steps, 0 ..< 1.
public enum Schedule: Sendable, Equatable {
  /// Always the same.
  case constant
  /// Times `factor` at each of some shares of the training (0.5 and 0.75: half way and at three quarters).
  case step(at: [Double], factor: Double)
  /// Half a cosine down to `floor`.
  case cosine(floor: Double)
  /// A line down to `floor`.
  case linear(floor: Double)

  /// The names that recipes use.
  public static let names = ["constant", "step", "cosine", "linear"]

  /// The factor at a place, with a linear rise over the first `warmUp` share of the training.
  public func factor(progress: Double, warmUp: Double = 0) -> Double {
    if warmUp > 0, progress < warmUp { return progress / warmUp }
    let rest = warmUp < 1 ? (progress - warmUp) / (1 - warmUp) : 1
    switch self {
    case .constant: return 1
    case .step(let places, let factor): return pow(factor, Double(places.count { progress >= $0 }))
    case .cosine(let floor): return floor + (1 - floor) * (1 + cos(.pi * rest)) / 2
    case .linear(let floor): return floor + (1 - floor) * (1 - rest)
    }
  }
}
