/// A set of scalars as ascending ranges, each with a number, read out of ``StepTable``.
struct ScalarRanges: Sendable {
  private var firsts: [UInt32] = []
  private var lasts: [UInt32] = []
  private var labels: [UInt8] = []
  /// Answers for the first 128 scalars.
  private var ascii = [Int16](repeating: -1, count: 128)

  /// Reads the table's text: for each range the distance from the end of the one before, its size less one, and its
  /// number where the ranges have numbers.
  init(_ text: StaticString, labelled: Bool = false) {
    var numbers = TableNumbers(text)
    var end: UInt32 = 0
    while let distance = numbers.next(), let size = numbers.next() {
      firsts.append(end + distance)
      end += distance + size
      lasts.append(end)
      labels.append(labelled ? UInt8(truncatingIfNeeded: numbers.next() ?? 0) : 0)
    }
    for value in 0..<ascii.count { ascii[value] = Int16(search(UInt32(value))) }
  }

  /// The number of the range that a scalar is in; -1 outside of all.
  func label(_ value: UInt32) -> Int { value < 0x80 ? Int(ascii[Int(value)]) : search(value) }

  func contains(_ value: UInt32) -> Bool { label(value) >= 0 }

  private func search(_ value: UInt32) -> Int {
    var low = 0
    var high = firsts.count
    while low < high {
      let middle = (low + high) / 2
      if lasts[middle] < value { low = middle + 1 } else { high = middle }
    }
    return low < firsts.count && firsts[low] <= value ? Int(labels[low]) : -1
  }

  /// Calls `body` with each range and its number.
  func forEach(_ body: (ClosedRange<UInt32>, Int) -> Void) {
    for index in firsts.indices { body(firsts[index]...lasts[index], Int(labels[index])) }
  }

  /// What `Punctuation` and `BertPreTokenizer` cut at.
  static let punctuation = ScalarRanges(StepTable.punctuation)
  /// What `StripAccents` drops.
  static let accents = ScalarRanges(StepTable.accents)
  /// What `BertNormalizer` drops as accents.
  static let bertAccents = ScalarRanges(StepTable.bertAccents)
  /// What `BertNormalizer` drops when it cleans.
  static let bertControls = ScalarRanges(StepTable.bertControls)
  /// Numbers of Unicode 17.0.
  static let lateNumbers = ScalarRanges(StepTable.lateNumbers)
  /// Kinds of scripts that `UnicodeScripts` keeps together; outside of all are what goes with any script.
  static let together = ScalarRanges(StepTable.together, labelled: true)
}

/// The scripts of Unicode 16.0 by name.
enum ScriptTable {
  private static let numbers: [Substring: Int] = {
    var numbers: [Substring: Int] = [:]
    for (number, name) in StepTable.scriptNames.split(separator: " ").enumerated() { numbers[name] = number }
    return numbers
  }()
  private static let ranges = ScalarRanges(StepTable.scripts, labelled: true)

  /// The scalars of a script, by its name in lower-case letters; nil for no script.
  static func set(named name: String) -> ScalarSet? {
    guard let number = numbers[name[...]] else { return nil }
    var set = ScalarSet()
    ranges.forEach { range, label in
      if label == number { set.insert(range) }
    }
    return set
  }
}
