/// A place where a hidden state is read or changed.
///
/// Hugging Face's `hidden_states[0]` is ``embeddings``, `[i]` is the output of block i − 1, and the last entry is
/// ``finalNorm`` in decoders that have one.
public enum Site: Hashable, Sendable {
  /// What enters block 0, `[T, D]`.
  case embeddings
  /// The residual stream after a block, `[T, D]`.
  case blockOutput(Int)
  /// After the final norm, `[T, D]`.
  case finalNorm
  /// What the first product of a block's MLP reads, `[T, D]`.
  case mlpInput(Int)
  /// What attention adds to the residual stream, `[T, D]`.
  case attentionOutput(Int)
  /// What the MLP adds to the residual stream, `[T, D]`.
  case mlpOutput(Int)
  /// What the product of a role reads.
  case input(Role)

  /// The block after (or in) which the site lies; −1 before block 0, `Int.max` after the last.
  public var block: Int {
    switch self {
    case .embeddings: -1
    case .blockOutput(let index), .mlpInput(let index), .attentionOutput(let index), .mlpOutput(let index):
      index
    case .finalNorm: Int.max
    case .input(let role): role.block ?? Int.max
    }
  }

  /// Whether the site lies on the residual stream itself (a probe there exports as a control vector).
  public var isResidual: Bool {
    switch self {
    case .embeddings, .blockOutput: true
    default: false
    }
  }
}

extension Site: CustomStringConvertible {
  /// The name of the site, as users type it.
  public var description: String {
    switch self {
    case .embeddings: "embeddings"
    case .blockOutput(let index): "blocks.\(index).output"
    case .finalNorm: "final_norm"
    case .mlpInput(let index): "blocks.\(index).mlp.input"
    case .attentionOutput(let index): "blocks.\(index).attention.output"
    case .mlpOutput(let index): "blocks.\(index).mlp.output"
    case .input(let role): "\(role):input"
    }
  }

  /// The site a name stands for.
  /// - Throws: ``ArchitectureError/unknownSite(name:)``.
  public init(parsing name: String) throws {
    if name == "embeddings" {
      self = .embeddings
    } else if name == "final_norm" {
      self = .finalNorm
    } else if name.hasSuffix(":input"), let role = Role(String(name.dropLast(6))) {
      self = .input(role)
    } else {
      let parts = name.split(separator: ".", maxSplits: 2).map(String.init)
      guard parts.count == 3, parts[0] == "blocks", let index = Int(parts[1]), index >= 0 else {
        throw ArchitectureError.unknownSite(name: name)
      }
      switch parts[2] {
      case "output": self = .blockOutput(index)
      case "mlp.input": self = .mlpInput(index)
      case "attention.output": self = .attentionOutput(index)
      case "mlp.output": self = .mlpOutput(index)
      default: throw ArchitectureError.unknownSite(name: name)
      }
    }
  }

  /// Sites from a list with `*` for every block and negative block numbers from the end, such as
  /// `embeddings,blocks.*.output,blocks.-1.mlp.input,final_norm`; duplicates are dropped, order is kept.
  /// - Throws: ``ArchitectureError``.
  public static func list(_ text: String, blocks: Int) throws -> [Site] {
    var sites: [Site] = []
    for item in text.split(separator: ",").map({ String($0.filter { $0 != " " }) }) {
      let parts = item.split(separator: ".", maxSplits: 2, omittingEmptySubsequences: false).map(String.init)
      var names = [item]
      if parts.count == 3, parts[0] == "blocks" {
        if parts[1] == "*" {
          names = (0..<blocks).map { "blocks.\($0).\(parts[2])" }
        } else if let index = Int(parts[1]), index < 0 {
          names = ["blocks.\(blocks + index).\(parts[2])"]
        }
      }
      for name in names {
        let site = try Site(parsing: name)
        if (0..<Int.max).contains(site.block) && site.block >= blocks {
          throw ArchitectureError.blockOutOfRange(name: item, blocks: blocks)
        }
        if !sites.contains(site) { sites.append(site) }
      }
    }
    guard !sites.isEmpty else { throw ArchitectureError.unknownSite(name: text) }
    return sites
  }
}
