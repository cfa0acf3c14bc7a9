import Architectures

extension Model {
  /// A direction of a site in the raw residual stream, `[D]`: w⊙γ_final for one after the final norm; the mean component
  /// is removed where LayerNorm removes it anyway. Nil for a site that is not of the stream.
  public func residualDirection(_ vector: [Float], at site: Site) -> [Float]? {
    var raw: [Float]
    switch site {
    case .embeddings, .blockOutput: raw = vector
    case .finalNorm: raw = zip(vector, finalGain).map { $0 * $1 }
    default: return nil
    }
    if network.norm.kind == .layer && network.normPlacement.normsInputs {
      let mean = raw.reduce(0, +) / Float(raw.count)
      raw = raw.map { $0 - mean }
    }
    return raw
  }

  /// ``gain(feeding:)`` with no gain smaller than a thousandth of their median, so that a division by it stays sane.
  public func flooredGain(feeding role: Role) -> [Float]? {
    guard let gain = gain(feeding: role), !gain.isEmpty else { return nil }
    let floor = gain.map(abs).sorted()[gain.count / 2] * 1e-3
    return gain.map { abs($0) >= floor ? $0 : ($0 < 0 ? -floor : floor) }
  }
}
