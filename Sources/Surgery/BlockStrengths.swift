import Runtime

/// How strongly each block takes part in an edit: factors of its strength.
public enum BlockStrengths: Sendable, Equatable {
  /// The same in every block.
  case constant(Double)
  /// One a block.
  case list([Double])
  /// Falls from 1 at `peak` to `edge` at `reach` blocks from it, in a line; 0 beyond (heretic's kernel).
  case triangle(peak: Double, reach: Double, edge: Double)

  /// Reads `1`, `0,0.5,1,…` or `triangle:PEAK,REACH[,EDGE]`.
  /// - Throws: ``SurgeryError/blockStrengths(text:reason:)``.
  public init(parsing text: String) throws {
    let body = text.filter { $0 != " " }
    let kernel = "triangle:"
    let numbers = (body.hasPrefix(kernel) ? body.dropFirst(kernel.count) : body[...])
      .split(separator: ",", omittingEmptySubsequences: false).map { Double($0) }
    let values = numbers.compactMap { $0 }.filter(\.isFinite)
    guard values.count == numbers.count, !values.isEmpty else {
      throw SurgeryError.blockStrengths(text: text, reason: "not a list of numbers")
    }
    if body.hasPrefix(kernel) {
      guard (2...3).contains(values.count), values[0] >= 0, values[1] > 0 else {
        throw SurgeryError.blockStrengths(text: text, reason: "a triangle needs a peak and a reach above 0")
      }
      self = .triangle(peak: values[0], reach: values[1], edge: values.count > 2 ? values[2] : 0)
    } else {
      self = values.count == 1 ? .constant(values[0]) : .list(values)
    }
  }

  /// The factor of each of `blocks` blocks.
  /// - Throws: ``SurgeryError/blockStrengths(text:reason:)`` where a list has another length, or all are 0.
  public func factors(blocks: Int) throws -> [Double] {
    let factors: [Double]
    switch self {
    case .constant(let factor): factors = Array(repeating: factor, count: blocks)
    case .list(let list):
      guard list.count == blocks else {
        throw SurgeryError.blockStrengths(
          text: description, reason: "\(list.count) numbers for \(blocks) blocks")
      }
      factors = list
    case .triangle(let peak, let reach, let edge):
      factors = (0..<blocks).map { block in
        let distance = abs(Double(block) - peak)
        return distance > reach ? 0 : 1 + distance / reach * (edge - 1)
      }
    }
    guard factors.contains(where: { $0 != 0 }) else {
      throw SurgeryError.blockStrengths(text: description, reason: "every block gets 0")
    }
    return factors
  }
}

extension BlockStrengths: CustomStringConvertible {
  /// As ``init(parsing:)`` reads it.
  public var description: String {
    switch self {
    case .constant(let factor): "\(factor)"
    case .list(let list): list.map { "\($0)" }.joined(separator: ",")
    case .triangle(let peak, let reach, let edge): "triangle:\(peak),\(reach),\(edge)"
    }
  }
}
