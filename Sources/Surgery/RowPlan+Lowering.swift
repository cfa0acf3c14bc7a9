import Architectures
import Checkpoints
import Tensors
import Transformers

/// From a plan to what acts: an overlay for the grid of a sweep, a patch for a checkpoint, and the overlay of a patch.
extension RowPlan {
  /// The rank-one overlay of a strength: exact in f32, without the rounding of the stored type.
  public func overlay(strength: Double) -> Overlay {
    Overlay(
      blocks.flatMap { block in
        let direction = delta(block: block, strength: strength)
        return rowsByRole(in: block).map { role, rows in
          Overlay.Change.rankOne(
            role: role, rows: rows, coefficients: Array(repeating: 1, count: rows.count), direction: direction
          )
        }
      })
  }

  /// The row changes of a strength under the checkpoint's tensor names, for `Patch.build`.
  /// - Throws: ``ArchitectureError``.
  public func changes(strength: Double, binding: Binding) throws -> [RowChange] {
    try blocks.flatMap { block in
      let delta = delta(block: block, strength: strength)
      return try rowsByRole(in: block).map { role, rows in
        let bound = try binding.tensor(role)
        return RowChange(
          tensor: bound.tensor, rows: rows.map { bound.rows[$0] }, transposed: bound.transposed, delta: delta)
      }
    }
  }
}

extension Patch {
  /// The overlay that computes with the rows as the patched checkpoint stores them: its outputs, bit for bit.
  /// - Throws: ``CheckpointError``, ``SurgeryError/patchRole(tensor:)`` for a tensor that no editable role uses.
  public func overlay(_ binding: Binding, _ checkpoint: Checkpoint) throws -> Overlay {
    let transforms = try transforms(checkpoint)
    var changes: [Overlay.Change] = []
    let whole = try editedTensors(checkpoint)
    if !whole.isEmpty { changes.append(.tensors(whole)) }
    let users = Dictionary(grouping: binding.tensors, by: \.value.tensor)
    for name in tensors where whole[name] == nil {
      guard let transform = transforms[name] else { continue }
      let rows = edits(of: name).flatMap(\.rows).sorted()
      let transposed = edits(of: name).first?.transposed ?? false
      let edited = try Self.rows(rows, of: checkpoint.tensor(name), transposed: transposed, transform)
      let roles = (users[name] ?? []).filter { $0.value.transposed == transposed }
      let width = edited.rowCount * edited.dtype.size
      guard !roles.isEmpty else { throw SurgeryError.patchRole(tensor: name) }
      for (role, bound) in roles {
        if role == .tokenEmbedding { throw SurgeryError.patchRole(tensor: name) }
        let own = rows.indices.filter { bound.rows.contains(rows[$0]) }
        guard !own.isEmpty else { continue }
        let part = Tensor(zeros: [own.count, edited.rowCount], dtype: edited.dtype)
        for (place, index) in own.enumerated() {
          (part.storage.base + place * width).copyMemory(
            from: edited.pointer + index * width, byteCount: width)
        }
        changes.append(
          .rows(role: role, rows: own.compactMap { bound.rows.row(of: rows[$0]) }, weights: part))
      }
    }
    return Overlay(changes)
  }

  /// The edited rows `[R, K]` in the stored type; a transposed matrix is edited whole, one tensor at a time. Rows of
  /// stacked matrices count on from one to the next.
  private static func rows(
    _ rows: [Int], of tensor: Tensor, transposed: Bool, _ transform: CheckpointWriter.Transform
  ) throws -> Tensor {
    let size = tensor.dtype.size
    guard transposed else {
      let inputs = tensor.shape.last ?? 1
      let width = inputs * size
      let result = Tensor(zeros: [rows.count, inputs], dtype: tensor.dtype)
      for (place, row) in rows.enumerated() {
        let target = UnsafeMutableRawBufferPointer(start: result.storage.base + place * width, count: width)
        target.copyMemory(from: UnsafeRawBufferPointer(start: tensor.pointer + row * width, count: width))
        try transform(row..<(row + 1), target)
      }
      return result
    }
    let (inputs, outputs) = (tensor.shape[tensor.shape.count - 2], tensor.shape[tensor.shape.count - 1])
    let whole = TensorStorage(byteCount: tensor.byteCount)
    let bytes = UnsafeMutableRawBufferPointer(start: whole.base, count: tensor.byteCount)
    bytes.copyMemory(from: tensor.bytes)
    try transform(0..<(tensor.count / max(1, outputs)), bytes)
    let result = Tensor(zeros: [rows.count, inputs], dtype: tensor.dtype)
    for (place, row) in rows.enumerated() {
      let (matrix, column) = row.quotientAndRemainder(dividingBy: outputs)
      for input in 0..<inputs {
        (result.storage.base + (place * inputs + input) * size).copyMemory(
          from: whole.base + ((matrix * inputs + input) * outputs + column) * size, byteCount: size)
      }
    }
    return result
  }
}
