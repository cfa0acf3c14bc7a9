/// A text as Python sees it: a list of Unicode scalars, equal only when all scalars are (Swift's own texts are equal
/// when they are canonically equivalent).
struct JinjaText: Hashable, Sendable {
  var scalars: [Unicode.Scalar]

  init(_ scalars: some Sequence<Unicode.Scalar>) { self.scalars = Array(scalars) }
  init(_ text: String) { scalars = Array(text.unicodeScalars) }

  static let empty = JinjaText("")

  var count: Int { scalars.count }
  var isEmpty: Bool { scalars.isEmpty }

  /// The text as Swift's.
  var string: String {
    var view = String.UnicodeScalarView()
    view.append(contentsOf: scalars)
    return String(view)
  }

  static func + (a: JinjaText, b: JinjaText) -> JinjaText { JinjaText(a.scalars + b.scalars) }

  /// Whether a scalar is whitespace to Python's `str.isspace`.
  static func isSpace(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0x9...0xD, 0x1C...0x20, 0x85, 0xA0, 0x1680, 0x2000...0x200A, 0x2028, 0x2029, 0x202F, 0x205F, 0x3000:
      true
    default: false
    }
  }

  private static func isLineEnd(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0xA...0xD, 0x1C...0x1E, 0x85, 0x2028, 0x2029: true
    default: false
    }
  }

  // MARK: Ends

  /// Without scalars of a set (nil: whitespace) at its ends.
  func stripped(_ set: JinjaText? = nil, left: Bool = true, right: Bool = true) -> JinjaText {
    let members = set.map { Set($0.scalars) }
    func goes(_ scalar: Unicode.Scalar) -> Bool { members?.contains(scalar) ?? Self.isSpace(scalar) }
    var start = 0
    var end = scalars.count
    while left && start < end && goes(scalars[start]) { start += 1 }
    while right && end > start && goes(scalars[end - 1]) { end -= 1 }
    return JinjaText(scalars[start..<end])
  }

  func hasPrefix(_ other: JinjaText) -> Bool { scalars.starts(with: other.scalars) }
  func hasSuffix(_ other: JinjaText) -> Bool {
    count >= other.count && scalars[(count - other.count)...].elementsEqual(other.scalars)
  }

  // MARK: Finding

  /// The first place of a text at or after a place, before an end.
  func find(_ other: JinjaText, from start: Int = 0, to end: Int? = nil) -> Int? {
    let end = min(end ?? count, count)
    let last = end - other.count
    guard start <= last, start >= 0 else { return nil }
    guard let first = other.scalars.first else { return start }
    var place = start
    while place <= last {
      if scalars[place] == first && scalars[place..<(place + other.count)].elementsEqual(other.scalars) {
        return place
      }
      place += 1
    }
    return nil
  }

  /// The last place of a text inside of a range.
  func findLast(_ other: JinjaText, from start: Int = 0, to end: Int? = nil) -> Int? {
    let end = min(end ?? count, count)
    var place = end - other.count
    while place >= max(0, start) {
      if scalars[place..<(place + other.count)].elementsEqual(other.scalars) { return place }
      place -= 1
    }
    return nil
  }

  /// How often a text occurs without overlap.
  func occurrences(of other: JinjaText) -> Int {
    if other.isEmpty { return count + 1 }
    var found = 0
    var place = 0
    while let next = find(other, from: place) {
      found += 1
      place = next + other.count
    }
    return found
  }

  /// With a text replaced, at most `limit` times (negative: always).
  func replacing(_ old: JinjaText, with new: JinjaText, limit: Int = -1) -> JinjaText {
    var result: [Unicode.Scalar] = []
    var left = limit < 0 ? Int.max : limit
    if old.isEmpty {
      for (place, scalar) in scalars.enumerated() {
        if place < left { result += new.scalars }
        result.append(scalar)
      }
      if count < left { result += new.scalars }
      return JinjaText(result)
    }
    var place = 0
    while left > 0, let next = find(old, from: place) {
      result += scalars[place..<next]
      result += new.scalars
      place = next + old.count
      left -= 1
    }
    result += scalars[place...]
    return JinjaText(result)
  }

  // MARK: Cutting

  /// Pieces between separators, at most `limit` cuts (negative: all).
  func split(_ separator: JinjaText, limit: Int = -1) -> [JinjaText] {
    var pieces: [JinjaText] = []
    var place = 0
    var left = limit < 0 ? Int.max : limit
    while left > 0, let next = find(separator, from: place) {
      pieces.append(JinjaText(scalars[place..<next]))
      place = next + separator.count
      left -= 1
    }
    pieces.append(JinjaText(scalars[place...]))
    return pieces
  }

  /// Pieces between separators, cut from the end.
  func splitFromEnd(_ separator: JinjaText, limit: Int) -> [JinjaText] {
    var pieces: [JinjaText] = []
    var end = count
    var left = limit < 0 ? Int.max : limit
    while left > 0, let next = findLast(separator, to: end) {
      pieces.append(JinjaText(scalars[(next + separator.count)..<end]))
      end = next
      left -= 1
    }
    pieces.append(JinjaText(scalars[..<end]))
    return pieces.reversed()
  }

  /// Words between whitespace.
  func words(limit: Int = -1) -> [JinjaText] {
    var pieces: [JinjaText] = []
    var place = 0
    while true {
      while place < count && Self.isSpace(scalars[place]) { place += 1 }
      if place == count { return pieces }
      if limit >= 0 && pieces.count == limit {
        pieces.append(JinjaText(scalars[place...]))
        return pieces
      }
      let start = place
      while place < count && !Self.isSpace(scalars[place]) { place += 1 }
      pieces.append(JinjaText(scalars[start..<place]))
    }
  }

  /// Words between whitespace, cut from the end.
  func wordsFromEnd(limit: Int) -> [JinjaText] {
    let turned = JinjaText(scalars.reversed()).words(limit: limit)
    return turned.reversed().map { JinjaText($0.scalars.reversed()) }
  }

  /// The lines, without (or with) their ends.
  func lines(keepingEnds: Bool = false) -> [JinjaText] {
    var result: [JinjaText] = []
    var start = 0
    while start < count {
      var end = start
      while end < count && !Self.isLineEnd(scalars[end]) { end += 1 }
      var next = min(end + 1, count)
      if end + 1 < count && scalars[end] == "\r" && scalars[end + 1] == "\n" { next = end + 2 }
      result.append(JinjaText(scalars[start..<(keepingEnds ? next : end)]))
      start = next
    }
    return result
  }
}
