import Architectures
import Runtime
import Transformers

/// A behaviour's direction as products read it: one probe of the residual stream, or one a block at the MLP's input.
///
/// The coordinates are those of `surgeon locate`: `faithful` compares raw rows with the probe's own vector,
/// `gain-corrected` compares cos(g⊙γ, v), γ the gain of the norm before the product and v in the raw stream.
public struct ProbeDirection: Sendable {
  /// How rows and direction are compared.
  public enum Space: String, Sendable, CaseIterable {
    /// Raw rows against the probe's vector.
    case faithful
    /// The norms' gains are taken out.
    case gainCorrected = "gain-corrected"
  }

  /// Where the direction was read, for reports.
  public let site: String
  private let shared: [Float]?
  private let perBlock: [Int: [Float]]
  /// The gain before each block's attention and before its MLP.
  private let gains: [Int: (attention: [Float]?, mlp: [Float]?)]

  /// The roles that read the residual stream through the norm before attention or MLP.
  public static let readers: Set<BlockRole> = [
    .query, .key, .value, .gate, .up, .sharedGate, .sharedUp,
  ]

  /// The direction of one probe, or of several at `blocks.N.mlp.input`.
  /// - Throws: ``ImportanceError/direction(reason:)``.
  public init(
    _ probes: [(site: Site, vector: [Float])], space: Space = .faithful, of model: Model
  ) throws(ImportanceError) {
    for probe in probes {
      guard probe.vector.count == model.network.width else {
        throw .direction(
          reason:
            "\(probe.vector.count) numbers at \(probe.site), the model's width is \(model.network.width)")
      }
      let square = probe.vector.reduce(0.0) { $0 + Double($1) * Double($1) }
      guard square > 0, square.isFinite else { throw .direction(reason: "length zero, or NaN") }
    }
    var perBlock: [Int: [Float]] = [:]
    for (site, vector) in probes { if case .mlpInput(let block) = site { perBlock[block] = vector } }
    if !probes.isEmpty, perBlock.count == probes.count {
      self.perBlock = perBlock
      (shared, gains, site) = (nil, [:], "blocks.*.mlp.input")
      return
    }
    guard let only = probes.first, probes.count == 1 else {
      throw .direction(
        reason: "\(probes.count) probes at \(probes.map(\.site.description).joined(separator: ", "))")
    }
    self.perBlock = [:]
    site = only.site.description
    guard let raw = model.residualDirection(only.vector, at: only.site) else {
      throw .direction(reason: "a probe at \(only.site), which is not the residual stream")
    }
    guard space == .gainCorrected else {
      (shared, gains) = (only.vector, [:])
      return
    }
    var gains: [Int: (attention: [Float]?, mlp: [Float]?)] = [:]
    for block in 0..<model.network.blocks {
      gains[block] = (
        model.flooredGain(feeding: .block(block, .query)), model.flooredGain(feeding: .block(block, .up))
      )
    }
    (shared, self.gains) = (raw, gains)
  }

  /// The direction as a matrix reads it; nil where it reads no residual stream, or no probe is at its block.
  public func read(by role: Role) -> ScoreEvidence.ReadDirection? {
    guard let block = role.block, let kind = role.inBlock, Self.readers.contains(kind) else { return nil }
    let isAttention = [.query, .key, .value].contains(kind)
    if let shared {
      return .init(vector: shared, gain: isAttention ? gains[block]?.attention : gains[block]?.mlp)
    }
    guard !isAttention else { return nil }
    return perBlock[block].map { .init(vector: $0) }
  }
}
