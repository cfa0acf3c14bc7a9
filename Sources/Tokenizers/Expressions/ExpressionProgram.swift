/// A pattern as a list of instructions.
struct ExpressionProgram: Sendable {
  enum Operation: UInt8 {
    /// One scalar of the set `first`; on to the next instruction.
    case set
    /// On to `first`; where that fails, to `second`.
    case split
    /// On to `first`.
    case jump
    /// The program from `first` must (or with `second` 1 must not) lead to its end here; on to `next`.
    case ahead, behind
    /// What the program from `first` takes is not given back; on to `next`.
    case atomic
    /// The place of number `first`.
    case place
    /// The end of a program.
    case end
  }

  struct Instruction {
    var operation: Operation
    var first: Int32 = 0
    var second: Int32 = 0
    /// Where a group's own instructions are over.
    var next: Int32 = 0
    /// Number of the instruction's bit among what is remembered; -1 for those that need none.
    var slot: Int32 = -1
  }

  private(set) var instructions: [Instruction] = []
  private(set) var sets: [ScalarSet] = []
  private(set) var places: [ExpressionPlace] = []
  /// The numbers of scalars that each look behind may take, longest first.
  private(set) var lengths: [[Int]] = []
  /// Words of 64 bits that are remembered for a byte.
  private(set) var words = 0
  /// What a match can begin with; nil where it may match nothing.
  private(set) var firsts: ScalarSet?

  private static let largest = 50_000

  /// - Throws: ``ExpressionError/refused(_:)`` for a pattern that becomes too large.
  init(_ tree: ExpressionTree) throws {
    try emit(tree)
    try append(Instruction(operation: .end))
    var slots: Int32 = 0
    for index in instructions.indices {
      switch instructions[index].operation {
      case .split, .ahead, .behind, .atomic:
        instructions[index].slot = slots
        slots += 1
      default: break
      }
    }
    words = (Int(slots) + 63) / 64
    firsts = tree.isNullable ? nil : Self.firsts(tree)
  }

  @discardableResult
  private mutating func append(_ instruction: Instruction) throws -> Int {
    guard instructions.count < Self.largest else {
      throw ExpressionError.refused("a pattern of more than \(Self.largest) instructions")
    }
    instructions.append(instruction)
    return instructions.count - 1
  }

  private var here: Int32 { Int32(instructions.count) }

  private mutating func number(_ set: ScalarSet) -> Int32 {
    if let known = sets.firstIndex(of: set) { return Int32(known) }
    sets.append(set)
    return Int32(sets.count - 1)
  }

  private mutating func emit(_ tree: ExpressionTree) throws {
    switch tree {
    case .set(let set, _): try append(Instruction(operation: .set, first: number(set)))
    case .sequence(let parts): for part in parts { try emit(part) }
    case .alternatives(let parts):
      var jumps: [Int] = []
      for part in parts.dropLast() {
        let split = try append(Instruction(operation: .split, first: here + 1))
        try emit(part)
        jumps.append(try append(Instruction(operation: .jump)))
        instructions[split].second = here
      }
      if let last = parts.last { try emit(last) }
      for jump in jumps { instructions[jump].first = here }
    case .repeated(let body, let least, let most, let greed):
      if greed == .possessive {
        return try emit(.atomic(.repeated(body, least: least, most: most, .greedy)))
      }
      try emitRepeated(body, least, most, lazy: greed == .lazy)
    case .look(let body, let ahead, let negative):
      try emitGroup(body, ahead ? .ahead : .behind, second: negative ? 1 : 0)
    case .atomic(let body): try emitGroup(body, .atomic, second: 0)
    case .place(let place):
      places.append(place)
      try append(Instruction(operation: .place, first: Int32(places.count - 1)))
    }
  }

  private mutating func emitGroup(_ body: ExpressionTree, _ operation: Operation, second: Int32) throws {
    let group = try append(Instruction(operation: operation, first: here + 1, second: second))
    if operation == .behind {
      // The lengths lie where the bit of negation does, above it.
      lengths.append((body.lengths ?? []).sorted(by: >))
      instructions[group].second = second | Int32(lengths.count - 1) << 1
    }
    try emit(body)
    try append(Instruction(operation: .end))
    instructions[group].next = here
  }

  private mutating func emitRepeated(
    _ body: ExpressionTree, _ least: Int, _ most: Int?, lazy: Bool
  ) throws {
    for _ in 0..<least { try emit(body) }
    func split(_ body: Int32, _ after: Int32) -> Instruction {
      Instruction(operation: .split, first: lazy ? after : body, second: lazy ? body : after)
    }
    guard let most else {
      let start = try append(Instruction(operation: .split))
      try emit(body)
      try append(Instruction(operation: .jump, first: Int32(start)))
      instructions[start] = split(Int32(start) + 1, here)
      return
    }
    var splits: [Int] = []
    for _ in least..<most {
      splits.append(try append(Instruction(operation: .split)))
      try emit(body)
    }
    for index in splits { instructions[index] = split(Int32(index) + 1, here) }
  }

  /// What a match of a tree that takes something can begin with: never too little.
  private static func firsts(_ tree: ExpressionTree) -> ScalarSet {
    switch tree {
    case .set(let set, _): return set
    case .sequence(let parts):
      var all = ScalarSet()
      for part in parts {
        all.formUnion(firsts(part))
        if !part.isNullable { break }
      }
      return all
    case .alternatives(let parts): return parts.reduce(into: ScalarSet()) { $0.formUnion(firsts($1)) }
    case .repeated(let body, _, _, _), .atomic(let body): return firsts(body)
    case .look, .place: return ScalarSet()
    }
  }
}
