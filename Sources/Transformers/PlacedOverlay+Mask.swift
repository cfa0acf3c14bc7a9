import Architectures
import Layers
import OrderedCollections
import Tensors

/// Masks at run time.
///
/// A masked matrix is made when its product is due, into a room for one matrix that the next product uses again: the
/// anonymous memory is a bit a weight and the largest matrix, not a second copy of the weights, and nothing is written
/// to a disk. Making it takes a read and a write of the matrix a batch, little beside a product with hundreds of rows;
/// single tokens (generation) pay about as much again as their product costs.
extension PlacedOverlay {
  /// Masks a role's product and the rows that it has been given so far.
  /// - Throws: ``TransformerError/overlay(reason:)``, ``ArchitectureError``.
  mutating func mask(_ role: Role, _ bits: WeightBits, model: Model) throws {
    guard role.block != nil, model.binding.tensors[role]?.shape.count == 2 else {
      throw TransformerError.overlay(reason: "\(role) is no product of a block and cannot be masked")
    }
    let weight = try model.linear(role)
    guard weight.outputs == bits.rows, weight.inputs == bits.columns else {
      throw TransformerError.overlay(
        reason: "a mask [\(bits.rows), \(bits.columns)] for \(role) [\(weight.outputs), \(weight.inputs)]")
    }
    masks[role] = masks[role].map { $0.intersection(bits) } ?? bits
    products[role] = try products[role]?.map { change in
      guard let rows = change.weights else {
        throw TransformerError.overlay(reason: "a rank-one change of \(role) before its mask")
      }
      let part = bits.selecting(rows: change.rows)
      let masked = rows.masked(part, in: TensorStorage(byteCount: rows.byteCount))
      return RowChange(
        rows: change.rows, weights: masked, direction: change.direction, coefficients: change.coefficients)
    }
  }
}
