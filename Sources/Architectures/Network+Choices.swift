extension Network {
  /// What this network does that the plainest one (pre-norm, sequential, full causal attention, no positions, no
  /// biases) does not; a short phrase each.
  public var choices: [String] {
    var choices: [String] = []
    func add(_ phrase: String, if condition: Bool) { if condition { choices.append(phrase) } }
    switch normPlacement {
    case .before: break
    case .after: choices.append("norms after attention and MLP instead of before")
    case .around: choices.append("norms before and after attention and MLP")
    case .afterSum: choices.append("norms over the sums")
    }
    add("gains stored minus \(norm.gainOffset)", if: norm.gainOffset != 0)
    add("LayerNorm without bias", if: norm.kind == .layer && !norm.hasBias)
    add("norm after the embeddings", if: hasEmbeddingNorm)
    add("no final norm", if: !hasFinalNorm)
    add("no head", if: !hasHead)
    if let types = tokenTypes { choices.append("\(types) token types") }
    if let experts {
      choices.append(
        "\(experts.chosen) of \(experts.count) experts a token in \(experts.blocks.count { $0 }) of \(blocks) blocks"
          + (experts.normalised ? ", weights divided by their sum" : "")
          + (experts.sharedWidth == nil ? "" : ", and a shared one"))
    }
    switch blockOrder {
    case .sequential: break
    case .parallel: choices.append("attention and MLP side by side, a norm each")
    case .parallelOneNorm: choices.append("attention and MLP side by side under one norm")
    }
    if let narrow = embeddingWidth { choices.append("embeddings of \(narrow) projected") }
    add("embeddings times \(embeddingScale)", if: embeddingScale != 1)
    add("additions times \(residualScale)", if: residualScale != 1)
    add(
      positionOffset == 0 ? "learned positions" : "learned positions from row \(positionOffset) on",
      if: learnedPositions)
    choices += rotaryChoices
    if let alibi {
      choices.append(alibi.roundedFactor == nil ? "ALiBi" : "ALiBi rounded to bf16")
    }
    add("attention in both directions", if: !isCausal)
    let sliding = windows.compactMap { $0 }
    if let window = sliding.first {
      choices.append("window of \(window) in \(sliding.count) of \(blocks) blocks")
    }
    add("scores not scaled", if: attentionScales.allSatisfy { $0 == 1 })
    if let cap = attentionSoftcap { choices.append("scores capped at \(cap)") }
    if let kind = queryKeyNorm {
      choices.append("queries and keys normed \(kind.scope == .whole ? "as a whole" : "a head at a time")")
    }
    if let limit = queryKeyValueLimit { choices.append("queries, keys and values cut at \(limit)") }
    add(
      "biases on \(BlockRole.allCases.filter(biases.contains).map(\.rawValue).joined(separator: ", "))",
      if: !biases.isEmpty)
    add("bias on the head", if: headBias)
    add("logits times \(logitScale)", if: logitScale != 1)
    add("logits divided by \(logitDivisor)", if: logitDivisor != 1)
    if let cap = logitSoftcap { choices.append("logits capped at \(cap)") }
    return choices
  }

  private var rotaryChoices: [String] {
    var kinds: [Rotary] = []
    for rotary in rotaries { if let rotary, !kinds.contains(rotary) { kinds.append(rotary) } }
    return kinds.map { rotary in
      let share = rotary.width == headSize ? "" : " of \(rotary.width) of \(headSize)"
      let pairs = rotary.interleaved ? " in neighbouring pairs" : ""
      let number = rotaries.filter { $0 == rotary }.count
      let blocks = number == self.blocks ? "" : " in \(number) of \(self.blocks) blocks"
      return "rotation\(share)\(pairs), base \(rotary.theta)\(rotary.scaling.name)\(blocks)"
    }
  }
}

extension Network.Scaling {
  fileprivate var name: String {
    switch self {
    case .none: ""
    case .linear(let factor): ", stretched \(factor) times"
    case .dynamic(let factor, _): ", dynamic NTK by \(factor)"
    case .llama3(let factor, _, _, _): ", Llama 3's scaling by \(factor)"
    case .long: ", LongRoPE"
    case .yarn(let factor, _, _, _, _, _): ", YaRN by \(factor)"
    }
  }
}
