/// Scanners for ``PublishedPattern``: each returns where the match at a byte ends.
///
/// They follow the alternatives in order and the greed of each part, as a backtracking engine would.
enum PatternScanner {
  /// Length of `'s 't 'm 'd 're 've 'll` at a byte; 0 when there is none.
  @inline(__always) static func contraction(_ run: UTF8Run, _ index: Int, foldsCase: Bool) -> Int {
    guard index + 1 < run.end, run.base[index] == 0x27 else { return 0 }
    let fold: UInt8 = foldsCase ? 0x20 : 0
    switch run.base[index + 1] | fold {
    case UInt8(ascii: "s"), UInt8(ascii: "t"), UInt8(ascii: "m"), UInt8(ascii: "d"): return 2
    case UInt8(ascii: "r"), UInt8(ascii: "v"):
      return index + 2 < run.end && run.base[index + 2] | fold == UInt8(ascii: "e") ? 3 : 0
    case UInt8(ascii: "l"):
      return index + 2 < run.end && run.base[index + 2] | fold == UInt8(ascii: "l") ? 3 : 0
    case 0xC5 | fold:  // U+017F, a long s, is an s to engines that fold case
      return foldsCase && run.base[index + 1] == 0xC5 && index + 2 < run.end && run.base[index + 2] == 0xBF
        ? 3 : 0
    default: return 0
    }
  }

  /// End of the run of whitespace for `\s+(?!\S)|\s+`: all of it at the end of the text, otherwise all but its
  /// last scalar, but one scalar at least.
  @inline(__always) static func spaces(_ run: UTF8Run, _ index: Int, runEnd: Int) -> Int {
    if runEnd == run.end { return runEnd }
    let last = run.start(before: runEnd)
    return last > index ? last : runEnd
  }

  static func gpt2(_ run: UTF8Run, _ index: Int) -> Int {
    let short = contraction(run, index, foldsCase: false)
    if short > 0 { return index + short }
    var (value, length) = run.scalar(at: index)
    var head = index
    if value == 32 && index + 1 < run.end {
      head = index + 1
      (value, length) = run.scalar(at: head)
    }
    let kind = ScalarClass(value)
    if kind.isLetter { return run.skip(from: head + length) { ScalarClass($0).isLetter } }
    if kind.isNumber { return run.skip(from: head + length) { ScalarClass($0).isNumber } }
    if !ScalarClass.isSpace(value) { return run.skip(from: head + length, while: isOther) }
    return spaces(run, index, runEnd: run.skip(from: head + length, while: ScalarClass.isSpace))
  }

  /// `[^\s\p{L}\p{N}]`
  @inline(__always) private static func isOther(_ value: UInt32) -> Bool {
    let kind = ScalarClass(value)
    return !kind.isLetter && !kind.isNumber && !ScalarClass.isSpace(value)
  }

  /// The part after words: numbers, signs with their line ends, whitespace.
  @inline(__always) private static func tail(
    _ run: UTF8Run, _ index: Int, _ value: UInt32, _ length: Int, digits: Int, marks: Bool, slash: Bool
  ) -> Int {
    if ScalarClass(value).isNumber { return numbers(run, index, limit: digits) }
    var sign = (value, index, length)
    if value == 32 && index + 1 < run.end {
      let next = run.scalar(at: index + 1)
      sign = (next.value, index + 1, next.length)
    }
    if isOther(sign.0) && !(marks && ScalarClass(sign.0).isMark) {
      let end = run.skip(from: sign.1 + sign.2) { isOther($0) && !(marks && ScalarClass($0).isMark) }
      return run.skip(from: end) { $0 == 10 || $0 == 13 || (slash && $0 == 47) }
    }
    // Only whitespace is left, and (with marks) a mark after a space.
    guard ScalarClass.isSpace(value) else { return index + length }
    let runEnd = run.skip(from: index + length, while: ScalarClass.isSpace)
    var last = runEnd
    while last > index && run.base[last - 1] != 10 && run.base[last - 1] != 13 { last -= 1 }
    if last > index { return last }
    return spaces(run, index, runEnd: runEnd)
  }

  static func cl100k(_ run: UTF8Run, _ index: Int, digits: Int, marks: Bool) -> Int {
    let short = contraction(run, index, foldsCase: true)
    if short > 0 { return index + short }
    let (value, length) = run.scalar(at: index)
    let kind = ScalarClass(value)
    if kind.isLetter || (marks && kind.isMark) {
      // With marks, a mark may also be the sign before a word; the run that follows is the same either way.
      return word(run, index + length, marks: marks)
    }
    if !kind.isNumber && value != 10 && value != 13 && index + length < run.end {
      let next = run.scalar(at: index + length)
      let nextKind = ScalarClass(next.value)
      if nextKind.isLetter || (marks && nextKind.isMark) {
        return word(run, index + length + next.length, marks: marks)
      }
    }
    return tail(run, index, value, length, digits: digits, marks: marks, slash: false)
  }

  @inline(__always) private static func word(_ run: UTF8Run, _ index: Int, marks: Bool) -> Int {
    run.skip(from: index) {
      let kind = ScalarClass($0)
      return kind.isLetter || (marks && kind.isMark)
    }
  }

  static func o200k(_ run: UTF8Run, _ index: Int, digits: Int, contractions: Bool) -> Int {
    let (value, length) = run.scalar(at: index)
    let kind = ScalarClass(value)
    let mayLead = !kind.isLetter && !kind.isNumber && value != 10 && value != 13
    var end = mayLead ? lowerWord(run, index + length) : 0
    if end == 0 { end = lowerWord(run, index) }
    if end == 0 && mayLead { end = upperWord(run, index + length) }
    if end == 0 { end = upperWord(run, index) }
    if end > 0 { return end + (contractions ? contraction(run, end, foldsCase: true) : 0) }
    return tail(run, index, value, length, digits: digits, marks: false, slash: true)
  }

  /// `[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+`: the end of the match, 0 without one.
  private static func lowerWord(_ run: UTF8Run, _ index: Int) -> Int {
    var position = index
    var lastShared = 0  // end of the last scalar that is in both classes
    while position < run.end {
      let (value, length) = run.scalar(at: position)
      let kind = ScalarClass(value)
      guard kind.isUpperOrUncased else { break }
      position += length
      if kind.isLowerOrUncased { lastShared = position }
    }
    let end = run.skip(from: position) { ScalarClass($0).isLowerOrUncased }
    return end > position ? end : lastShared
  }

  /// `[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+` where no lower-case word matched: the end of the match, 0 without one.
  private static func upperWord(_ run: UTF8Run, _ index: Int) -> Int {
    let end = run.skip(from: index) { ScalarClass($0).isUpperOrUncased }
    return end > index ? end : 0
  }

  static func numbers(_ run: UTF8Run, _ index: Int, limit: Int) -> Int {
    var left = limit
    return run.skip(from: index) {
      guard left > 0, ScalarClass($0).isNumber else { return false }
      left -= 1
      return true
    }
  }

  @inline(__always) static func one(_ run: UTF8Run, _ index: Int, where condition: (UInt32) -> Bool) -> Int {
    let (value, length) = run.scalar(at: index)
    return condition(value) ? index + length : index
  }

  static func threeDigits(_ run: UTF8Run, _ index: Int) -> Int {
    guard index + 3 <= run.end else { return index }
    for offset in 0..<3 where run.base[index + offset] &- 48 > 9 { return index }
    return index + 3
  }

  static func spaceRun(_ run: UTF8Run, _ index: Int) -> Int {
    let end = run.skip(from: index) { $0 == 32 }
    return end - index >= 2 ? end : index
  }

  static func edgeSpaces(_ run: UTF8Run, _ index: Int, start: Int) -> Int {
    let end = run.skip(from: index) { $0 == 32 }
    return index == start || end == run.end ? end : index
  }
}
