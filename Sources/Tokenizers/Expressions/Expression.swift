/// A regular expression as the published tokenizers write them: the syntax and the matching order of Oniguruma with its
/// Ruby syntax, which is what the package `tokenizers` runs, over Unicode scalars.
///
/// Alternatives are tried in order and repetitions by their greed, as in every backtracking engine; but a place of the
/// program that failed at a byte is remembered, so that no pattern takes more than time proportional to the length of
/// the text times that of the program (times the text again for each level of nested groups that look around).
/// What cannot be done exactly is refused by name when the pattern is read (``ExpressionError``).
struct Expression: Sendable {
  /// The pattern as it was written.
  let source: String
  let program: ExpressionProgram

  /// Reads a pattern.
  /// - Throws: ``ExpressionError``.
  init(_ source: String) throws {
    var reader = ExpressionReader(source)
    self.source = source
    program = try ExpressionProgram(try reader.tree())
  }
}

/// Why a pattern was not taken.
enum ExpressionError: Error, Equatable {
  /// A construct that this engine does not do, such as `a backreference (\1)`.
  case refused(String)
  /// The pattern breaks the syntax.
  case malformed(String)
}

/// A pattern, taken apart.
indirect enum ExpressionTree: Sendable, Equatable {
  /// What one scalar must satisfy, and the ASCII letter it was written as where case is folded.
  case set(ScalarSet, folded: UInt32?)
  case sequence([ExpressionTree])
  case alternatives([ExpressionTree])
  case repeated(ExpressionTree, least: Int, most: Int?, Greed)
  case look(ExpressionTree, ahead: Bool, negative: Bool)
  case atomic(ExpressionTree)
  case place(ExpressionPlace)

  enum Greed: Sendable { case greedy, lazy, possessive }

  /// Whether it may match nothing.
  var isNullable: Bool {
    switch self {
    case .set: false
    case .sequence(let parts): parts.allSatisfy(\.isNullable)
    case .alternatives(let parts): parts.contains(where: \.isNullable)
    case .repeated(let body, let least, _, _): least == 0 || body.isNullable
    case .atomic(let body): body.isNullable
    case .look, .place: true
    }
  }

  /// Whether something in it is not given back once taken.
  var holdsAtoms: Bool {
    switch self {
    case .set, .place: false
    case .sequence(let parts), .alternatives(let parts): parts.contains(where: \.holdsAtoms)
    case .repeated(let body, _, _, let greed): greed == .possessive || body.holdsAtoms
    case .atomic: true
    case .look(let body, _, _): body.holdsAtoms
    }
  }

  /// The numbers of scalars that a match may have; nil when there is no largest one, or more than 64.
  var lengths: Set<Int>? {
    switch self {
    case .set: return [1]
    case .sequence(let parts):
      var sums: Set<Int> = [0]
      for part in parts {
        guard let more = part.lengths else { return nil }
        sums = Set(sums.flatMap { sum in more.map { sum + $0 } })
        if sums.count > 64 { return nil }
      }
      return sums
    case .alternatives(let parts):
      var all: Set<Int> = []
      for part in parts {
        guard let more = part.lengths else { return nil }
        all.formUnion(more)
      }
      return all.count > 64 ? nil : all
    case .repeated(let body, let least, let most, _):
      guard let most, most <= 64, let more = body.lengths else { return nil }
      var sums: Set<Int> = [0]
      var all: Set<Int> = least == 0 ? [0] : []
      for count in 0..<most {
        sums = Set(sums.flatMap { sum in more.map { sum + $0 } })
        if count + 1 >= least { all.formUnion(sums) }
        if all.count > 64 || sums.count > 64 { return nil }
      }
      return all
    case .atomic(let body): return body.lengths
    case .look, .place: return [0]
    }
  }
}

/// Places that an anchor asks for.
enum ExpressionPlace: Sendable, Equatable {
  /// `\A`
  case textStart
  /// `\z`
  case textEnd
  /// `\Z`: the end, or before a line feed that ends the text
  case lastLineEnd
  /// `^`
  case lineStart
  /// `$`
  case lineEnd
  /// `\b`
  case wordEdge
  /// `\B`
  case noWordEdge
}
