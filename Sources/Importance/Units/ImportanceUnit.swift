import Architectures
import OrderedCollections

/// One thing of a grain, with the lines of matrices that it consists of: what a structured edit removes together.
public struct ImportanceUnit: Sendable, Equatable {
  /// Lines of one matrix.
  public struct Part: Sendable, Equatable {
    /// Whose matrix.
    public let role: Role
    /// Rows, or columns where ``isColumns``.
    public let lines: Range<Int>
    /// Whether the lines are columns.
    public let isColumns: Bool
  }

  /// The grain.
  public let grain: Grain
  /// The block it lies in.
  public let block: Int
  /// The expert it belongs to, or -1 for the shared one; nil for what is no expert's.
  public let expert: Int?
  /// Its number among the units of its kind in the block (of its matrix for rows and columns; of its expert for an
  /// expert's neurons).
  public let index: Int
  /// What it consists of, in network order.
  public let parts: [Part]

  /// The matrix, where the unit lies in one.
  public var role: Role? { Set(parts.map(\.role)).count == 1 ? parts.first?.role : nil }
}

extension ImportanceUnit {
  /// The units of a grain among some matrices, in network order.
  ///
  /// Coupled matrices count as far as they are among the given ones: with `--roles mlp.gate` a neuron is its gate row.
  /// - Throws: ``ImportanceError/combination(what:reason:suggestion:)`` for the grains weight and pattern, which have
  ///   no list; ``ImportanceError/nothingToPrune(asked:known:)`` where there is no such unit.
  public static func all(
    _ grain: Grain, in matrices: [PrunableMatrix], of network: Network
  ) throws(ImportanceError) -> [ImportanceUnit] {
    var units: [ImportanceUnit] = []
    switch grain {
    case .weight, .pattern:
      throw .combination(
        what: "units of grain \(grain.rawValue)", reason: "there is one for nearly every weight",
        suggestion: "a mask (surgeon prune), or a coarser --grain")
    case .row, .column:
      for matrix in matrices {
        let isColumns = grain == .column
        for index in 0..<(isColumns ? matrix.inputs : matrix.outputs) {
          units.append(
            unit(
              grain, matrix, index, [.init(role: matrix.role, lines: index..<index + 1, isColumns: isColumns)]
            ))
        }
      }
    case .matrix:
      for matrix in matrices { units.append(unit(grain, matrix, 0, [whole(matrix)])) }
    case .neuron: units = neurons(matrices)
    case .head: units = heads(matrices, network)
    case .expert:
      for (key, members) in grouped(matrices, by: { Key(block: $0.block, expert: expert(of: $0.role)) }) {
        guard let own = key.expert else { continue }
        units.append(
          ImportanceUnit(
            grain: grain, block: key.block, expert: own, index: own, parts: members.map(whole)))
      }
    case .block:
      for (key, members) in grouped(matrices, by: { Key(block: $0.block, expert: nil) }) {
        units.append(
          ImportanceUnit(
            grain: grain, block: key.block, expert: nil, index: key.block, parts: members.map(whole)))
      }
    }
    guard !units.isEmpty else {
      throw .nothingToPrune(
        asked: "grain \(grain.rawValue)",
        known: Array(Set(matrices.compactMap(\.role.inBlock?.rawValue))).sorted())
    }
    return units
  }

  private struct Key: Hashable {
    var block: Int
    var expert: Int?
  }

  private static func grouped(
    _ matrices: [PrunableMatrix], by key: (PrunableMatrix) -> Key
  ) -> OrderedDictionary<Key, [PrunableMatrix]> {
    OrderedDictionary(grouping: matrices, by: key)
  }

  private static func unit(
    _ grain: Grain, _ matrix: PrunableMatrix, _ index: Int, _ parts: [Part]
  ) -> ImportanceUnit {
    ImportanceUnit(
      grain: grain, block: matrix.block, expert: expert(of: matrix.role), index: index, parts: parts)
  }

  private static func whole(_ matrix: PrunableMatrix) -> Part {
    Part(role: matrix.role, lines: 0..<matrix.outputs, isColumns: false)
  }

  /// An expert's number, -1 for the shared expert.
  private static func expert(of role: Role) -> Int? {
    switch role.inBlock {
    case .sharedGate, .sharedUp, .sharedDown: -1
    default: role.expert
    }
  }

  /// Gate and up rows with the down columns, of every MLP and every expert.
  private static func neurons(_ matrices: [PrunableMatrix]) -> [ImportanceUnit] {
    let members = matrices.filter {
      switch $0.role.inBlock {
      case .gate, .up, .down, .sharedGate, .sharedUp, .sharedDown: true
      default: false
      }
    }
    return grouped(members, by: { Key(block: $0.block, expert: expert(of: $0.role)) }).flatMap { key, own in
      let isDown: (PrunableMatrix) -> Bool = { [.down, .sharedDown].contains($0.role.inBlock) }
      let count = own.map { isDown($0) ? $0.inputs : $0.outputs }.min() ?? 0
      return (0..<count).map { index in
        ImportanceUnit(
          grain: .neuron, block: key.block, expert: key.expert, index: index,
          parts: own.map { Part(role: $0.role, lines: index..<index + 1, isColumns: isDown($0)) })
      }
    }
  }

  /// A key and value head with the query heads that read it and their output columns.
  private static func heads(_ matrices: [PrunableMatrix], _ network: Network) -> [ImportanceUnit] {
    let size = network.headSize
    let wide = size * (network.heads / network.keyValueHeads)
    let members = matrices.filter {
      [.query, .key, .value, .attentionOutput].contains($0.role.inBlock)
    }
    return grouped(members, by: { Key(block: $0.block, expert: nil) }).flatMap { key, own in
      (0..<network.keyValueHeads).map { head in
        ImportanceUnit(
          grain: .head, block: key.block, expert: nil, index: head,
          parts: own.map { matrix in
            let width = [.key, .value].contains(matrix.role.inBlock) ? size : wide
            return Part(
              role: matrix.role, lines: head * width..<(head + 1) * width,
              isColumns: matrix.role.inBlock == .attentionOutput)
          })
      }
    }
  }
}
