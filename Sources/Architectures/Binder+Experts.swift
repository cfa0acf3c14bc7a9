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
        bound[own] = try stacked(own, role, expert, template, entry)
        return
      }
    }
    throw missing("\(own)", tried)
  }

  /// The part of one expert in `[E, N, K]`, whose rows count on from matrix to matrix, or in `[E, K, N]`, whose columns do.
  private func stacked(
    _ own: Role, _ role: BlockRole, _ expert: Int, _ template: Family.Template, _ entry: TensorEntry
  ) throws -> BoundTensor {
    let shape = expertShape(role)
    let count = network.experts?.count ?? 0
    var start = 0
    var outputs = shape[0]
    if case .runs(let roles) = template.fusion {
      let sizes = roles.map { expertShape($0)[0] }
      start = zip(roles, sizes).prefix { $0.0 != role }.reduce(0) { $0 + $1.1 }
      outputs = sizes.reduce(0, +)
    }
    let usual = [count, outputs, shape[1]]
    let turned = [count, shape[1], outputs]
    let transposed = entry.shape != usual && entry.shape == turned
    try require(own, entry.name, shape: transposed ? turned : usual)
    let first = expert * outputs + start
    return BoundTensor(
      tensor: entry.name, bias: nil, rows: RowMap(first..<(first + shape[0])), shape: shape,
      transposed: transposed, parts: [])
  }

  /// Shape of an expert's product, `[outputs, inputs]`.
  private func expertShape(_ role: BlockRole) -> [Int] {
    let width = network.experts?.width ?? 0
    return role == .down ? [network.width, width] : [width, network.width]
  }
}
