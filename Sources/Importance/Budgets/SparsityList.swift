import Architectures
import Runtime

/// Shares for parts of a network: `0-3=30%,mlp.down=0.2,7.attention=60%,*=50%`.
///
/// A part is a block or a range of them (negative numbers count from the end), a role or its first word, both joined by a
/// point, or `*`. The last entry that fits a matrix counts.
public struct SparsityList: Sendable, Equatable {
  /// One entry.
  public struct Entry: Sendable, Equatable {
    /// Blocks, as written; nil for all.
    public var blocks: String?
    /// Roles; nil for all.
    public var roles: Set<BlockRole>?
    /// The share, or a factor where the list holds those.
    public var value: Double
  }

  /// The entries in order.
  public let entries: [Entry]
  /// The list as it was written.
  public let text: String

  /// Reads a list. Values are shares from 0 to 1, or with `factors` any numbers that are not negative.
  /// - Throws: ``ImportanceError``.
  public init(parsing text: String, factors: Bool = false) throws(ImportanceError) {
    let error = ImportanceError.syntax(
      what: "budget", text: text, expected: "a list such as 0-3=30%,mlp.down=0.2,*=50%")
    var entries: [Entry] = []
    for item in text.split(separator: ",").map({ $0.filter { $0 != " " } }) where !item.isEmpty {
      let pair = item.split(separator: "=", omittingEmptySubsequences: false).map(String.init)
      guard pair.count == 2, !pair[0].isEmpty else { throw error }
      var entry = Entry(blocks: nil, roles: nil, value: 0)
      if factors {
        guard let factor = Double(pair[1]), factor >= 0, factor.isFinite else { throw error }
        entry.value = factor
      } else {
        entry.value = try Budget.sparsity(parsing: pair[1])
      }
      if pair[0] != "*" {
        let blocks = String(pair[0].prefix { $0.isNumber || $0 == "-" })
        var rest = pair[0].dropFirst(blocks.count)
        if !blocks.isEmpty {
          entry.blocks = blocks
          guard rest.isEmpty || rest.first == "." else { throw error }
          rest = rest.dropFirst()
        }
        if !rest.isEmpty { entry.roles = try BlockRole.prunable(parsing: String(rest)) }
      }
      entries.append(entry)
    }
    guard !entries.isEmpty else { throw error }
    self.entries = entries
    self.text = text
  }

  /// Whether an entry names a role.
  var namesRoles: Bool { entries.contains { $0.roles != nil } }

  /// The value of each matrix.
  /// - Throws: ``ImportanceError/syntax(what:text:expected:)`` where a matrix has none or a block does not exist.
  func values(for matrices: [PrunableMatrix]) throws -> [Double] {
    let count = (matrices.map(\.block).max() ?? 0) + 1
    let sets = try entries.map { entry in
      try entry.blocks.map { Set(try BlockRange.parse($0, blocks: count)) }
    }
    return try matrices.map { matrix in
      let fitting = entries.indices.last { index in
        (sets[index]?.contains(matrix.block) ?? true)
          && (entries[index].roles.map { roles in matrix.role.inBlock.map(roles.contains) ?? false } ?? true)
      }
      guard let fitting else {
        throw ImportanceError.syntax(
          what: "budget", text: text, expected: "an entry for \(matrix.role), such as *=50% at the beginning")
      }
      return entries[fitting].value
    }
  }
}

extension BudgetKind {
  /// The shares that the user gives.
  public static let list = BudgetKind(
    name: "list",
    summary: "the shares you give by block and role, such as 0-3=30%,mlp.down=0.2,*=50% (later entries win)",
    reference: "-", unit: .matrix
  ) { budget, matrices, _, _ in
    guard let list = budget.list else { throw missing("list") }
    let shares = try list.values(for: matrices)
    // Matrices of one share are rounded together, so that each share is exact over all of them.
    let sizes = matrices.map(\.count)
    var counts = sizes
    for share in Set(shares) {
      let own = matrices.indices.filter { shares[$0] == share }
      let whole = own.reduce(0) { $0 + sizes[$1] }
      let total = Int((share * Double(whole)).rounded())
      for (index, part) in zip(own, Apportion.proportional(total, own.map { sizes[$0] })) {
        counts[index] = part
      }
    }
    return counts
  }

  /// Shares in proportion to factors that the user gives, with the share of all weights exact.
  public static let weighted = BudgetKind(
    name: "weighted",
    summary: "shares in proportion to factors you give by block and role, the share of all weights exact",
    reference: "-", unit: .matrix
  ) { budget, matrices, _, _ in
    guard let list = budget.list else { throw missing("weighted") }
    let factors = try list.values(for: matrices)
    let sizes = matrices.map(\.count)
    let total = try budget.total(of: matrices)
    let room = zip(factors, sizes).reduce(0) { $0 + ($1.0 > 0 ? $1.1 : 0) }
    guard total <= room else {
      throw ImportanceError.sparsity(
        text: "\(budget.sparsity ?? 0)",
        reason: "matrices with a factor above 0 have \(room) of the \(total) weights to prune")
    }
    let pruned = Waterfill.level(
      Double(total), parts: zip(factors, sizes).map { (weight: $0 * Double($1), limit: Double($1)) })
    return Apportion.rounded(total, pruned, sizes: zip(factors, sizes).map { $0 > 0 ? $1 : 0 })
  }

  private static func missing(_ name: String) -> ImportanceError {
    .syntax(what: "budget", text: name, expected: "\(name):0-3=30%,*=50%, with its list")
  }
}
