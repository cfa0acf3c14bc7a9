/// Byte-pair encoding: the symbols of a piece are joined, the pair of lowest rank first, the leftmost of equals.
struct BytePairModel: Sendable {
  var vocabulary: Vocabulary
  var merges: MergeTable
  /// The vocabulary holds bytes, and every byte is a symbol by itself (byte-level vocabularies).
  var holdsRawBytes = false
  var unknown: Int32?
  var fusesUnknown = false
  /// What is no token is spelled with the tokens `<0x00>` … `<0xFF>`.
  var fallsBackToBytes = false
  /// A piece that is a token is taken whole.
  var ignoresMerges = false
  /// What single scalars are looked up in, where this is not the vocabulary (sentencepiece): ids from ``firstPhantom`` on
  /// are scalars that are only parts of tokens.
  var symbols: Vocabulary?
  var firstPhantom = Int32.max
  /// Tokens that are taken before anything is joined, and never joined.
  var kept = PrefixMatcher()
  /// Nothing is ever joined over a place where the mark `▁` follows another scalar: long pieces are cut there, and the
  /// words are remembered.
  var cutsAtMarks = false
  var continuingPrefix: [UInt8] = []
  var endSuffix: [UInt8] = []
  /// Id of each single byte as a symbol (raw bytes), or of `<0x..>` (byte fallback); -1 where there is none.
  private(set) var byteIDs = [Int32](repeating: -1, count: 256)

  init(vocabulary: Vocabulary, merges: MergeTable) {
    self.vocabulary = vocabulary
    self.merges = merges
  }

  /// Looks up the tokens of single bytes, after the options are set.
  mutating func prepare() {
    for byte in 0..<256 {
      byteIDs[byte] = vocabulary.id(holdsRawBytes ? [UInt8(byte)] : ByteAlphabet.fallbackNames[byte]) ?? -1
    }
  }

  func tokenize(_ piece: UnsafeBufferPointer<UInt8>, _ scratch: Scratch) {
    if ignoresMerges {
      let id = vocabulary.id(piece)
      if id >= 0 {
        scratch.tokens.append(Token(id: id, start: 0, end: Int32(piece.count)))
        return
      }
    }
    if cutsAtMarks {
      var start = 0
      var index = 3
      while index + 3 <= piece.count {
        if Self.isMark(piece, index) && !Self.isMark(piece, index - 3) {
          tokenizeWord(piece, start..<index, scratch)
          start = index
          index += 3
        } else {
          index += 1
        }
      }
      tokenizeWord(piece, start..<piece.count, scratch)
    } else {
      remember(piece, scratch)
    }
  }

  /// Whether the mark U+2581 is at a byte.
  @inline(__always) private static func isMark(_ piece: UnsafeBufferPointer<UInt8>, _ index: Int) -> Bool {
    piece[index] == 0xE2 && piece[index + 1] == 0x96 && piece[index + 2] == 0x81
  }

  private func tokenizeWord(_ piece: UnsafeBufferPointer<UInt8>, _ range: Range<Int>, _ scratch: Scratch) {
    let first = scratch.tokens.count
    remember(UnsafeBufferPointer(rebasing: piece[range]), scratch)
    if range.lowerBound == 0 { return }
    let start = Int32(range.lowerBound)
    for index in first..<scratch.tokens.count {
      scratch.tokens[index].start += start
      scratch.tokens[index].end += start
    }
  }

  /// Appends the tokens of a piece out of the cache, or puts them there.
  private func remember(_ piece: UnsafeBufferPointer<UInt8>, _ scratch: Scratch) {
    if piece.count > PieceCache.longestPiece {
      split(piece, scratch)
      return
    }
    let key = PieceCache.key(piece)
    if scratch.cache.find(piece, key, { scratch.tokens.append($0) }) { return }
    let first = scratch.tokens.count
    split(piece, scratch)
    scratch.cache.insert(piece, key, scratch.tokens[first...])
  }

  /// Appends the tokens of the pieces that a pattern cuts from a range of valid UTF-8, with their places in it: the way
  /// of byte-level tokenizers whose text nothing rewrites.
  func encode(
    _ text: UnsafeBufferPointer<UInt8>, _ range: Range<Int>, _ pattern: PublishedPattern, _ scratch: Scratch,
    _ encoding: inout Encoding
  ) {
    guard let base = text.baseAddress else { return }
    let run = UTF8Run(base: base, end: range.upperBound)
    let cache = scratch.cache
    var index = range.lowerBound
    while index < run.end {
      var end = pattern.match(run, at: index, start: range.lowerBound)
      // What matches nothing is a piece up to the next match.
      if end == index {
        repeat {
          end += run.scalar(at: end).length
        } while end < run.end && pattern.match(run, at: end, start: range.lowerBound) == end
      }
      let piece = UnsafeBufferPointer(start: base + index, count: end - index)
      if piece.count <= PieceCache.longestPiece {
        let key = PieceCache.key(piece)
        // A token may begin or end inside of a scalar: its range is widened to whole ones.
        let start = index
        let known = cache.find(piece, key) { token in
          encoding.append(
            token.id, run.widened(start + Int(token.start)..<start + Int(token.end)), special: false)
        }
        if known {
          index = end
          continue
        }
      }
      scratch.tokens.removeAll(keepingCapacity: true)
      tokenize(piece, scratch)
      var covered = index
      for token in scratch.tokens {
        let (first, last) = (index + Int(token.start), index + Int(token.end))
        if covered < first { encoding.unencodable.append(run.widened(covered..<first)) }
        covered = max(covered, last)
        encoding.append(token.id, run.widened(first..<last), special: false)
      }
      if covered < end { encoding.unencodable.append(run.widened(covered..<end)) }
      index = end
    }
  }

  private func split(_ piece: UnsafeBufferPointer<UInt8>, _ scratch: Scratch) {
    scratch.symbols.removeAll(keepingCapacity: true)
    if holdsRawBytes { spellBytes(piece, scratch) } else { spellScalars(piece, scratch) }
    let count = scratch.symbols.count
    if count > 1 {
      if count <= 32 { mergeShort(scratch) } else { mergeLong(scratch) }
    }
    var index = count == 0 ? -1 : 0
    scratch.symbols.withUnsafeBufferPointer { symbols in
      while index >= 0 {
        let symbol = symbols[index]
        if self.symbols == nil {
          scratch.tokens.append(Token(id: symbol.id, start: symbol.start, end: symbol.end))
        } else {
          appendSymbol(symbol, piece, scratch)
        }
        index = Int(symbol.next)
      }
    }
  }

  /// Appends a symbol of a sentencepiece model: what is no token becomes bytes, or one unknown token for a run.
  private func appendSymbol(
    _ symbol: Scratch.Symbol, _ piece: UnsafeBufferPointer<UInt8>, _ scratch: Scratch
  ) {
    if symbol.id >= firstPhantom && fallsBackToBytes {
      for byte in piece[Int(symbol.start)..<Int(symbol.end)] {
        scratch.tokens.append(Token(id: byteIDs[Int(byte)], start: symbol.start, end: symbol.end))
      }
    } else {
      let id = symbol.id >= firstPhantom ? unknown ?? -1 : symbol.id
      if id == unknown, let last = scratch.tokens.last, last.id == id, last.end == symbol.start {
        scratch.tokens[scratch.tokens.count - 1].end = symbol.end
      } else {
        scratch.tokens.append(Token(id: id, start: symbol.start, end: symbol.end))
      }
    }
  }

  @inline(__always) private func add(_ id: Int32, _ start: Int, _ end: Int, _ scratch: Scratch) {
    let index = Int32(scratch.symbols.count)
    if index > 0 { scratch.symbols[Int(index) - 1].next = index }
    scratch.symbols.append(
      Scratch.Symbol(id: id, start: Int32(start), end: Int32(end), previous: index - 1, next: -1))
  }

  private func spellBytes(_ piece: UnsafeBufferPointer<UInt8>, _ scratch: Scratch) {
    var unknownStart = -1
    for index in 0..<piece.count {
      let id = byteIDs[Int(piece[index])]
      if id >= 0 {
        if unknownStart >= 0, let unknown { add(unknown, unknownStart, index, scratch) }
        unknownStart = -1
        add(id, index, index + 1, scratch)
      } else if let unknown {
        if unknownStart >= 0 && !fusesUnknown { add(unknown, unknownStart, index, scratch) }
        if unknownStart < 0 || !fusesUnknown { unknownStart = index }
      }
    }
    if unknownStart >= 0, let unknown { add(unknown, unknownStart, piece.count, scratch) }
  }

  private func spellScalars(_ piece: UnsafeBufferPointer<UInt8>, _ scratch: Scratch) {
    guard let base = piece.baseAddress else { return }
    let run = UTF8Run(base: base, end: piece.count)
    let plain = continuingPrefix.isEmpty && endSuffix.isEmpty
    var pending: (start: Int, end: Int)?
    var index = 0
    while index < run.end {
      var end = index + run.scalar(at: index).length
      let id: Int32
      if let symbols {
        if !kept.isEmpty, let (number, length) = kept.match(piece, at: index, to: run.end) {
          id = Int32(number)
          end = index + length
        } else {
          id = symbols.id(UnsafeBufferPointer(rebasing: piece[index..<end]))
        }
      } else if plain {
        id = vocabulary.id(UnsafeBufferPointer(rebasing: piece[index..<end]))
      } else {
        var key = index > 0 ? continuingPrefix : []
        key.append(contentsOf: piece[index..<end])
        if end == run.end { key.append(contentsOf: endSuffix) }
        id = vocabulary.id(key) ?? -1
      }
      if id >= 0 {
        if let waiting = pending, let unknown { add(unknown, waiting.start, waiting.end, scratch) }
        pending = nil
        add(id, index, end, scratch)
      } else if fallsBackToBytes && (index..<end).allSatisfy({ byteIDs[Int(piece[$0])] >= 0 }) {
        for byte in index..<end { add(byteIDs[Int(piece[byte])], byte, byte + 1, scratch) }
      } else if let unknown {
        if let waiting = pending, fusesUnknown {
          pending = (waiting.start, end)
        } else {
          if let waiting = pending { add(unknown, waiting.start, waiting.end, scratch) }
          pending = (index, end)
        }
      }
      index = end
    }
    if let waiting = pending, let unknown { add(unknown, waiting.start, waiting.end, scratch) }
  }

  /// Few symbols: the ranks of all neighbours lie in an array that is searched anew after each merge.
  private func mergeShort(_ scratch: Scratch) {
    let count = scratch.symbols.count
    scratch.ranks.removeAll(keepingCapacity: true)
    scratch.symbols.withUnsafeMutableBufferPointer { symbols in
      for index in 0..<count - 1 {
        scratch.ranks.append(merges.merge(symbols[index].id, symbols[index + 1].id).rank)
      }
      scratch.ranks.withUnsafeMutableBufferPointer { ranks in
        while true {
          var best = UInt32.max
          var left = -1
          for index in 0..<ranks.count where ranks[index] < best {
            best = ranks[index]
            left = index
          }
          if left < 0 { return }
          join(left, symbols)
          ranks[left] = rank(after: left, symbols)
          let previous = Int(symbols[left].previous)
          if previous >= 0 { ranks[previous] = rank(after: previous, symbols) }
          // The symbol that was joined is gone, and its rank with it.
          let gone = symbols[left].next
          let last = gone < 0 ? ranks.count : Int(gone)
          for index in left + 1..<max(left + 1, last) { ranks[index] = .max }
        }
      }
    }
  }

  @inline(__always) private func rank(
    after index: Int, _ symbols: UnsafeMutableBufferPointer<Scratch.Symbol>
  ) -> UInt32 {
    let next = Int(symbols[index].next)
    return next < 0 ? .max : merges.merge(symbols[index].id, symbols[next].id).rank
  }

  @inline(__always) private func join(
    _ index: Int, _ symbols: UnsafeMutableBufferPointer<Scratch.Symbol>
  ) {
    let next = Int(symbols[index].next)
    symbols[index].id = merges.merge(symbols[index].id, symbols[next].id).id
    symbols[index].end = symbols[next].end
    symbols[index].next = symbols[next].next
    symbols[next].id = -1
    if symbols[next].next >= 0 { symbols[Int(symbols[next].next)].previous = Int32(index) }
  }

  /// Many symbols: a binary heap of rank and place; an entry whose pair has changed since is passed over.
  private func mergeLong(_ scratch: Scratch) {
    let count = scratch.symbols.count
    scratch.queue.removeAll(keepingCapacity: true)
    scratch.symbols.withUnsafeMutableBufferPointer { symbols in
      for index in 0..<count - 1 {
        let rank = merges.merge(symbols[index].id, symbols[index + 1].id).rank
        if rank != .max { scratch.queue.append(UInt64(rank) << 32 | UInt64(index)) }
      }
      scratch.queue.sort()
      while let key = MergeQueue.pop(&scratch.queue) {
        let left = Int(key & 0xFFFF_FFFF)
        guard symbols[left].id >= 0, UInt64(rank(after: left, symbols)) == key >> 32 else { continue }
        join(left, symbols)
        let after = rank(after: left, symbols)
        if after != .max { MergeQueue.push(UInt64(after) << 32 | UInt64(left), to: &scratch.queue) }
        let previous = Int(symbols[left].previous)
        if previous >= 0 {
          let before = rank(after: previous, symbols)
          if before != .max { MergeQueue.push(UInt64(before) << 32 | UInt64(previous), to: &scratch.queue) }
        }
      }
    }
  }
}

/// A binary heap in an array, least first.
enum MergeQueue {
  static func push(_ key: UInt64, to heap: inout [UInt64]) {
    var index = heap.count
    heap.append(key)
    while index > 0 {
      let parent = (index - 1) / 2
      if heap[parent] <= key { break }
      heap[index] = heap[parent]
      index = parent
    }
    heap[index] = key
  }

  static func pop(_ heap: inout [UInt64]) -> UInt64? {
    guard let first = heap.first, let key = heap.popLast() else { return nil }
    let count = heap.count
    if count == 0 { return first }
    var index = 0
    while true {
      var child = 2 * index + 1
      if child >= count { break }
      if child + 1 < count && heap[child + 1] < heap[child] { child += 1 }
      if heap[child] >= key { break }
      heap[index] = heap[child]
      index = child
    }
    heap[index] = key
    return first
  }
}
