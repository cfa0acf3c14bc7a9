import Checkpoints
import OrderedCollections

/// Experts: a tensor each, or the matrices of all of a block in one tensor.
extension Binder {
  /// Binds a product of an expert to the first of the family's templates whose tensor is there.
  mutating func bind(_ role: BlockRole, block: Int, expert: Int) throws {
    let blockPrefix = prefix + family.blockPrefix.replacing("{}", with: String(block))
    let own = Role.expert(block, expert, role)
    var tried: [String] = []
    for template in family.expertTemplates where template.role == role {
      let name = blockPrefix + template.name
      if name.contains("{expert}") {
        let weight = name.replacing("{expert}", with: String(expert)) + ".weight"
        tried.append(weight)
        guard checkpoint.entry(weight) != nil else { continue }
        let shape = expertShape(role)
        try require(own, weight, shape: shape)
        bound[own] = BoundTensor(
          tensor: weight, bias: nil, rows: RowMap(0..<shape[0]), shape: shape, transposed: false, parts: [])
        return
      }
      for weight in [name, name + ".weight"] {
        tried.append(weight)
        guard let entry = checkpoint.entry(weight) else { continue }
        bound[own] = try stacked(own, role, expert, template, entry, blockPrefix)
        return
      }
    }
    throw missing("\(own)", tried)
  }

  /// The part of one expert in `[E, N, K]`, whose rows count on from matrix to matrix, or in `[E, K, N]`, whose columns do.
  private func stacked(
    _ own: Role, _ role: BlockRole, _ expert: Int, _ template: Family.Template, _ entry: TensorEntry,
    _ blockPrefix: String
  ) throws -> BoundTensor {
    let shape = expertShape(role)
    var start = 0
    if case .runs(let roles) = template.fusion {
      start = roles.prefix { $0 != role }.reduce(0) { $0 + expertShape($1)[0] }
    }
    let usual = stackShape(template)
    let outputs = usual[1]
    let transposed = areTransposed(blockPrefix)
    try require(own, entry.name, shape: transposed ? [usual[0], usual[2], usual[1]] : usual)
    let first = expert * outputs + start
    return BoundTensor(
      tensor: entry.name, bias: nil, rows: RowMap(first..<(first + shape[0])), shape: shape,
      transposed: transposed, parts: [])
  }

  /// Whether the stacks of a block lie as `[E, inputs, outputs]`: one that is not square says it for all, since gate and
  /// up together are square only where down is not.
  private func areTransposed(_ blockPrefix: String) -> Bool {
    for template in family.expertTemplates where !template.name.contains("{expert}") {
      for name in [template.name, template.name + ".weight"] {
        let usual = stackShape(template)
        guard let shape = checkpoint.entry(blockPrefix + name)?.shape, usual[1] != usual[2] else { continue }
        return shape == [usual[0], usual[2], usual[1]]
      }
    }
    return false
  }

  /// Shape of the stack of a template, `[E, outputs, inputs]`.
  private func stackShape(_ template: Family.Template) -> [Int] {
    var roles = [template.role]
    if case .runs(let fused) = template.fusion { roles = fused }
    let shapes = roles.map(expertShape)
    return [network.experts?.count ?? 0, shapes.reduce(0) { $0 + $1[0] }, shapes[0][1]]
  }

  /// Shape of an expert's product, `[outputs, inputs]`.
  private func expertShape(_ role: BlockRole) -> [Int] {
    let width = network.experts?.width ?? 0
    return role == .down ? [network.width, width] : [width, network.width]
  }
}
