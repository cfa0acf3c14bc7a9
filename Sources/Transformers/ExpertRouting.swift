import Layers
import Tensors

/// Which experts every token goes to, and how much of each it takes (arXiv 2101.03961, 2401.04088).
///
/// A token's choice depends on its own logits alone: the largest probabilities, of equal ones the lower expert.
struct ExpertRouting: Sendable {
  /// One token of one expert.
  struct Visit: Sendable, Equatable {
    /// Row of the batch.
    var row: Int
    /// What the expert's output is multiplied by.
    var weight: Float
  }

  /// The tokens of each expert, ascending; E lists with M · k visits in all.
  let visits: [[Visit]]

  /// Routes the tokens of a batch.
  /// - Parameters:
  ///   - logits: what the router says, `[M, E]`; becomes the probabilities.
  ///   - rows: M.
  ///   - experts: E.
  ///   - chosen: experts a token goes to, k ≤ E.
  ///   - normalised: the k probabilities are divided by their sum.
  /// - Complexity: O(M · E · k).
  init(_ logits: UnsafeMutablePointer<Float>, rows: Int, experts: Int, chosen: Int, normalised: Bool) {
    precondition(chosen > 0 && chosen <= experts, "\(chosen) of \(experts) experts")
    let choices = Slots(repeating: [Visit](), count: rows)
    Parallel.forEach(rows, grain: 64) { range in
      for row in range {
        let probabilities = logits + row * experts
        Softmax.apply(probabilities, count: experts)
        choices[row] = Self.choose(
          UnsafeBufferPointer(start: probabilities, count: experts), count: chosen, normalised: normalised)
      }
    }
    var visits = [[Visit]](repeating: [], count: experts)
    for row in 0..<rows {
      for choice in choices[row] { visits[choice.row].append(Visit(row: row, weight: choice.weight)) }
    }
    self.visits = visits
  }

  /// The experts (as `row`) and weights of one token, the most probable first.
  private static func choose(_ probabilities: UnsafeBufferPointer<Float>, count: Int, normalised: Bool)
    -> [Visit]
  {
    var best: [Visit] = []
    best.reserveCapacity(count + 1)
    for (expert, probability) in probabilities.enumerated() {
      // A later expert comes behind earlier ones of the same probability.
      let place = best.firstIndex { $0.weight < probability } ?? best.count
      guard place < count else { continue }
      best.insert(Visit(row: expert, weight: probability), at: place)
      if best.count > count { best.removeLast() }
    }
    guard normalised else { return best }
    let sum = best.reduce(Float(0)) { $0 + $1.weight }
    return best.map { Visit(row: $0.row, weight: $0.weight / sum) }
  }
}
