import Runtime

/// Why neurons or heads cannot be taken out of a model.
public enum StructureError: SurgeonError, Equatable {
  /// The family's config.json has no way to say it, or the network works otherwise without them.
  case family(family: String, what: String, reason: String)
  /// A share that leaves nothing, or takes nothing away.
  case share(what: String, share: Double, of: Int)
  /// A number of heads that transformers refuses for the family.
  case heads(family: String, heads: Int, width: Int, allowed: [Int])
  /// Scores for another number of units than there are.
  case scores(block: Int, what: String, found: Int, expected: Int)
  /// The written config.json does not read back as the network that was meant.
  case configDiffers(found: String, expected: String)

  public var code: String {
    switch self {
    case .family: "STRUCTURE_UNSUPPORTED"
    case .share: "STRUCTURE_SHARE"
    case .heads: "STRUCTURE_HEADS"
    case .scores: "STRUCTURE_SCORES"
    case .configDiffers: "STRUCTURE_CONFIG"
    }
  }
  public var exitCode: ExitCode {
    switch self {
    case .family: .unsupported
    case .share, .heads: .usage
    case .scores, .configDiffers: .internalError
    }
  }
  public var found: String {
    switch self {
    case .family(let family, let what, let reason): "\(what) of \(family): \(reason)"
    case .share(let what, let share, let count): "a share of \(share) of \(count) \(what)"
    case .heads(let family, let heads, let width, _): "\(heads) heads left in \(family) of width \(width)"
    case .scores(let block, let what, let found, _): "\(found) scores of \(what) in block \(block)"
    case .configDiffers(let found, _): "a config.json that reads as \(found)"
    }
  }
  public var expected: String {
    switch self {
    case .family: "a family whose config.json can say how many there are"
    case .share: "a share that takes away at least one and leaves at least one in every block"
    case .heads(_, _, _, let allowed):
      "a number of heads that divides the width, which transformers demands of this family: "
        + "\(allowed.map(String.init).joined(separator: ", "))"
    case .scores(_, _, _, let expected): "\(expected)"
    case .configDiffers(_, let expected): expected
    }
  }
  public var suggestion: String {
    switch self {
    case .family(_, let what, _):
      what == "heads"
        ? "neurons can go where heads cannot: --structured neurons" : "prune single weights instead"
    case .share: "choose a share between, such as 0.25"
    case .heads: "choose another share of the heads"
    case .scores, .configDiffers: "this is a defect of the program: please report it"
    }
  }
}
