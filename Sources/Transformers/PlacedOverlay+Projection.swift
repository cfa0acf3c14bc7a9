import Architectures
import Checkpoints
import Layers
import OrderedCollections
import Tensors

/// A direction that vectors lose at run time.
struct Projection: Sendable {
  /// Of length 1, `[D]`.
  let direction: [Float]
  /// 1 takes out all of it.
  let strength: Float

  /// x ← x − s·d(d·x) for each of `rows` rows, products and sums in f64: a row's result depends on that row alone.
  func apply(_ x: UnsafeMutablePointer<Float>, rows: Int) {
    let width = direction.count
    Parallel.forEach(rows, grain: max(1, 65536 / max(1, width))) { range in
      for row in range {
        let x = x + row * width
        var dot = 0.0
        for k in 0..<width { dot += Double(direction[k]) * Double(x[k]) }
        let length = Float(Double(strength) * dot)
        for k in 0..<width { x[k] -= length * direction[k] }
      }
    }
  }
}

extension PlacedOverlay {
  /// Sorts replaced tensors by the roles that read them.
  /// - Throws: ``TransformerError/overlay(reason:)`` for a tensor that no product or table reads, or of another shape.
  mutating func replace(_ tensors: [String: Tensor], model: Model) throws {
    let source = WeightSource(checkpoint: model.checkpoint, binding: model.binding, replaced: tensors)
    var used: Set<String> = []
    for (role, bound) in model.binding.tensors {
      let names = [bound.tensor, bound.bias].compactMap { $0 }.filter { tensors[$0] != nil }
      guard !names.isEmpty else { continue }
      for name in names {
        guard let entry = model.checkpoint.entry(name), entry.shape == tensors[name]?.shape,
          entry.dtype == tensors[name]?.dtype
        else {
          throw TransformerError.overlay(reason: "\(name) is replaced by a tensor of another shape or type")
        }
      }
      switch role {
      case .tokenEmbedding, .positionEmbedding, .tokenTypeEmbedding: tables[role] = tensors[bound.tensor]
      default:
        guard bound.shape.count == 2 else {
          throw TransformerError.overlay(reason: "\(role) cannot be replaced at run time")
        }
        replaced[role] = try source.linear(role)
      }
      used.formUnion(names)
    }
    // A head that is stored beside the embedding it is tied to is read by nobody.
    let unread = Set(model.binding.unused.map(\.name))
    if let name = tensors.keys.sorted().first(where: { !used.contains($0) && !unread.contains($0) }) {
      throw TransformerError.overlay(reason: "no product reads \(name)")
    }
  }

  /// Takes directions out of the vectors of a role, `[rows, D]`.
  func project(_ role: Role, _ x: UnsafeMutablePointer<Float>, rows: Int) {
    for projection in projections[role] ?? [] { projection.apply(x, rows: rows) }
  }
}
