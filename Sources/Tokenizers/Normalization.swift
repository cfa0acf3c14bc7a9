/// The normalisation forms of Unicode (UAX #15), with origins.
struct NormalizationForm: Equatable {
  /// Takes compatibility decompositions (NFKC, NFKD).
  var compatible: Bool
  /// Composes again (NFC, NFKC).
  var composes: Bool

  static let nfc = NormalizationForm(compatible: false, composes: true)
  static let nfd = NormalizationForm(compatible: false, composes: false)
  static let nfkc = NormalizationForm(compatible: true, composes: true)
  static let nfkd = NormalizationForm(compatible: true, composes: false)
}

/// What ``DecompositionTable`` says, ready for look-ups.
struct NormalizationData: Sendable {
  private var canonical: [UInt32: [UInt32]] = [:]
  private var compatible: [UInt32: [UInt32]] = [:]
  private var combining: [UInt32: UInt8] = [:]
  private var composites: [UInt64: UInt32] = [:]
  /// Whether any scalar of a page of 256 has an entry.
  private var pages = [Bool](repeating: false, count: 0x1100)

  static let shared = NormalizationData()

  private init() {
    var reader = TableNumbers(DecompositionTable.data)
    var scalar: UInt32 = 0
    while let distance = reader.next() {
      scalar += distance
      pages[Int(scalar >> 8)] = true
      let head = reader.next() ?? 0
      if head & 3 == 3 {
        combining[scalar] = UInt8(truncatingIfNeeded: reader.next() ?? 0)
        continue
      }
      var near = Int64(scalar)
      let parts = (0..<head >> 2).map { _ -> UInt32 in
        let code = Int64(reader.next() ?? 0)
        near += code & 1 == 0 ? code >> 1 : -(code + 1) >> 1
        return UInt32(near)
      }
      if head & 3 == 2 {
        compatible[scalar] = parts
      } else {
        canonical[scalar] = parts
        if head & 3 == 0, parts.count == 2 { composites[UInt64(parts[0]) << 32 | UInt64(parts[1])] = scalar }
      }
    }
    // The table gives one step: take the steps until none is left.
    for scalar in canonical.keys { canonical[scalar] = fully(scalar) }
  }

  private func fully(_ scalar: UInt32) -> [UInt32] {
    canonical[scalar].map { $0.flatMap(fully) } ?? [scalar]
  }

  /// The full decomposition; nil for a scalar that stays as it is. Hangul syllables are not in the table.
  func decomposition(_ scalar: UInt32, compatible: Bool) -> [UInt32]? {
    guard pages[Int(scalar >> 8)] else { return nil }
    return (compatible ? self.compatible[scalar] : nil) ?? canonical[scalar]
  }

  /// The canonical combining class.
  func combiningClass(_ scalar: UInt32) -> UInt8 {
    pages[Int(scalar >> 8)] ? combining[scalar] ?? 0 : 0
  }

  /// The scalar that two scalars compose to, Hangul included.
  func composite(_ first: UInt32, _ second: UInt32) -> UInt32? {
    if first &- Hangul.leading < Hangul.leadingCount && second &- Hangul.vowel < Hangul.vowelCount {
      return Hangul.syllable + ((first - Hangul.leading) * Hangul.vowelCount + second - Hangul.vowel)
        * Hangul.trailingCount
    }
    let block = first &- Hangul.syllable
    if block < Hangul.syllableCount && block % Hangul.trailingCount == 0
      && second &- (Hangul.trailing + 1) < Hangul.trailingCount - 1
    {
      return first + second - Hangul.trailing
    }
    return composites[UInt64(first) << 32 | UInt64(second)]
  }
}

/// Numbers of the algorithm that composes Hangul syllables.
enum Hangul {
  static let syllable: UInt32 = 0xAC00
  static let leading: UInt32 = 0x1100
  static let vowel: UInt32 = 0x1161
  static let trailing: UInt32 = 0x11A7
  static let leadingCount: UInt32 = 19
  static let vowelCount: UInt32 = 21
  static let trailingCount: UInt32 = 28
  static let syllableCount: UInt32 = 11172

  /// The letters of a syllable; nil for other scalars.
  static func letters(_ scalar: UInt32) -> [UInt32]? {
    let index = scalar &- syllable
    guard index < syllableCount else { return nil }
    let letters = [
      leading + index / (vowelCount * trailingCount),
      vowel + index % (vowelCount * trailingCount) / trailingCount,
    ]
    return index % trailingCount == 0 ? letters : letters + [trailing + index % trailingCount]
  }
}

extension AlignedText {
  private struct Letter {
    var scalar: UInt32
    var combiningClass: UInt8
    /// How many scalars of the old text it takes the place of, less one; 1 for one that is put in.
    var change: Int32
    /// Its place among the letters before they were ordered.
    var place: Int32
  }

  /// Writes the text in a normalisation form. Origins follow the published rule: a letter takes the place of the next
  /// scalars that have none yet and stands for the first of them; what is put in stands for the one before.
  /// - Complexity: O(n log n) in the bytes of the text.
  mutating func normalize(_ form: NormalizationForm) {
    if bytes.allSatisfy({ $0 < 0x80 }) { return }
    let data = NormalizationData.shared
    var letters: [Letter] = []
    letters.reserveCapacity(bytes.count)
    bytes.forEachScalar { value, _, _ in
      func add(_ scalar: UInt32, _ change: Int32) {
        letters.append(
          Letter(
            scalar: scalar, combiningClass: scalar < 0xA0 ? 0 : data.combiningClass(scalar), change: change,
            place: Int32(letters.count)))
      }
      if value >= 0xA0,
        let parts = Hangul.letters(value) ?? data.decomposition(value, compatible: form.compatible)
      {
        for (number, part) in parts.enumerated() { add(part, number == 0 ? 0 : 1) }
      } else {
        add(value, 0)
      }
    }
    Self.order(&letters)
    if form.composes { Self.compose(&letters, data) }
    rewrite(letters.map { Change(scalar: $0.scalar, change: $0.change) })
  }

  /// A scalar of a new text, and how many scalars of the old one it takes the place of, less one; 1 for one that is put
  /// in.
  struct Change {
    var scalar: UInt32
    var change: Int32
  }

  /// Writes a new text over the old one, scalar by scalar.
  mutating func rewrite(_ changes: [Change]) {
    var draft = Draft(capacity: bytes.count)
    var index = 0
    for letter in changes {
      if letter.change > 0 {
        draft.append(
          scalar: letter.scalar, origin: index > 0 ? byteOrigin(index - 1) : Origin(start: 0, end: 0))
        continue
      }
      let length = scalarLength(index)
      draft.append(
        scalar: letter.scalar,
        origin: length > 0 ? origin(at: index, length: length) : Origin(start: 0, end: 0))
      for _ in 0...(-letter.change) { index += scalarLength(index) }
    }
    take(draft)
  }

  /// Bytes of the scalar at a byte; 0 at the end.
  private func scalarLength(_ index: Int) -> Int {
    guard index < bytes.count else { return 0 }
    var length = 1
    while index + length < bytes.count && bytes[index + length] & 0xC0 == 0x80 { length += 1 }
    return length
  }

  /// Puts the marks between two starters in the order of their classes.
  private static func order(_ letters: inout [Letter]) {
    var start = 0
    while start < letters.count {
      if letters[start].combiningClass == 0 {
        start += 1
        continue
      }
      var end = start + 1
      while end < letters.count && letters[end].combiningClass > 0 { end += 1 }
      if end > start + 1 {
        letters[start..<end].sort { ($0.combiningClass, $0.place) < ($1.combiningClass, $1.place) }
      }
      start = end
    }
  }

  /// Joins each starter with the marks and starters after it that nothing keeps away.
  private static func compose(_ letters: inout [Letter], _ data: NormalizationData) {
    var result: [Letter] = []
    result.reserveCapacity(letters.count)
    var starter = -1
    for letter in letters {
      if starter >= 0, let last = result.last {
        let adjacent = result.count - 1 == starter
        let blocked = !adjacent && last.combiningClass >= letter.combiningClass
        if !blocked, let joined = data.composite(result[starter].scalar, letter.scalar) {
          result[starter].scalar = joined
          result[starter].change += letter.change - 1
          continue
        }
      }
      if letter.combiningClass == 0 { starter = result.count }
      result.append(letter)
    }
    letters = result
  }
}
