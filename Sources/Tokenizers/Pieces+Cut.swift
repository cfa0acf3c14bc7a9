extension Pieces {
  /// Cuts each piece by a pattern.
  mutating func cut(_ pattern: TextPattern, _ behavior: PreTokenizer.Behavior, invert: Bool) {
    if case .published(let published) = pattern, behavior == .isolated {
      cutIsolated(published)
      return
    }
    var result: [Range<Int>] = []
    for range in ranges {
      Self.join(pattern.matches(text.bytes, in: range), of: range, behavior, invert: invert, into: &result)
    }
    // An expression may match nothing between two scalars.
    if case .expression = pattern { result.removeAll(where: \.isEmpty) }
    ranges = result
  }

  /// Cuts each piece at the scalars that satisfy a condition: each is a delimiter by itself.
  mutating func cut(_ behavior: PreTokenizer.Behavior, where isDelimiter: (UInt32) -> Bool) {
    var result: [Range<Int>] = []
    var matches: [Range<Int>] = []
    text.bytes.withUnsafeBufferPointer { buffer in
      guard let base = buffer.baseAddress else { return }
      for range in ranges {
        let run = UTF8Run(base: base, end: range.upperBound)
        matches.removeAll(keepingCapacity: true)
        var index = range.lowerBound
        while index < run.end {
          let (value, length) = run.scalar(at: index)
          if isDelimiter(value) { matches.append(index..<index + length) }
          index += length
        }
        Self.join(matches, of: range, behavior, invert: false, into: &result)
      }
    }
    ranges = result
  }

  /// Cuts each piece into runs of `\w` and runs of what is neither `\w` nor whitespace.
  mutating func cutWords() {
    var result: [Range<Int>] = []
    text.bytes.withUnsafeBufferPointer { buffer in
      guard let base = buffer.baseAddress else { return }
      for range in ranges {
        let run = UTF8Run(base: base, end: range.upperBound)
        var index = range.lowerBound
        while index < run.end {
          let value = run.scalar(at: index).value
          let end: Int
          if ScalarClass.isWord(value) {
            end = run.skip(from: index, while: ScalarClass.isWord)
          } else if ScalarClass.isSpace(value) {
            index = run.skip(from: index, while: ScalarClass.isSpace)
            continue
          } else {
            end = run.skip(from: index) { !ScalarClass.isWord($0) && !ScalarClass.isSpace($0) }
          }
          result.append(index..<end)
          index = end
        }
      }
    }
    ranges = result
  }

  /// Cuts each piece into parts of a number of scalars.
  mutating func cut(every length: Int) {
    var result: [Range<Int>] = []
    text.bytes.withUnsafeBufferPointer { buffer in
      guard let base = buffer.baseAddress else { return }
      for range in ranges {
        let run = UTF8Run(base: base, end: range.upperBound)
        var index = range.lowerBound
        while index < run.end {
          var left = length
          let end = run.skip(from: index) { _ in
            left -= 1
            return left >= 0
          }
          result.append(index..<end)
          index = end
        }
      }
    }
    ranges = result
  }

  /// Cuts each piece where the kind of script changes. What goes with any script stays with what is before it, and is
  /// left out before the first other scalar.
  mutating func cutScripts() {
    var result: [Range<Int>] = []
    text.bytes.withUnsafeBufferPointer { buffer in
      guard let base = buffer.baseAddress else { return }
      for range in ranges {
        let run = UTF8Run(base: base, end: range.upperBound)
        var index = range.lowerBound
        var last = -1
        var start = -1
        while index < run.end {
          let (value, length) = run.scalar(at: index)
          let kind = ScalarRanges.together.label(value)
          if kind >= 0 && kind != last {
            if start >= 0 { result.append(start..<index) }
            start = index
            last = kind
          }
          index += length
        }
        if start >= 0 { result.append(start..<run.end) }
      }
    }
    ranges = result
  }

  /// The quick way for the patterns that leave nothing unmatched.
  private mutating func cutIsolated(_ pattern: PublishedPattern) {
    var result: [Range<Int>] = []
    result.reserveCapacity(text.bytes.count / 4)
    text.bytes.withUnsafeBufferPointer { buffer in
      guard let base = buffer.baseAddress else { return }
      for range in ranges {
        let run = UTF8Run(base: base, end: range.upperBound)
        var index = range.lowerBound
        var unmatched = index
        while index < run.end {
          let end = pattern.match(run, at: index, start: range.lowerBound)
          if end == index {
            index += run.scalar(at: index).length
            continue
          }
          if unmatched < index { result.append(unmatched..<index) }
          result.append(index..<end)
          index = end
          unmatched = end
        }
        if unmatched < run.end { result.append(unmatched..<run.end) }
      }
    }
    ranges = result
  }

  /// Joins matches and what lies between them, as the behaviour asks.
  private static func join(
    _ matches: [Range<Int>], of range: Range<Int>, _ behavior: PreTokenizer.Behavior, invert: Bool,
    into result: inout [Range<Int>]
  ) {
    var parts: [(range: Range<Int>, isDelimiter: Bool)] = []
    var index = range.lowerBound
    for match in matches {
      if index < match.lowerBound { parts.append((index..<match.lowerBound, invert)) }
      parts.append((match, !invert))
      index = match.upperBound
    }
    if index < range.upperBound { parts.append((index..<range.upperBound, invert)) }

    switch behavior {
    case .isolated: result.append(contentsOf: parts.map(\.range))
    case .removed: result.append(contentsOf: parts.lazy.filter { !$0.isDelimiter }.map(\.range))
    case .contiguous, .mergedWithPrevious:
      var previous = false
      let first = result.count
      for part in parts {
        let joins =
          behavior == .contiguous ? part.isDelimiter == previous : part.isDelimiter && !previous
        if joins && result.count > first {
          result[result.count - 1] = result[result.count - 1].lowerBound..<part.range.upperBound
        } else {
          result.append(part.range)
        }
        previous = part.isDelimiter
      }
    case .mergedWithNext:
      var next = false
      var reversed: [Range<Int>] = []
      for part in parts.reversed() {
        if part.isDelimiter && !next, let last = reversed.popLast() {
          reversed.append(part.range.lowerBound..<last.upperBound)
        } else {
          reversed.append(part.range)
        }
        next = part.isDelimiter
      }
      result.append(contentsOf: reversed.reversed())
    }
  }

  /// Puts `mark` before each piece that does not begin with it and whose first byte of the original text satisfies
  /// the condition.
  mutating func prepend(_ mark: [UInt8], where condition: (Int) -> Bool) {
    let wanted = ranges.map { range in
      !text.bytes[range].starts(with: mark) && condition(Int(text.byteOrigin(range.lowerBound).start))
    }
    guard wanted.contains(true) else { return }
    self = rewritten { index, range, draft in
      if wanted[index] { draft.append(mark, origin: text.byteOrigin(range.lowerBound)) }
      draft.copy(text, range)
    }
  }

  /// Puts `content` in place of a literal in each piece.
  mutating func replace(_ literal: [UInt8], with content: [UInt8]) {
    let pattern = TextPattern.literal(literal)
    self = rewritten { _, range, draft in
      var index = range.lowerBound
      for match in pattern.matches(text.bytes, in: range) {
        draft.copy(text, index..<match.lowerBound)
        draft.append(content, origin: text.byteOrigin(match.upperBound - 1))
        index = match.upperBound
      }
      draft.copy(text, index..<range.upperBound)
    }
  }

  /// Writes each byte as the scalar that stands for it in GPT-2's alphabet.
  mutating func writeInByteAlphabet() {
    self = rewritten { _, range, draft in
      for index in range {
        draft.append(
          scalar: ByteAlphabet.scalars[Int(text.bytes[index])], origin: text.byteOrigin(index))
      }
    }
  }

  /// Pieces whose texts `body` writes, each from its index and range.
  private func rewritten(_ body: (Int, Range<Int>, inout AlignedText.Draft) -> Void) -> Pieces {
    var draft = AlignedText.Draft(capacity: text.bytes.count + ranges.count)
    var moved: [Range<Int>] = []
    moved.reserveCapacity(ranges.count)
    for (index, range) in ranges.enumerated() {
      let start = draft.count
      body(index, range, &draft)
      moved.append(start..<draft.count)
    }
    var result = Pieces(text: text, ranges: moved)
    result.text.take(draft)
    return result
  }
}
