import Runtime

/// Examples in three parts, none of which shares a group with another.
public struct Split: Sendable, Equatable {
  /// Examples that fit, ascending.
  public let train: [Int]
  /// Examples that choose, ascending.
  public let validation: [Int]
  /// Examples that are looked at once, ascending.
  public let test: [Int]
  /// The seed of the parts.
  public let seed: UInt64
  /// How they were made, such as `by group, stratified, 0.6/0.2/0.2`.
  public let method: String

  /// The examples of a part, ascending.
  public subscript(part: SplitPart) -> [Int] {
    switch part {
    case .train: train
    case .validation: validation
    case .test: test
    }
  }

  /// What share of the examples each part gets.
  public struct Fractions: Sendable, Equatable {
    /// Of train, validation and test; their sum is 1.
    public let values: [Double]

    /// Three positive fractions that sum to one.
    /// - Throws: ``ProbingError/badSplit(problem:expected:)``.
    public init(train: Double, validation: Double, test: Double) throws(ProbingError) {
      values = [train, validation, test]
      guard values.allSatisfy({ $0 > 0 }), abs(values.reduce(0, +) - 1) < 1e-9 else {
        throw .badSplit(
          problem: "the fractions \(train), \(validation), \(test)",
          expected: "three positive fractions that sum to 1")
      }
    }

    private init(_ values: [Double]) { self.values = values }

    /// 0.6, 0.2 and 0.2.
    public static let standard = Fractions([0.6, 0.2, 0.2])
  }

  /// Makes the parts of a set of examples: as the data says where it says it, else by group.
  ///
  /// Data that names train and test only has its validation part taken out of train, by group.
  /// - Throws: ``ProbingError/badSplit(problem:expected:)``, ``ProbingError/leakage(first:second:count:)``,
  ///   ``ProbingError/oneClass(place:positives:negatives:)``.
  public init(_ texts: LabelledTexts, fractions: Fractions = .standard, seed: UInt64 = 0) throws(ProbingError)
  {
    let given = texts.texts.map(\.split)
    guard given.contains(where: { $0 != nil }) else {
      try self.init(labels: texts.labels, groups: texts.groups, fractions: fractions, seed: seed)
      return
    }
    if let index = given.firstIndex(where: { $0 == nil }) {
      throw .badSplit(
        problem: "\(texts.texts[index].id) says no split, others do",
        expected: "a split in every example, or in none")
    }
    var places: [Int: Int] = [:]
    var crossing = 0
    var example: (first: String, second: String)?
    for (index, group) in texts.groups.enumerated() {
      if let first = places[group] {
        guard given[first] != given[index] else { continue }
        crossing += 1
        if example == nil { example = (texts.texts[first].id, texts.texts[index].id) }
      } else {
        places[group] = index
      }
    }
    if let example { throw .leakage(first: example.first, second: example.second, count: crossing) }
    var parts = SplitPart.allCases.map { part in given.indices.filter { given[$0] == part } }
    var method = "as the data says"
    if parts[1].isEmpty, !parts[0].isEmpty {
      let share = fractions.values[1] / (fractions.values[0] + fractions.values[1])
      let inner = Self.parts(
        labels: parts[0].map { texts.labels[$0] }, groups: parts[0].map { texts.groups[$0] },
        fractions: [1 - share, share], seed: seed)
      parts = [inner[0].map { parts[0][$0] }, inner[1].map { parts[0][$0] }, parts[2]]
      method += ", validation taken out of train by group"
    }
    try self.init(parts: parts, labels: texts.labels, seed: seed, method: method)
  }

  /// Makes the parts by group, the shares of both classes as equal as the groups allow.
  ///
  /// Groups are visited largest first, those of one size in random order; each goes to the part that is then nearest to
  /// its due numbers of both classes.
  /// - Parameters:
  ///   - labels: `[n]`.
  ///   - groups: `[n]`, numbers that stand for groups; nil: each example alone.
  ///   - fractions: what each part gets.
  ///   - seed: of ``CounterRandom``.
  /// - Throws: ``ProbingError/oneClass(place:positives:negatives:)`` when a part lacks a class.
  public init(
    labels: [Bool], groups: [Int]?, fractions: Fractions = .standard, seed: UInt64 = 0
  ) throws(ProbingError) {
    let parts = Self.parts(
      labels: labels, groups: groups ?? Array(labels.indices), fractions: fractions.values, seed: seed)
    let shares = fractions.values.map(\.description).joined(separator: "/")
    try self.init(parts: parts, labels: labels, seed: seed, method: "by group, stratified, \(shares)")
  }

  private init(parts: [[Int]], labels: [Bool], seed: UInt64, method: String) throws(ProbingError) {
    for (part, items) in zip(SplitPart.allCases, parts) {
      let positives = items.count { labels[$0] }
      if positives == 0 || positives == items.count {
        throw .oneClass(
          place: "the \(part.rawValue) part of \(labels.count) examples", positives: positives,
          negatives: items.count - positives)
      }
    }
    (train, validation, test) = (parts[0], parts[1], parts[2])
    self.seed = seed
    self.method = method
  }

  private static func parts(labels: [Bool], groups: [Int], fractions: [Double], seed: UInt64) -> [[Int]] {
    precondition(labels.count == groups.count, "one group a label")
    var members: [Int: [Int]] = [:]
    var order: [Int] = []
    for (index, group) in groups.enumerated() {
      if members[group] == nil { order.append(group) }
      members[group, default: []].append(index)
    }
    var random = CounterRandom(seed: seed, stream: "split")
    let blocks = random.shuffled(order).map { members[$0] ?? [] }
    let sorted = blocks.enumerated().sorted {
      $0.element.count != $1.element.count ? $0.element.count > $1.element.count : $0.offset < $1.offset
    }
    let positives = Double(labels.count { $0 })
    let due = fractions.map { (up: $0 * positives, down: $0 * (Double(labels.count) - positives)) }
    var have = fractions.map { _ in (up: 0.0, down: 0.0) }
    var parts = fractions.map { _ in [Int]() }
    for (_, block) in sorted {
      let up = Double(block.count { labels[$0] }), down = Double(block.count) - up
      // The squared distance from the due numbers falls most in the part that misses most of this block's classes,
      // measured against its own size so that small parts are filled as evenly as large ones.
      var best = 0, gain = -Double.infinity
      for part in fractions.indices {
        let missing =
          up * (due[part].up - have[part].up - up / 2) + down * (due[part].down - have[part].down - down / 2)
        let relative = missing / fractions[part]
        if relative > gain { (best, gain) = (part, relative) }
      }
      have[best].up += up
      have[best].down += down
      parts[best] += block
    }
    return parts.map { $0.sorted() }
  }
}
