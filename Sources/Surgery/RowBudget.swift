import Runtime

/// How many rows an edit may touch.
public struct RowBudget: Sendable, Equatable {
  /// A count or a share.
  public enum Amount: Sendable, Equatable {
    /// That many rows.
    case count(Int)
    /// That share of the candidate rows, 0…1.
    case share(Double)
  }
  /// The amount.
  public var amount: Amount
  /// The amount holds for every block by itself instead of for all together.
  public var perBlock: Bool

  /// A budget.
  public init(_ amount: Amount, perBlock: Bool = false) {
    self.amount = amount
    self.perBlock = perBlock
  }

  /// Reads `512`, `2%`, or either with `/block`.
  /// - Throws: ``SurgeryError/budget(text:reason:)``.
  public init(parsing text: String) throws {
    var body = text.filter { $0 != " " }
    perBlock = body.hasSuffix("/block")
    if perBlock { body.removeLast(6) }
    if body.hasSuffix("%"), let percent = Double(body.dropLast()), percent > 0, percent <= 100 {
      amount = .share(percent / 100)
    } else if let count = Int(body), count > 0 {
      amount = .count(count)
    } else {
      throw SurgeryError.budget(text: text, reason: "neither a positive count nor a percentage up to 100")
    }
  }

  /// The number of rows out of `candidates`.
  /// - Throws: ``SurgeryError/budget(text:reason:)`` when there are fewer, or none would be taken.
  public func rows(of candidates: Int) throws -> Int {
    let count: Int
    switch amount {
    case .count(let number): count = number
    case .share(let share): count = Int((share * Double(candidates)).rounded())
    }
    guard count > 0 && count <= candidates else {
      throw SurgeryError.budget(text: description, reason: "\(count) of \(candidates) candidate rows")
    }
    return count
  }
}

extension RowBudget: CustomStringConvertible {
  /// As ``init(parsing:)`` reads it.
  public var description: String {
    let text =
      switch amount {
      case .count(let count): String(count)
      case .share(let share): "\((share * 100_000).rounded() / 1000)%"
      }
    return perBlock ? text + "/block" : text
  }
}
