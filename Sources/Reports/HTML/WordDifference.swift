/// Which words of a text another text does not have, in order.
enum WordDifference {
  /// UTF-8 ranges of the words of `text` that are not part of a longest common run of words with `other`.
  /// Texts of more than 400 words are not compared.
  static func changed(_ text: String, against other: String) -> [Range<Int>] {
    let a = words(text)
    let b = words(other)
    guard !a.isEmpty, a.count <= 400, b.count <= 400 else { return [] }
    // Lengths of longest common subsequences of the rests.
    var length = Array(repeating: Array(repeating: 0, count: b.count + 1), count: a.count + 1)
    for i in a.indices.reversed() {
      for j in b.indices.reversed() {
        length[i][j] =
          a[i].word == b[j].word ? length[i + 1][j + 1] + 1 : max(length[i + 1][j], length[i][j + 1])
      }
    }
    var changed: [Range<Int>] = []
    var (i, j) = (0, 0)
    while i < a.count {
      if j < b.count, a[i].word == b[j].word {
        (i, j) = (i + 1, j + 1)
      } else if j < b.count, length[i][j + 1] > length[i + 1][j] {
        j += 1
      } else {
        changed.append(a[i].range)
        i += 1
      }
    }
    return changed
  }

  private static func words(_ text: String) -> [(word: String, range: Range<Int>)] {
    var words: [(word: String, range: Range<Int>)] = []
    var start: Int?
    let bytes = Array(text.utf8)
    for (index, byte) in (bytes + [32]).enumerated() {
      let isWord =
        byte >= 0x80 || byte == 0x27 || (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte & 0xDF)
      if isWord, start == nil { start = index }
      if !isWord, let from = start {
        words.append((String(decoding: bytes[from..<index], as: UTF8.self).lowercased(), from..<index))
        start = nil
      }
    }
    return words
  }
}
