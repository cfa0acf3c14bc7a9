import Architectures
import Runtime

/// Which weights compete: the lowest scores of each group are pruned.
public enum ComparisonGroup: Sendable, Equatable {
  /// The weights of one output.
  case row
  /// The weights of one input.
  case column
  /// All rows of so many neighbouring inputs; the last group of a matrix is narrower where the width does not divide K.
  case columns(Int)
  /// One matrix.
  case tensor
  /// All matrices of a block.
  case layer
  /// All matrices.
  case global
  /// Every M neighbouring inputs of a row, of which N are kept (`keep-2-of-4`). Where M does not divide K the matrix is
  /// refused, or with `keepsRest` the last K mod M inputs of every row stay.
  case keep(Int, of: Int, keepsRest: Bool = false)

  /// One line each, for listings.
  public static let kinds: [(name: String, summary: String)] = [
    ("row", "the weights of one output (Wanda's)"),
    ("column", "the weights of one input"),
    ("columns-W", "all rows of W neighbouring inputs (SparseGPT's with W = 128)"),
    ("tensor", "one matrix"),
    ("layer", "all matrices of a block"),
    ("global", "all matrices of all blocks"),
    ("keep-N-of-M", "every M neighbouring inputs of a row, of which N are kept (2:4 is keep-2-of-4)"),
  ]

  /// Reads `row`, `columns-128`, `keep-2-of-4`, its short form `2:4` (kept : of), each pattern also with `:keep-rest`.
  /// - Throws: ``ImportanceError/syntax(what:text:expected:)``.
  public init(parsing text: String) throws(ImportanceError) {
    let error = ImportanceError.syntax(
      what: "group", text: text, expected: "one of \(Self.kinds.map(\.name).joined(separator: ", "))")
    let words = text.split(separator: "-").map(String.init)
    switch words.first {
    case "row" where words.count == 1: self = .row
    case "column" where words.count == 1: self = .column
    case "tensor" where words.count == 1: self = .tensor
    case "layer" where words.count == 1, "block" where words.count == 1: self = .layer
    case "global" where words.count == 1: self = .global
    case "columns":
      guard words.count == 2, let width = Int(words[1]), width > 0 else { throw error }
      self = .columns(width)
    default:
      let keepsRest = text.hasSuffix(":keep-rest")
      let body = keepsRest ? String(text.dropLast(10)) : text
      let numbers: [Substring]
      if body.hasPrefix("keep-") {
        let parts = body.split(separator: "-")
        guard parts.count == 4, parts[2] == "of" else { throw error }
        numbers = [parts[1], parts[3]]
      } else {
        numbers = body.split(separator: ":")
      }
      guard numbers.count == 2, let kept = Int(numbers[0]), let width = Int(numbers[1]), kept >= 0,
        width > 0, kept <= width
      else { throw error }
      self = .keep(kept, of: width, keepsRest: keepsRest)
    }
  }

  /// Whether every group lies inside one matrix.
  public var isWithinMatrix: Bool { self != .layer && self != .global }

  /// The share that a pattern removes; nil for the others.
  public var patternSparsity: Double? {
    guard case .keep(let kept, let width, _) = self else { return nil }
    return 1 - Double(kept) / Double(width)
  }

  /// How many weights a pattern prunes in a matrix; nil for the others.
  /// - Throws: ``ImportanceError/pattern(pattern:role:inputs:)`` where it does not fit.
  func patternCount(_ matrix: PrunableMatrix) throws(ImportanceError) -> Int? {
    guard case .keep(let kept, let width, let keepsRest) = self else { return nil }
    guard matrix.inputs % width == 0 || keepsRest else {
      throw .pattern(pattern: description, role: matrix.role.description, inputs: matrix.inputs)
    }
    return matrix.outputs * (matrix.inputs / width) * (width - kept)
  }
}

extension ComparisonGroup: CustomStringConvertible {
  /// As ``init(parsing:)`` reads it.
  public var description: String {
    switch self {
    case .row: "row"
    case .column: "column"
    case .columns(let width): "columns-\(width)"
    case .tensor: "tensor"
    case .layer: "layer"
    case .global: "global"
    case .keep(let kept, let width, let keepsRest):
      "keep-\(kept)-of-\(width)" + (keepsRest ? ":keep-rest" : "")
    }
  }
}
