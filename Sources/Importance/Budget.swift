import Runtime

/// How the weights to prune are spread over the matrices.
public struct Budget: Sendable {
  /// The share of all weights that is pruned, 0…1; nil where a pattern or a list says it.
  public let sparsity: Double?
  /// How it is spread.
  public let kind: BudgetKind
  /// Settings of the kind.
  public let settings: MethodSettings
  /// The user's list, for the kinds that take one.
  public let list: SparsityList?

  /// A budget.
  /// - Throws: ``ImportanceError/sparsity(text:reason:)``, ``MethodError``.
  public init(
    _ kind: BudgetKind, sparsity: Double?, _ given: [String: MethodValue] = [:], list: SparsityList? = nil
  ) throws {
    if let sparsity, !(0...1).contains(sparsity) {
      throw ImportanceError.sparsity(text: "\(sparsity)", reason: "outside 0…1")
    }
    self.kind = kind
    self.sparsity = sparsity
    self.list = list
    self.settings = try MethodSettings(given, for: kind.name, kind.parameters)
  }

  /// Reads `uniform`, `owl:spread=0.1:keep=blocks`, or a kind with its list: `list:0-3=30%,*=50%`,
  /// `weighted:mlp=2,attention=1`.
  /// - Throws: ``ImportanceError``, ``MethodError``.
  public init(parsing text: String, sparsity: Double?) throws {
    let parts = text.split(separator: ":", maxSplits: 1).map(String.init)
    let kind = try BudgetKind.named(parts.first ?? "")
    guard kind.takesList else {
      try self.init(kind, sparsity: sparsity, kind.settings(parsing: parts.count > 1 ? parts[1] : ""))
      return
    }
    let list = try SparsityList(
      parsing: parts.count > 1 ? parts[1] : "", factors: kind.name == BudgetKind.weighted.name)
    if kind.name == BudgetKind.list.name, let sparsity {
      throw ImportanceError.sparsity(text: "\(sparsity)", reason: "the list says the shares already")
    }
    try self.init(kind, sparsity: sparsity, list: list)
  }

  /// The same share of every matrix.
  /// - Throws: ``ImportanceError/sparsity(text:reason:)``.
  public static func uniform(_ sparsity: Double?) throws -> Budget {
    try Budget(.uniform, sparsity: sparsity)
  }

  /// Reads `0.5` or `50%`.
  /// - Throws: ``ImportanceError/sparsity(text:reason:)``.
  public static func sparsity(parsing text: String) throws(ImportanceError) -> Double {
    let body = text.filter { $0 != " " }
    let value = body.hasSuffix("%") ? Double(body.dropLast()).map { $0 / 100 } : Double(body)
    guard let value else { throw .sparsity(text: text, reason: "no number") }
    guard (0...1).contains(value) else { throw .sparsity(text: text, reason: "outside 0…1") }
    return value
  }

  /// Weights to prune in each matrix. They add up to the share of all weights, to one weight.
  ///
  /// With a group keep-N-of-M the pattern decides alone; a sparsity that says something else is refused.
  /// - Throws: ``ImportanceError``, ``Interrupted``, and what the evidence throws.
  public func counts(
    for matrices: [PrunableMatrix], group: ComparisonGroup, evidence: EvidenceSource = noEvidence,
    progress: ProgressSink = ignoreProgress
  ) throws -> [Int] {
    if let pattern = group.patternSparsity {
      if let sparsity, abs(sparsity - pattern) > 1e-9 {
        throw ImportanceError.sparsity(
          text: "\(sparsity)", reason: "group \(group) removes \(pattern) of every matrix")
      }
      guard kind.name == BudgetKind.uniform.name else {
        throw ImportanceError.combination(
          what: "budget \(kind.name) with group \(group)",
          reason: "the pattern removes the same share everywhere", suggestion: "--budget uniform")
      }
      return try matrices.map { try group.patternCount($0) ?? 0 }
    }
    if kind.unit != .all, group == .global {
      throw ImportanceError.combination(
        what: "budget \(kind.name) with group global", reason: "all weights compete, so the group decides",
        suggestion: "--budget uniform, or --group tensor")
    }
    if kind.unit == .matrix, group == .layer, list?.namesRoles ?? true {
      throw ImportanceError.combination(
        what: "budget \(kind.name) with group layer",
        reason: "the matrices of a block compete, so the group decides", suggestion: "--group tensor")
    }
    return try kind.divide(self, matrices, evidence, progress)
  }

  /// Weights to prune in all: the share, rounded to a weight.
  /// - Throws: ``ImportanceError/sparsity(text:reason:)`` where none was given.
  func total(of matrices: [PrunableMatrix]) throws -> Int {
    guard let sparsity else {
      throw ImportanceError.sparsity(text: "none", reason: "budget \(kind.name) needs a share")
    }
    return Int((sparsity * Double(matrices.reduce(0) { $0 + $1.count })).rounded())
  }
}

/// A way of spreading as a value: help, validation and `surgeon ls budgets` derive from it.
public struct BudgetKind: Sendable {
  /// The name.
  public let name: String
  /// One line.
  public let summary: String
  /// Where it comes from.
  public let reference: String
  /// Its settings.
  public let parameters: [MethodParameter]
  /// What it must know beside the weights.
  public let needs: ScoreNeed
  /// What gets a share of its own.
  let unit: Unit
  let divide: @Sendable (Budget, [PrunableMatrix], EvidenceSource, ProgressSink) throws -> [Int]

  /// What a budget tells apart.
  enum Unit: Sendable {
    /// Nothing: one share.
    case all
    /// Blocks.
    case block
    /// Matrices.
    case matrix
  }

  init(
    name: String, summary: String, reference: String, parameters: [MethodParameter] = [],
    needs: ScoreNeed = .weights, unit: Unit,
    divide: @escaping @Sendable (Budget, [PrunableMatrix], EvidenceSource, ProgressSink) throws -> [Int]
  ) {
    self.name = name
    self.summary = summary
    self.reference = reference
    self.parameters = parameters
    self.needs = needs
    self.unit = unit
    self.divide = divide
  }

  /// Whether it takes a list of the user's.
  var takesList: Bool { name == "list" || name == "weighted" }

  /// Settings in a text such as `spread=0.1:keep=blocks`.
  func settings(parsing text: String) throws -> [String: MethodValue] {
    try MethodParameter.values(parsing: text, method: name, what: "budget", parameters)
  }

  /// The same share of every matrix.
  public static let uniform = BudgetKind(
    name: "uniform", summary: "the same share of every matrix", reference: "-", unit: .all
  ) { budget, matrices, _, _ in
    Apportion.proportional(try budget.total(of: matrices), matrices.map(\.count))
  }

  /// All kinds, in the order of listings.
  public static let all: [BudgetKind] = [.uniform, .erk, .lamp, .owl, .weighted, .list]

  /// The kind of a name.
  /// - Throws: ``ImportanceError/unknown(what:name:known:)``.
  public static func named(_ name: String) throws(ImportanceError) -> BudgetKind {
    if let kind = all.first(where: { $0.name == name }) { return kind }
    throw .unknown(what: "budget", name: name, known: all.map(\.name))
  }
}
