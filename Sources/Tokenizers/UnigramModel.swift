/// A unigram model: of all ways to cut a piece into tokens the one whose scores have the largest sum (arXiv:1804.10959,
/// equation 5), found by Viterbi's algorithm. Neighbouring unknown scalars are one token.
struct UnigramModel: Sendable {
  /// The best way to a place of the piece: the token that ends there, and where it begins.
  struct Node {
    var id: Int32
    var start: Int32
    var score: Double
  }

  let vocabulary: Vocabulary
  private let scores: [Double]
  private let unknown: Int32?
  private let unknownScore: Double
  private let fallsBackToBytes: Bool
  /// Sums are rounded to 32 bits, as sentencepiece does.
  private let roundsToFloat: Bool
  private let byteIDs: [Int32]
  private let trie: ByteTrie

  init(vocabulary: Vocabulary, scores: [Double], unknown: Int32?, fallsBackToBytes: Bool) {
    self.init(
      vocabulary: vocabulary, found: vocabulary, scores: scores, unknown: unknown,
      unknownScore: (scores.min() ?? 0) - 10, fallsBackToBytes: fallsBackToBytes, roundsToFloat: false)
  }

  /// A model of whose vocabulary only `found` is looked for in texts.
  init(
    vocabulary: Vocabulary, found: Vocabulary, scores: [Double], unknown: Int32?, unknownScore: Double,
    fallsBackToBytes: Bool, roundsToFloat: Bool
  ) {
    self.vocabulary = vocabulary
    self.scores = scores
    self.unknown = unknown
    self.unknownScore = unknownScore
    self.fallsBackToBytes = fallsBackToBytes
    self.roundsToFloat = roundsToFloat
    byteIDs = ByteAlphabet.fallbackNames.map { vocabulary.id($0) ?? -1 }
    trie = ByteTrie(found)
  }

  func tokenize(_ piece: UnsafeBufferPointer<UInt8>, _ scratch: Scratch) {
    guard let base = piece.baseAddress, !piece.isEmpty else { return }
    let run = UTF8Run(base: base, end: piece.count)
    scratch.lattice.removeAll(keepingCapacity: true)
    scratch.lattice.append(
      contentsOf: repeatElement(Node(id: -1, start: -1, score: 0), count: piece.count + 1))
    scratch.lattice.withUnsafeMutableBufferPointer { nodes in
      var start = 0
      while start < run.end {
        let length = run.scalar(at: start).length
        let score = nodes[start].score
        var single = false
        trie.forEachPrefix(piece, from: start) { id, end in
          single = single || end - start == length
          offer(scores[Int(id)] + score, id, start, &nodes[end])
        }
        if !single { offer(unknownScore + score, unknown ?? -1, start, &nodes[start + length]) }
        start += length
      }
    }
    appendBestWay(piece, scratch)
  }

  @inline(__always) private func offer(_ score: Double, _ id: Int32, _ start: Int, _ node: inout Node) {
    if node.start < 0 || score > node.score {
      node = Node(id: id, start: Int32(start), score: roundsToFloat ? Double(Float(score)) : score)
    }
  }

  private func appendBestWay(_ piece: UnsafeBufferPointer<UInt8>, _ scratch: Scratch) {
    let first = scratch.tokens.count
    var end = piece.count
    while end > 0 {
      let node = scratch.lattice[end]
      var start = Int(node.start)
      if node.id == unknown ?? -1 {
        while start > 0 && scratch.lattice[start].id == node.id { start = Int(scratch.lattice[start].start) }
        appendUnknown(piece, start..<end, scratch)
      } else {
        scratch.tokens.append(Token(id: node.id, start: Int32(start), end: Int32(end)))
      }
      end = start
    }
    scratch.tokens[first...].reverse()
  }

  /// Appends what stands for unknown bytes, last first.
  private func appendUnknown(_ piece: UnsafeBufferPointer<UInt8>, _ range: Range<Int>, _ scratch: Scratch) {
    if fallsBackToBytes && range.allSatisfy({ byteIDs[Int(piece[$0])] >= 0 }) {
      for index in range.reversed() {
        scratch.tokens.append(
          Token(id: byteIDs[Int(piece[index])], start: Int32(range.lowerBound), end: Int32(range.upperBound)))
      }
    } else if let unknown {
      scratch.tokens.append(Token(id: unknown, start: Int32(range.lowerBound), end: Int32(range.upperBound)))
    }
  }
}

/// A trie over bytes: children of a node lie in a hash table of node and byte.
struct ByteTrie: Sendable {
  private var children: MergeTable
  private var ids: [Int32] = [-1]
  private var roots = [Int32](repeating: -1, count: 256)

  /// All tokens of a vocabulary.
  init(_ vocabulary: Vocabulary) {
    var size = 0
    vocabulary.forEach { token, _ in size += token.count }
    children = MergeTable(capacity: size)
    vocabulary.forEach { token, id in insert(token, id) }
  }

  private mutating func insert(_ token: UnsafeBufferPointer<UInt8>, _ id: Int) {
    var node: Int32 = 0
    for (depth, byte) in token.enumerated() {
      var next = depth == 0 ? roots[Int(byte)] : children.merge(node, Int32(byte)).id
      if next < 0 {
        next = Int32(ids.count)
        ids.append(-1)
        if depth == 0 { roots[Int(byte)] = next } else { children.add(node, Int32(byte), rank: 0, id: next) }
      }
      node = next
    }
    ids[Int(node)] = Int32(id)
  }

  /// Calls `body` with each token that begins at a byte and with its end, shortest first.
  @inline(__always)
  func forEachPrefix(_ bytes: UnsafeBufferPointer<UInt8>, from start: Int, _ body: (Int32, Int) -> Void) {
    var node = roots[Int(bytes[start])]
    var index = start + 1
    while node >= 0 {
      if ids[Int(node)] >= 0 { body(ids[Int(node)], index) }
      if index == bytes.count { return }
      node = children.merge(node, Int32(bytes[index])).id
      index += 1
    }
  }
}
