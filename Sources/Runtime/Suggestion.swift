/// Guesses what a mistyped word was meant to be.
public enum Suggestion {
  /// The candidate nearest to a word, nil when none is near.
  ///
  /// Case, and `-` against `_`, count for nothing. Near means at most a third of the longer word's letters changed
  /// (at least one), or that one of the two begins with the other. Ties go to the candidate that comes first.
  /// - Complexity: O(number of candidates · length²).
  public static func closest(to word: String, in candidates: some Sequence<String>) -> String? {
    let wanted = folded(word)
    guard !wanted.isEmpty else { return nil }
    var best: (distance: Int, candidate: String)?
    for candidate in candidates {
      let letters = folded(candidate)
      var distance = self.distance(wanted, letters)
      if distance > max(1, max(wanted.count, letters.count) / 3) {
        // An abbreviation, or a word with too much at its end: near, but behind every typing mistake.
        guard min(wanted.count, letters.count) >= 3,
          letters.starts(with: wanted) || wanted.starts(with: letters)
        else { continue }
        distance += 1000
      }
      if distance < best?.distance ?? .max { best = (distance, candidate) }
    }
    return best?.candidate
  }

  /// "did you mean …?", or the list of what there is when nothing is near.
  public static func hint(for word: String, in candidates: some Collection<String>) -> String {
    if let near = closest(to: word, in: candidates) { return "did you mean \(near)?" }
    return candidates.isEmpty ? "there is none" : "one of: \(candidates.joined(separator: ", "))"
  }

  /// Insertions, deletions, replacements and swaps of neighbours between two texts (optimal string alignment).
  public static func distance(_ a: String, _ b: String) -> Int { distance(Array(a), Array(b)) }

  private static func folded(_ text: String) -> [Character] {
    text.lowercased().map { $0 == "-" ? "_" : $0 }
  }

  private static func distance(_ a: [Character], _ b: [Character]) -> Int {
    var older = [Int](repeating: 0, count: b.count + 1)
    var previous = Array(0...b.count)
    for i in a.indices {
      var row = [i + 1] + [Int](repeating: 0, count: b.count)
      for j in b.indices {
        row[j + 1] = min(previous[j + 1] + 1, row[j] + 1, previous[j] + (a[i] == b[j] ? 0 : 1))
        if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { row[j + 1] = min(row[j + 1], older[j - 1] + 1) }
      }
      (older, previous) = (previous, row)
    }
    return previous[b.count]
  }
}
