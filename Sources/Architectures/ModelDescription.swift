import Checkpoints
import OrderedCollections
import Runtime
import Tensors

/// What a checkpoint holds, tensor by tensor, and which of it is understood; never fails for what it does not know.
public struct ModelDescription: Sendable {
  /// One use of one tensor.
  public struct Line: Sendable, Equatable {
    /// What the network uses it for; nil where nothing does.
    public let role: String?
    /// The block it belongs to.
    public let block: Int?
    /// The expert it belongs to.
    public let expert: Int?
    /// Name in the checkpoint.
    public let tensor: String
    /// Stored sizes.
    public let shape: [Int]
    /// Stored type.
    public let dtype: DType
    /// Stored bytes of the role's part.
    public let bytes: Int
    /// Which part of the tensor, how it lies, or why nothing uses it.
    public let note: String
  }

  /// Lines that differ only in block and expert.
  public struct Group: Sendable, Equatable {
    /// The first line; role and tensor carry `*` for the block and the expert where there are several.
    public let role, tensor: String
    /// A line of the group.
    public let line: Line
    /// Tensors of the group; a stack of experts is one.
    public let count: Int
    /// Bytes of all of them.
    public let bytes: Int
    /// The lines' note, with the number of experts where they are some's.
    public let note: String
  }

  /// Roles and tensors; nil where the layout is not understood.
  public let binding: Binding?
  /// What stands in the way, each with the reason.
  public let unsupported: [(what: String, reason: String)]
  /// Every use of every tensor, in the order of the network; unused tensors at the end.
  public let lines: [Line]
  /// Elements by type.
  public let parameters: OrderedDictionary<DType, Int>
  /// Uses that share one tensor.
  public let ties: [[String]]

  /// Describes an open checkpoint. Reads no weights.
  public init(_ checkpoint: Checkpoint) {
    var unsupported: [(what: String, reason: String)] = []
    do {
      binding = try Binding(checkpoint)
    } catch let error as any SurgeonError {
      binding = nil
      unsupported.append((error.found, "expected \(error.expected)"))
    } catch {
      binding = nil
      unsupported.append(("\(error)", "the layout could not be read"))
    }
    var parameters: OrderedDictionary<DType, Int> = [:]
    for name in checkpoint.tensorNames {
      if let entry = checkpoint.entry(name) { parameters[entry.dtype, default: 0] += entry.count }
    }
    self.unsupported = unsupported
    self.parameters = parameters
    lines = Self.lines(checkpoint, binding)
    ties = Self.ties(binding)
  }

  /// Lines that differ only in the block put together, in order.
  public var groups: [Group] {
    struct Key: Hashable {
      var role, tensor, note: String
      var shape: [Int]
      var dtype: DType
    }
    var members: OrderedDictionary<Key, [Line]> = [:]
    for line in lines {
      let key = Key(
        role: starred(line.role ?? "–", line), tensor: starred(line.tensor, line),
        note: line.note,
        shape: line.shape, dtype: line.dtype)
      members[key, default: []].append(line)
    }
    return members.map { key, lines in
      let several = lines.count > 1
      let tensors = Set(lines.map(\.tensor)).count
      let experts = Set(lines.compactMap(\.expert)).count
      let counted =
        experts == 0 ? [] : ["\(experts) experts in \(Set(lines.compactMap(\.block)).count) blocks"]
      return Group(
        role: several ? key.role : lines[0].role ?? "–",
        tensor: several && tensors > 1 ? key.tensor : lines[0].tensor, line: lines[0],
        count: tensors, bytes: lines.reduce(0) { $0 + $1.bytes },
        note: (counted + [key.note].filter { !$0.isEmpty }).joined(separator: ", "))
    }
  }

  /// The name with `*` for its block (the first number that it is) and its expert (the next), or for every number where
  /// the layout is not understood.
  private func starred(_ name: String, _ line: Line) -> String {
    var numbers = [line.block, line.expert].compactMap { $0.map(String.init) }
    return name.split(separator: ".", omittingEmptySubsequences: false).map { part in
      if binding == nil { return part.allSatisfy(\.isNumber) ? "*" : String(part) }
      guard let next = numbers.first, part == next else { return String(part) }
      numbers.removeFirst()
      return "*"
    }.joined(separator: ".")
  }

  private static func lines(_ checkpoint: Checkpoint, _ binding: Binding?) -> [Line] {
    var lines: [Line] = []
    func add(_ tensor: String, role: Role? = nil, bias: Bool = false, bytes: Int? = nil, note: String) {
      guard let entry = checkpoint.entry(tensor) else { return }
      lines.append(
        Line(
          role: role.map { $0.description + (bias ? ".bias" : "") }, block: role?.block, expert: role?.expert,
          tensor: tensor, shape: entry.shape, dtype: entry.dtype, bytes: bytes ?? entry.byteRange.count,
          note: note))
    }
    guard let binding else {
      for name in checkpoint.tensorNames { add(name, note: "") }
      return lines
    }
    for (role, bound) in binding.tensors {
      let entry = checkpoint.entry(bound.tensor)
      let shape = entry?.shape ?? []
      let isStack = shape.count == 3
      let outputs = bound.transposed ? shape.last : isStack ? shape[1] : shape.first
      var notes: [String] = []
      if let outputs, bound.rows.count != outputs, bound.parts.isEmpty {
        let first = isStack ? bound.rows.first % outputs : bound.rows.first
        notes.append(
          "outputs \(isStack ? RowMap(first..<(first + bound.rows.count)) : bound.rows) of \(outputs)")
      }
      if isStack { notes.append("matrices of all experts stacked") }
      if bound.transposed { notes.append("stored [inputs, outputs]") }
      if role == .head && binding.network.tiedHead { notes.append("tied to embedding.tokens") }
      let note = notes.joined(separator: ", ")
      let own = bound.shape.reduce(1, *) * (entry?.dtype.size ?? 0)
      for tensor in bound.tensors {
        add(tensor, role: role, bytes: bound.parts.isEmpty ? own : nil, note: note)
      }
      if let bias = bound.bias {
        let bytes = (checkpoint.entry(bias)?.dtype.size ?? 0) * bound.shape[0]
        add(bias, role: role, bias: true, bytes: bytes, note: notes.first ?? "")
      }
    }
    for (name, reason) in binding.unused { add(name, note: "not used: \(reason)") }
    return lines
  }

  private static func ties(_ binding: Binding?) -> [[String]] {
    guard let binding, binding.network.tiedHead else { return [] }
    return [[Role.tokenEmbedding.description, Role.head.description]]
  }
}

extension Site {
  /// The kinds of sites as users type them, `N` for a block, with a line each.
  public static let kinds: [(name: String, summary: String)] = [
    ("embeddings", "what enters block 0; Hugging Face's hidden_states[0]"),
    ("blocks.N.output", "residual stream after block N, from 0; hidden_states[N+1] but the last"),
    ("blocks.N.mlp.input", "what the first product of the MLP reads"),
    ("blocks.N.attention.output", "what attention adds to the residual stream"),
    ("blocks.N.mlp.output", "what the MLP adds to the residual stream"),
    ("final_norm", "after the final norm, where the family has one; the last entry of hidden_states"),
    ("ROLE:input", "what the product of a role reads, such as blocks.N.mlp.down:input"),
  ]
}

extension Site {
  /// How many numbers a token has at the site.
  public func width(_ network: Network) -> Int {
    switch self {
    case .input(.block(_, .down)): network.mlpWidth
    case .input(.head), .input(.embeddingProjection): network.headWidth
    case .input(.expert(_, _, .down)): network.experts?.width ?? network.mlpWidth
    case .input(.block(_, .sharedDown)): network.experts?.sharedWidth ?? network.mlpWidth
    case .input(.block(_, .attentionOutput)): network.heads * network.headSize
    default: network.width
    }
  }
}
