import Glibc
import Tensors
import Training

extension TrainableNetwork {
  /// All trained numbers as one vector `[P]`, parameter after parameter.
  public var weights: [Float] {
    parameters.flatMap { UnsafeBufferPointer(start: $0.value.f32, count: $0.count) }
  }

  /// Gives every trained number its value of a vector `[P]`.
  public func setWeights(_ weights: [Float]) {
    precondition(weights.count == parameterCount, "\(weights.count) numbers for \(parameterCount)")
    var start = 0
    for parameter in parameters {
      weights[start..<start + parameter.count].withUnsafeBufferPointer {
        if let from = $0.baseAddress { parameter.value.f32.update(from: from, count: $0.count) }
      }
      start += parameter.count
    }
  }

  /// Whether each trained number may differ from zero, `[P]`: false where it is pruned.
  var isKept: [Bool] {
    parameters.flatMap { parameter -> [Bool] in
      var kept = [Bool](repeating: true, count: parameter.count)
      for place in parameter.pruned { kept[place] = false }
      return kept
    }
  }
}

/// How far two networks of one shape lie apart.
public struct WeightDistance: Sendable, Equatable {
  /// ‖a − b‖₂ over all trained numbers.
  public let distance: Double
  /// The distance over the mean of ‖a‖₂ and ‖b‖₂.
  public let relative: Double

  init(distance: Double, relative: Double) { (self.distance, self.relative) = (distance, relative) }

  /// The distance of two vectors `[P]`, summed in f64 in one order.
  public init(_ a: [Float], _ b: [Float]) {
    precondition(a.count == b.count, "networks of different sizes")
    var apart = 0.0, first = 0.0, second = 0.0
    for (x, y) in zip(a, b) {
      apart += (Double(x) - Double(y)) * (Double(x) - Double(y))
      first += Double(x) * Double(x)
      second += Double(y) * Double(y)
    }
    distance = apart.squareRoot()
    let size = (first.squareRoot() + second.squareRoot()) / 2
    relative = size > 0 ? distance / size : 0
  }
}
