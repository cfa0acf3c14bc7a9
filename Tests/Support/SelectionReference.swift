extension Reference {
  /// The weights of a group that go first: all of them sorted by score, the lower index before the higher one.
  public static func lowest(_ scores: [Float], of group: [Int], taken: Int) -> Set<Int> {
    Set(group.sorted { (scores[$0], $0) < (scores[$1], $1) }.prefix(taken))
  }

  /// `total` divided among parts in proportion to their sizes: the differences of the rounded-down running shares.
  public static func parts(_ total: Int, _ sizes: [Int]) -> [Int] {
    let whole = sizes.reduce(0, +)
    let ends = sizes.indices.map { sizes[0...$0].reduce(0, +) * total / max(1, whole) }
    return ends.indices.map { ends[$0] - ($0 == 0 ? 0 : ends[$0 - 1]) }
  }
}
