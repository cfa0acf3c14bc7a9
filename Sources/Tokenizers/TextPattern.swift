import JSON

/// What `Replace` and `Split` look for: a literal text, one of the published regular expressions, or any other one.
enum TextPattern {
  case literal([UInt8])
  case published(PublishedPattern)
  case expression(Expression)

  /// Reads `{"String": …}` or `{"Regex": …}`.
  init(_ value: JSONValue?, part: String, source: String) throws {
    if let text = value?["String"]?.string ?? value?.string {
      if text.isEmpty {
        // The package makes an expression of the text, and that one matches between all scalars.
        self = .expression(try Self.expression("", part, source))
      } else {
        self = .literal(Array(text.utf8))
      }
      return
    }
    guard let expression = value?["Regex"]?.string else {
      throw TokenizerError.malformed(
        source: source, place: part, reason: "a pattern that is neither a String nor a Regex")
    }
    if let known = PublishedPattern.allCases.first(where: {
      $0.rawValue.utf8.elementsEqual(expression.utf8)
    }) {
      self = .published(known)
      return
    }
    self = .expression(try Self.expression(expression, part, source))
  }

  private static func expression(_ expression: String, _ part: String, _ source: String) throws -> Expression
  {
    do {
      return try Expression(expression)
    } catch ExpressionError.refused(let construct) {
      throw TokenizerError.unknownKind(
        part: part, kind: "the regular expression \(expression) with \(construct)", source: source)
    } catch ExpressionError.malformed(let reason) {
      throw TokenizerError.malformed(
        source: source, place: part, reason: "the regular expression \(expression): \(reason)")
    }
  }

  /// The matches inside a range of bytes, ascending and apart.
  func matches(_ bytes: [UInt8], in range: Range<Int>) -> [Range<Int>] {
    var found: [Range<Int>] = []
    bytes.withUnsafeBufferPointer { buffer in
      guard let base = buffer.baseAddress else { return }
      let run = UTF8Run(base: base, end: range.upperBound)
      switch self {
      case .literal(let text):
        guard let first = text.first else { return }
        var index = range.lowerBound
        while index + text.count <= run.end {
          if base[index] == first
            && (text.count == 1
              || UnsafeBufferPointer(start: base + index, count: text.count).elementsEqual(text))
          {
            found.append(index..<index + text.count)
            index += text.count
          } else {
            index += 1
          }
        }
      case .expression(let expression):
        if range.isEmpty { return }
        var matcher = ExpressionMatcher(expression, run, start: range.lowerBound)
        matcher.forEach { found.append($0) }
      case .published(let pattern):
        var index = range.lowerBound
        while index < run.end {
          let end = pattern.match(run, at: index, start: range.lowerBound)
          if end > index {
            found.append(index..<end)
            index = end
          } else {
            index += run.scalar(at: index).length
          }
        }
      }
    }
    return found
  }
}
