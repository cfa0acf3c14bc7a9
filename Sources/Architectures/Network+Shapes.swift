/// Sizes of a block's tensors, and which of them have biases.
extension Network {
  /// Sizes of a role's own matrix `[outputs, inputs]`, or of its gain.
  func shape(of role: BlockRole) -> [Int] {
    let (queries, keys) = (heads * headSize, keyValueHeads * headSize)
    switch role {
    case .attentionNorm, .mlpNorm, .attentionPostNorm, .mlpPostNorm: return [width]
    case .queryNorm: return normShape(heads: heads)
    case .keyNorm: return normShape(heads: keyValueHeads)
    case .query: return [queries, width]
    case .key, .value: return [keys, width]
    case .attentionOutput: return [width, queries]
    case .gate, .up: return [mlpWidth, width]
    case .down: return [width, mlpWidth]
    case .router: return [experts?.count ?? 0, width]
    case .sharedGate, .sharedUp: return [experts?.sharedWidth ?? 0, width]
    case .sharedDown: return [width, experts?.sharedWidth ?? 0]
    case .sharedRouter: return [1, width]
    }
  }

  private func normShape(heads: Int) -> [Int] {
    switch queryKeyNorm?.scope {
    case .eachHead: [heads, headSize]
    case .whole: [heads * headSize]
    default: [headSize]
    }
  }

  /// Whether a role's product or norm adds a bias.
  func isBiased(_ role: BlockRole) -> Bool {
    switch role {
    case .attentionNorm, .mlpNorm, .attentionPostNorm, .mlpPostNorm: norm.hasBias
    case .queryNorm, .keyNorm: queryKeyNorm?.norm.hasBias ?? false
    default: biases.contains(role)
    }
  }

  /// Which rows of a fused tensor are a role's, and how many rows the tensor has.
  func rows(of role: Role, _ shape: [Int], _ fusion: Family.Fusion?) -> (rows: RowMap, whole: Int) {
    guard let fusion, case .block(_, let own) = role else { return (RowMap(0..<shape[0]), shape[0]) }
    switch fusion {
    case .runs(let roles):
      let sizes = roles.map { self.shape(of: $0)[0] }
      let start = zip(roles, sizes).prefix { $0.0 != own }.reduce(0) { $0 + $1.1 }
      return (RowMap(start..<(start + shape[0])), sizes.reduce(0, +))
    case .byKeyValueHead:
      let group = heads / keyValueHeads * headSize
      let stride = group + 2 * headSize
      let first = own == .query ? 0 : own == .key ? group : group + headSize
      let run = own == .query ? group : headSize
      return (RowMap(first: first, run: run, stride: stride, count: shape[0]), stride * keyValueHeads)
    }
  }
}
