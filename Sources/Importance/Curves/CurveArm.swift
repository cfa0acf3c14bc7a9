import Architectures

/// Which weights a curve takes away.
public enum CurveArm: String, Sendable, CaseIterable {
  /// Those with the smallest scores: what pruning removes.
  case smallest
  /// Those with the largest scores: what a score that means something must not lose.
  case largest
  /// Random ones: the control.
  case random

  /// One line for listings.
  public var summary: String {
    switch self {
    case .smallest: "the weights with the smallest scores: what pruning removes"
    case .largest: "the weights with the largest scores: the other end of the ranking"
    case .random: "random weights, as many: the control"
    }
  }

  /// The arms of a list such as `smallest,random`, in the order of listings.
  /// - Throws: ``ImportanceError/unknown(what:name:known:)``.
  public static func list(parsing text: String) throws(ImportanceError) -> [CurveArm] {
    var found: Set<CurveArm> = []
    for word in text.split(separator: ",").map({ $0.filter { $0 != " " } }) {
      guard let arm = CurveArm(rawValue: word) else {
        throw .unknown(what: "arm", name: word, known: allCases.map(\.rawValue))
      }
      found.insert(arm)
    }
    return allCases.filter(found.contains)
  }
}

/// What a curve is drawn of: all matrices, or each part of them by itself.
public enum CurveScope: String, Sendable, CaseIterable {
  /// All matrices together.
  case whole
  /// One block at a time.
  case block
  /// One role at a time, of all blocks.
  case role
  /// One role of one block at a time (all experts of a block together).
  case matrix

  /// The scope of a name.
  /// - Throws: ``ImportanceError/unknown(what:name:known:)``.
  public static func named(_ name: String) throws(ImportanceError) -> CurveScope {
    if let scope = CurveScope(rawValue: name) { return scope }
    throw .unknown(what: "part", name: name, known: allCases.map(\.rawValue))
  }

  /// The parts of some matrices, in network order; ``whole`` is one part.
  public func parts(of matrices: [PrunableMatrix]) -> [CurvePart] {
    var parts: [CurvePart] = []
    for (index, matrix) in matrices.enumerated() {
      let role = matrix.role.inBlock
      let key: (block: Int?, role: String?) =
        switch self {
        case .whole: (nil, nil)
        case .block: (matrix.block, nil)
        case .role: (nil, role?.rawValue)
        case .matrix: (matrix.block, role?.rawValue)
        }
      if let place = parts.firstIndex(where: { $0.block == key.block && $0.role == key.role }) {
        parts[place].members.append(index)
      } else {
        parts.append(CurvePart(scope: self, block: key.block, role: key.role, members: [index]))
      }
    }
    return parts
  }
}

/// Some matrices that lose weights together while the others stay whole.
public struct CurvePart: Sendable, Equatable {
  /// What kind of part it is.
  public let scope: CurveScope
  /// Its block, where it is of one.
  public let block: Int?
  /// Its role, where it is of one.
  public let role: String?
  /// Indices of its matrices.
  public internal(set) var members: [Int]

  /// Names the part: `all`, `block 3`, `mlp.up`, `blocks.3.mlp.up`.
  public var name: String {
    switch (block, role) {
    case (nil, nil): "all"
    case (let block?, nil): "block \(block)"
    case (nil, let role?): role
    case (let block?, let role?): "blocks.\(block).\(role)"
    }
  }
}
